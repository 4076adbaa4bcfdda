#include <stdio.h>
#include <stdlib.h>

extern _Atomic int of_library, of_destructor;

static void at_exit(void) {
  ++of_library;
}

__attribute__((destructor)) static void destruct(void) {
  ++of_destructor;
}

int register_one(void) {
  return atexit(at_exit);
}
