#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** arguments) {
  void* const handle = dlopen(arguments[1], RTLD_NOW);
  if (count > 2) {
    printf("main: %d\n", dlclose(handle));
  }
  puts("main ends");
  return 0;
}
