#include <dlfcn.h>
#include <stdio.h>

static void* inner;

__attribute__((constructor)) static void construct(void) {
  puts("  middle opens");
  inner = dlopen("libinner.so", RTLD_NOW);
  puts("  middle");
}

int value(void) {
  return 10 * ((int (*)(void))dlsym(inner, "value"))();
}
