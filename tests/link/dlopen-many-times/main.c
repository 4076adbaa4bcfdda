#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef int function(int);

int destructions;

static void* handles[200];

// Opens all, uses them, and closes them in another order.
static int round_of_all(void) {
  int sum = 0;
  for (int i = 0; i < 200; ++i) {
    char name[20];
    sprintf(name, "lib%d.so", i);
    handles[i] = dlopen(name, i % 2 ? RTLD_LAZY : RTLD_NOW);
    if (handles[i] == NULL) {
      puts(dlerror());
      exit(1);
    }
  }
  for (int i = 0; i < 200; ++i) {
    sum += ((function*)dlsym(handles[i], "value"))(1) + (*(function**)dlsym(handles[i], "pointer"))(1);
  }
  for (int i = 0; i < 200; ++i) {
    dlclose(handles[i * 7 % 200]);
  }
  return sum;
}

int main(int count, char** arguments) {
  printf("%d\n", round_of_all());
  round_of_all();
  const size_t before = __builtin_wasm_memory_size(0);
  for (int i = 0; i < 8; ++i) {
    round_of_all();
  }
  for (int i = 0; i < 2000; ++i) {
    void* const handle = dlopen("lib0.so", RTLD_NOW);
    dlsym(handle, "value");
    dlclose(handle);
  }
  // 3600 libraries of 50 kB would be 180 MB.
  printf("%d\n", (__builtin_wasm_memory_size(0) - before) * 65536 < 4000000);
  printf("%d\n", round_of_all());
  printf("%d\n", destructions);
  return 0;
}
