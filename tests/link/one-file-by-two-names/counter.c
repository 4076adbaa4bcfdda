#include <stdio.h>

static int counter;

__attribute__((constructor)) static void construct(void) {
  puts("constructed");
}

int next(void) {
  return ++counter;
}
