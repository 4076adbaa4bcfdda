#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  void* const handle = dlopen("libdependent.so", RTLD_NOW);
  printf("%d\n", ((int (*)(void))dlsym(handle, "use"))());
  dlclose(handle);
  puts("main ends");
  return 0;
}
