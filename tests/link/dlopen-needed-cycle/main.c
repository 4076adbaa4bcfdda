#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  for (int i = 0; i < 2; ++i) {
    void* const a = dlopen("liba.so", RTLD_NOW);
    void* const b = dlopen("libb.so", RTLD_NOW);
    printf("%d %d\n", ((int (*)(void))dlsym(a, "ask_a"))(), ((int (*)(void))dlsym(b, "ask_b"))());
    dlclose(a);
    puts("one is closed");
    dlclose(b);
    printf("loaded: %d\n", dlopen("liba.so", RTLD_NOW | RTLD_NOLOAD) != NULL);
  }
  return 0;
}
