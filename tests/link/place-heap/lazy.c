#include <dlfcn.h>
#include <stdio.h>

// No malloc was called before the library's.
int main(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  printf("%d\n", *(char*)dlsym(handle, "data"));
  dlclose(handle);
  return 0;
}
