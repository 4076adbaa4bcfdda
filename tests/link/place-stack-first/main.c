#include <dlfcn.h>
#include <stdio.h>

// Below everything: its stack is linked to begin at address 0.
int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    void* const handle = dlopen(arguments[i], RTLD_NOW);
    if (handle == NULL) {
      printf("%s\n", dlerror());
      return 1;
    }
    char* const first = ((char* (*)(void))dlsym(handle, "address_of_first"))();
    printf("%d %d %d\n", first == NULL, (unsigned)first, *first);
  }
  return 0;
}
