#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int function(int);

int main(int count, char** arguments) {
  const char* const mode = arguments[1];
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  function* const present = (function*)dlsym(handle, "present");
  function* const hidden = ((function * (*)(void)) dlsym(handle, "get_hidden"))();
  printf("%d %d\n", present(1), hidden(1));
  if (strcmp(mode, "atexit") == 0) {
    // Registered by main: closing the library does not run it.
    atexit((void (*)(void))dlsym(handle, "at_exit"));
    dlclose(handle);
    puts("main ends");
    fflush(stdout);
    return 0;
  }
  dlclose(handle);
  // Others take what room there is. Nothing of them may get the addresses.
  char name[] = "libother00.so";
  for (int i = 0; i < 30; ++i) {
    sprintf(name, "libother%02d.so", i);
    void* const other = dlopen(name, RTLD_NOW);
    function* const other_hidden = ((function * (*)(void)) dlsym(other, "get_hidden"))();
    void* const other_present = dlsym(other, "present");
    if (other == NULL || (void*)other_hidden == (void*)hidden || (void*)other_hidden == (void*)present ||
        other_present == (void*)hidden || other_present == (void*)present) {
      printf("an address was given out again\n");
      return 1;
    }
  }
  puts("now");
  fflush(stdout);
  printf("%d\n", (strcmp(mode, "hidden") == 0 ? hidden : present)(1));
  return 0;
}
