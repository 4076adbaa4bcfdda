#include <dlfcn.h>
#include <stdio.h>

int depth;

int main(void) {
  void* const handle = dlopen("lib0.so", RTLD_NOW);
  printf("%d %d\n", depth, ((int (*)(void))dlsym(handle, "sum"))());
  dlclose(handle);
  printf("%d\n", depth);
  return 0;
}
