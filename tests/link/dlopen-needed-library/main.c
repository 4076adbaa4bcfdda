#include <dlfcn.h>
#include <stdio.h>

int count(void);

int main(void) {
  count();
  void* const handle = dlopen("libneeded.so", RTLD_NOW | RTLD_LOCAL);
  printf("%d\n", dlsym(handle, "count") == (void*)count);
  printf("%d\n", *(int*)dlsym(handle, "counter"));
  for (int i = 0; i < 5; ++i) {
    dlclose(handle);
  }
  printf("%d %d\n", count(), dlsym(RTLD_DEFAULT, "count") != NULL);
  puts("main ends");
  return 0;
}
