#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void at_exit(void) {
  puts("main's atexit function");
}

int main(int count, char** arguments) {
  dlopen("libdependent.so", RTLD_NOW);
  dlopen("libsecond.so", RTLD_NOW);
  dlclose(dlopen("libclosed.so", RTLD_NOW));
  atexit(at_exit);
  if (count > 1) {
    exit(3);
  }
  return 0;
}
