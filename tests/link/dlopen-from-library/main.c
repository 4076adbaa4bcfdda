#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  void* const handle = dlopen(HOST_LIBRARY, RTLD_NOW);
  if (handle == NULL) {
    puts(dlerror());
    return 1;
  }
  printf("main finds the plugin: %d\n", dlopen("libplugin.so", RTLD_NOW) != NULL);
  printf("the library: %d\n", ((int (*)(void))dlsym(handle, "open_plugin"))());
  // It is there now, so its name is enough.
  printf("main finds the plugin: %d\n", dlopen("libplugin.so", RTLD_NOW) != NULL);
  ((void (*)(void))dlsym(handle, "look"))();
  printf("main sees the library: %d\n", dlsym(RTLD_DEFAULT, "own_function") != NULL);
  return 0;
}
