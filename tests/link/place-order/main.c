#include <dlfcn.h>
#include <stdio.h>

// Arguments: libraries to open, all of which stay open.
int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    void* const handle = dlopen(arguments[i], RTLD_NOW);
    if (handle == NULL) {
      printf("%s\n", dlerror());
      return 1;
    }
    printf("%d\n", ((int (*)(void))dlsym(handle, "sum"))());
  }
  return 0;
}
