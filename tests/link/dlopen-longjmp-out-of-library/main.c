#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static jmp_buf back;

static void jump(void) {
  longjmp(back, 1);
}

int main(void) {
  volatile int jumps = 0;
  volatile size_t before = 0;
  for (volatile int i = 0; i < 300; ++i) {
    void* volatile const handle = dlopen("liblibrary.so", RTLD_NOW);
    if (setjmp(back) == 0) {
      ((int (*)(void (*)(void)))dlsym(handle, "call"))(jump);
      puts("never");
    }
    ++jumps;
    dlclose(handle);
    if (i == 10) {
      before = __builtin_wasm_memory_size(0);
    }
  }
  printf("%d %d\n", jumps, (__builtin_wasm_memory_size(0) - before) * 65536 < 2000000);
  return 0;
}
