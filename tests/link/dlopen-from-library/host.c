#include <dlfcn.h>
#include <stdio.h>

int own_function(void) {
  return 9;
}

int open_plugin(void) {
  void* const handle = dlopen("libplugin.so", RTLD_NOW);
  if (handle == NULL) {
    puts(dlerror());
    return -1;
  }
  return ((int (*)(void))dlsym(handle, "plugin"))();
}

void look(void) {
  // RTLD_DEFAULT is what the caller sees, and this library sees itself; the global scope does not.
  printf("default %d", dlsym(RTLD_DEFAULT, "own_function") == (void*)own_function);
  printf(" main's %d", dlsym(dlopen(NULL, RTLD_LAZY), "own_function") == NULL);
  printf(" plugin %d\n", dlsym(RTLD_DEFAULT, "plugin") == NULL);
}
