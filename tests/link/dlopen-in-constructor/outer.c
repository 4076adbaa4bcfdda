#include <dlfcn.h>
#include <stdio.h>

static void* middle;
static void* self;

int value(void) {
  return 100 * ((int (*)(void))dlsym(middle, "value"))();
}

__attribute__((constructor)) static void construct(void) {
  puts("outer opens");
  middle = dlopen("libmiddle.so", RTLD_NOW);
  // It is being opened: its constructor does not run again.
  self = dlopen("libouter.so", RTLD_NOW);
  printf("outer: itself %d, %d\n", dlsym(self, "value") == (void*)value, value());
  // A library that is opened and closed here.
  void* const passing = dlopen("libpassing.so", RTLD_NOW);
  printf("passing closed: %d\n", dlclose(passing));
}

void let_go(void) {
  dlclose(self);
}
