#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  int (*const who)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "who");
  printf("preloaded: %d\n", who == NULL ? -1 : who());
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  printf("the same: %d\n", dlsym(handle, "who") == (void*)who);
  dlclose(handle);
  dlclose(handle);
  puts("main ends");
  return 0;
}
