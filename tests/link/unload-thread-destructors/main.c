#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void in_main(void) {
  puts("main's atexit");
}

int main(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  ((void (*)(void))dlsym(handle, "start"))();
  int (*const get)(void) = (int (*)(void))dlsym(handle, "get");
  atexit(in_main);
  printf("closed: %d\n", dlclose(handle));
  printf("stays: %d %d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == handle, get());
  dlclose(handle);
  printf("stays: %d\n", get());
  return 0;
}
