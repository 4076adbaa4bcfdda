#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>

static jmp_buf place;
static void* handle;

static void close_and_jump(void) {
  dlclose(handle);
  longjmp(place, 6);
}

static int once(void) {
  handle = dlopen("liblibrary.so", RTLD_NOW);
  int (*const call)(void (*)(void)) = (int (*)(void (*)(void)))dlsym(handle, "call");
  const int jumped = setjmp(place);
  return jumped != 0 ? jumped : call(close_and_jump);
}

int main(void) {
  once();
  once();
  const size_t pages = __builtin_wasm_memory_size(0);
  int sum = 0;
  for (int i = 0; i < 100; ++i) {
    sum += once();
  }
  printf("%d, %d more pages\n", sum, (int)(__builtin_wasm_memory_size(0) - pages));
  printf("%d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  return 0;
}
