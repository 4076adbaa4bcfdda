#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** arguments) {
  void* const handle = dlopen("liblibrary.so", strcmp(arguments[1], "now") == 0 ? RTLD_NOW : RTLD_LAZY);
  if (handle == NULL) {
    puts(dlerror());
    printf("%d\n", dlopen("liblibrary.so", RTLD_NOLOAD | RTLD_LAZY) == NULL);
    return 3;
  }
  printf("%d\n", ((int (*)(void))dlsym(handle, "present"))());
  fflush(stdout);
  if (count > 2) {
    // What it missed comes with another library, or it is asked for at once.
    if (dlopen(arguments[2], RTLD_NOW | RTLD_GLOBAL) == NULL) {
      puts(dlerror());
      return 4;
    }
  }
  printf("%d\n", ((int (*)(void))dlsym(handle, "call_missing"))());
  return 0;
}
