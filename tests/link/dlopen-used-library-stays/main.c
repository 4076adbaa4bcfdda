#include <dlfcn.h>
#include <stdio.h>

static int use(void* handle) {
  return ((int (*)(void))dlsym(handle, "use"))();
}

int main(int count, char** arguments) {
  void* const provider = dlopen("libprovider.so", RTLD_NOW | RTLD_GLOBAL);
  void* const user = dlopen(arguments[1], RTLD_LAZY);
  printf("%d\n", use(user));
  puts("close provider");
  dlclose(provider);
  printf("%d\n", use(user));
  puts("close user");
  dlclose(user);
  puts("main ends");
  return 0;
}
