#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  puts("main begins");
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    puts(dlerror());
    return 1;
  }
  int (*const add)(int) = (int (*)(int))dlsym(handle, "add");
  double (*const half)(double) = (double (*)(double))dlsym(handle, "half");
  int* const counter = (int*)dlsym(handle, "counter");
  printf("%d\n", *counter);
  printf("%d %d\n", add(2), *counter);
  *counter = 100;
  printf("%d %g\n", add(5), half(3));
  printf("nothing went wrong: %d\n", dlerror() == NULL);
  printf("closed: %d\n", dlclose(handle));
  printf("nothing went wrong: %d\n", dlerror() == NULL);
  return 0;
}
