#include <stdio.h>
#include <stdlib.h>

static void at_exit(void) {
  puts("library's atexit function");
}

__attribute__((destructor)) static void destruct(void) {
  puts("library's destructor");
}

__attribute__((constructor)) static void construct(void) {
  puts("library's constructor");
}

void use(void) {
  atexit(at_exit);
}
