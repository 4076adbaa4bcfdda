#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef int function(void);

void keep(function* slot);
void put_back(function* slot);
int call_kept(void);

static int in_main(void) {
  return 100;
}

// Libraries that are gone count, for references may be anywhere.
static int open_very_many(void) {
  int opened = 0;
  for (void* handle; (handle = dlopen("liblibrary.so", RTLD_NOW)) != NULL; ++opened) {
    dlclose(handle);
  }
  printf("%d, %s\n", opened > 9000, dlerror());
  return 0;
}

int main(int count, char** arguments) {
  if (strcmp(arguments[1], "many") == 0) {
    return open_very_many();
  }
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  function* const pointer = (function*)dlsym(handle, "function");
  keep(pointer);
  printf("%d %d\n", pointer(), call_kept());
  dlclose(handle);
  // The same file again, and others: none of them is what the reference was to.
  for (int i = 0; i < 20; ++i) {
    void* const again = dlopen(i % 2 ? "liblibrary.so" : "libother.so", RTLD_NOW);
    printf("%d", ((function*)dlsym(again, "function"))());
    if (i < 15) {
      dlclose(again);
    }
  }
  puts("");
  fflush(stdout);
  if (strcmp(arguments[1], "slot") == 0) {
    function* volatile const own = in_main;
    put_back(own);
    return own();
  }
  return call_kept();
}
