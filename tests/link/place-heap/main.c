#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { size = 200000, guards = 20 };

int main(void) {
  // Blocks all around: none of them and the library may meet.
  char* around[guards];
  for (int i = 0; i < guards; ++i) {
    around[i] = memset(malloc(10000), i, 10000);
    if (i % 2) {
      free(around[i]);
    }
  }
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  char* const data = handle == NULL ? NULL : dlsym(handle, "data");
  if (data == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  memset(data, 0x55, size);
  for (int i = 1; i < guards; i += 2) {
    around[i] = memset(malloc(10000), i, 10000);
  }
  int damaged = 0;
  for (int i = 0; i < size; ++i) {
    damaged += data[i] != 0x55;
  }
  for (int i = 0; i < guards; ++i) {
    for (int j = 0; j < 10000; ++j) {
      damaged += around[i][j] != i;
    }
  }
  printf("%d damaged\n", damaged);
  dlclose(handle);
  // The block is free again: for the guest, and for the library.
  const size_t pages = __builtin_wasm_memory_size(0);
  for (int i = 0; i < 100; ++i) {
    char* const block = malloc(size);
    memset(block, 0xff, size);
    free(block);
    dlclose(dlopen("liblibrary.so", RTLD_NOW));
  }
  printf("%d more pages\n", (int)(__builtin_wasm_memory_size(0) - pages));
  return 0;
}
