#include <dlfcn.h>
#include <stdio.h>

static void ask(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  printf("%d\n", ((int (*)(void))dlsym(handle, "ask"))());
  dlclose(handle);
}

int main(void) {
  void* const first = dlopen("libfirst.so", RTLD_NOW | RTLD_GLOBAL);
  dlopen("libsecond.so", RTLD_NOW | RTLD_GLOBAL);
  ask("libuser.so");
  // What was bound stays, and what is opened again goes behind.
  dlclose(first);
  ask("libuser.so");
  dlopen("libfirst.so", RTLD_NOW | RTLD_GLOBAL);
  ask("libuser.so");
  // Its own dependency comes after the global scope.
  ask("libneeds-third.so");
  return 0;
}
