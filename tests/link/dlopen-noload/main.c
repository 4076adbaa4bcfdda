#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  printf("%d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  printf("%d\n", dlopen("libnowhere.so", RTLD_LAZY | RTLD_NOLOAD) == NULL);
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  // One more reference, which keeps it.
  printf("%d\n", dlopen("liblibrary.so", RTLD_LAZY | RTLD_NOLOAD) == handle);
  dlclose(handle);
  puts("one is left");
  dlclose(handle);
  printf("%d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  printf("%d\n", dlopen("libc.so", RTLD_NOW | RTLD_NOLOAD) != NULL);
  return 0;
}
