#include <stdlib.h>

static _Thread_local int own = 5;
static int* number;

__attribute__((constructor)) static void construct(void) {
  number = malloc(sizeof *number);
  *number = 100;
}

// Called for the first time when the library is gone for everybody else.
int add(int argument) {
  return argument + own++ + *number;
}
