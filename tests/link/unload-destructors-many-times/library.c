#include <stdlib.h>

extern int ended;

static void end(void) {
  ++ended;
}

__attribute__((constructor)) static void construct(void) {
  atexit(end);
}

__attribute__((destructor)) static void destruct(void) {
  ++ended;
}
