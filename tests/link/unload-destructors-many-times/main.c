#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int ended;

static void last(void) {
  printf("%d at exit\n", ended);
}

static void open_and_close(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    dlclose(dlopen("liblibrary.so", RTLD_NOW));
  }
}

int main(void) {
  atexit(last);
  dlopen("libstays.so", RTLD_NOW);
  open_and_close(1000);
  const size_t pages = __builtin_wasm_memory_size(0);
  open_and_close(9000);
  printf("%d, %d more pages\n", ended, (int)(__builtin_wasm_memory_size(0) - pages));
  return 0;
}
