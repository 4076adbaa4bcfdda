#include <dlfcn.h>
#include <stdio.h>

__attribute__((destructor)) static void destruct(void) {
  puts("opens ends");
  void* const helper = dlopen("libhelper.so", RTLD_NOW);
  printf("help: %d\n", ((int (*)(int))dlsym(helper, "help"))(41));
}
