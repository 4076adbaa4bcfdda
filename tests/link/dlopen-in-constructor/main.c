#include <dlfcn.h>
#include <stdio.h>

#ifdef IN_CONSTRUCTOR
__attribute__((constructor)) static void construct(void) {
  printf("main's constructor: %d\n", dlopen("libpassing.so", RTLD_NOW) != NULL);
}
#endif

int main(void) {
  void* const handle = dlopen("libouter.so", RTLD_NOW);
  printf("main: %d\n", ((int (*)(void))dlsym(handle, "value"))());
  dlclose(handle);
  puts("it holds itself");
  void* const again = dlopen("libouter.so", RTLD_NOW | RTLD_NOLOAD);
  printf("the same: %d\n", again == handle);
  puts("main ends");
  return 0;
}
