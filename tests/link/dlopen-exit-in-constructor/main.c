#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void at_exit(void) {
  puts("main's atexit function");
}

int main(void) {
  atexit(at_exit);
  dlopen("liblibrary.so", RTLD_NOW);
  puts("never");
  return 0;
}
