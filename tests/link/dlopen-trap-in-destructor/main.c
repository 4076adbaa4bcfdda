#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void at_exit(void) {
  puts("main's");
}

int main(int count, char** arguments) {
  atexit(at_exit);
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  ((void (*)(int))dlsym(handle, "start"))(strcmp(arguments[1], "exits") == 0);
  printf("close: %d\n", dlclose(handle));
  const char* const error = dlerror();
  printf("error: %d%d\n", strstr(error, "liblibrary.so") != NULL, strstr(error, "unreachable") != NULL);
  printf("is loaded: %d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) != NULL);
  printf("again: %d\n", dlopen("liblibrary.so", RTLD_NOW) != NULL);
  return 0;
}
