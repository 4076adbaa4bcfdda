#include <stdio.h>
#include <string.h>

int spawn(void* start) __attribute__((import_module("wasi"), import_name("thread-spawn")));

void wasi_thread_start(int thread, void* start) {}

int main(int count, char** arguments) {
  static int word;
  if (strcmp(arguments[1], "spawn") == 0) {
    printf("%d\n", spawn(&word));
    return 0;
  }
  printf("%d\n", (int)__builtin_wasm_memory_atomic_notify(&word, 1));
  fflush(stdout);
  return __builtin_wasm_memory_atomic_wait32(&word, 0, 1000);
}
