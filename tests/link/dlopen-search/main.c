#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    void* const handle = dlopen(arguments[i], RTLD_NOW);
    if (handle == NULL) {
      puts(dlerror());
    } else {
      printf("%d\n", ((int (*)(void))dlsym(handle, "value"))());
    }
  }
  return 0;
}
