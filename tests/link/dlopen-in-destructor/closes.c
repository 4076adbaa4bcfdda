#include <dlfcn.h>
#include <stdio.h>

static void* helper;

__attribute__((constructor)) static void construct(void) {
  helper = dlopen("libhelper.so", RTLD_NOW);
}

__attribute__((destructor)) static void destruct(void) {
  puts("closes ends");
  printf("closed: %d\n", dlclose(helper));
}
