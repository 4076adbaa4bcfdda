#include <dlfcn.h>
#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  } else {
    printf("opened early: %d\n", *(char*)dlsym(handle, "data"));
    dlclose(handle);
  }
}
