#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Arguments: how often, and how often to tell the size of memory.
int main(int count, char** arguments) {
  const int rounds = atoi(arguments[1]);
  const int every = atoi(arguments[2]);
  unsigned sum = 0;
  for (int round = 1; round <= rounds; ++round) {
    void* const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (handle == NULL) {
      printf("%s\n", dlerror());
      return 1;
    }
    sum += ((int (*)(int))dlsym(handle, "use"))(round);
    if (dlclose(handle) != 0) {
      printf("%s\n", dlerror());
      return 1;
    }
    if (round % every == 0) {
      printf("%d %d\n", round, (int)__builtin_wasm_memory_size(0));
      fflush(stdout);
      getchar();  // until it was measured
    }
  }
  return sum == 0;
}
