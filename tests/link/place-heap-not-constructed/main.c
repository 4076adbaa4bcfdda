#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  printf("opened: %d\n", *(char*)dlsym(handle, "data"));
  return 0;
}
