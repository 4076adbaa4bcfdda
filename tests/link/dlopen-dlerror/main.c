#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void show(const char* when, const char* expected) {
  const char* const error = dlerror();
  printf("%s: ", when);
  if (error == NULL) {
    puts("none");
  } else {
    printf("%d\n", strstr(error, expected) != NULL);
  }
}

int main(void) {
  show("at first", "");
  dlopen("libnowhere.so", RTLD_NOW);
  show("after a failure", "libnowhere.so");
  show("again", "");
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  show("after a success", "");
  dlsym(handle, "no_such_symbol");
  show("no symbol: the symbol", "no_such_symbol");
  dlsym(handle, "no_such_symbol");
  show("no symbol: the library", "liblibrary.so");
  dlopen("libfirst.so", RTLD_NOW);
  dlopen("libsecond.so", RTLD_NOW);
  show("the newer one", "libsecond.so");
  show("again", "");
  dlopen("libkept.so", RTLD_NOW);
  dlsym(handle, "value");
  dlclose(dlopen(NULL, RTLD_NOW));
  show("success leaves it", "libkept.so");
  dlsym(RTLD_DEFAULT, "not_in_default");
  show("default", "not_in_default");
  dlsym(RTLD_NEXT, "not_next");
  show("next", "not_next");
  dlclose(handle);
  show("closed", "");
  // A name that is longer than the text may be.
  static char name[4000];
  memset(name, 'x', sizeof name - 1);
  dlopen(name, RTLD_NOW);
  show("long", "xxx");
  show("again", "");
  return 0;
}
