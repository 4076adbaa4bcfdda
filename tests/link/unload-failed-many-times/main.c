#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Arguments: the library that cannot be opened, how often to try, and how often to tell the size of memory.
int main(int count, char** arguments) {
  const int rounds = atoi(arguments[2]);
  const int every = atoi(arguments[3]);
  for (int round = 1; round <= rounds; ++round) {
    if (dlopen(arguments[1], RTLD_NOW) != NULL || dlerror() == NULL) {
      puts("it was opened");
      return 1;
    }
    if (round % every == 0) {
      printf("%d %d\n", round, (int)__builtin_wasm_memory_size(0));
      fflush(stdout);
      getchar();  // until it was measured
    }
  }
  return 0;
}
