#include <stdio.h>
#include <stdlib.h>

static void at_exit(void) {
  puts("library's atexit function");
}

__attribute__((constructor)) static void construct(void) {
  atexit(at_exit);
  puts("constructor exits");
  exit(23);
}
