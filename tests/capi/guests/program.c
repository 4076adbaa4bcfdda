// A program made of libraries: it needs one, and opens another while it runs.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int from_needed(void);
int native_value(int);

__attribute__((export_name("call_needed"))) int call_needed(void) { return from_needed(); }
__attribute__((export_name("call_native"))) int call_native(int value) { return native_value(value); }
__attribute__((export_name("open_plugin"))) int open_plugin(void) {
  void* plugin = dlopen("libplugin.so", RTLD_NOW);
  if (plugin == NULL) {
    return -1;
  }
  int (*work)(int) = (int (*)(int))dlsym(plugin, "work");
  const int result = work == NULL ? -2 : work(20);
  return dlclose(plugin) == 0 ? result : -3;
}

int main(void) {
  printf("needed %d\n", from_needed());
  return 0;
}
