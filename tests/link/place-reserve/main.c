#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// The linker's: the reserve ends here.
extern char __heap_base;

static const char* base;

static void* open_one(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  } else {
    char* const data = dlsym(handle, "data");
    if (base == NULL) {
      base = data;
    }
    printf("%s at %d, %s\n", name, (int)(data - base), data < &__heap_base ? "before the heap" : "behind it");
  }
  return handle;
}

int main(void) {
  void* const first = open_one("libfirst.so");
  printf("room: %d\n", (int)(&__heap_base - base));
  open_one("libsecond.so");
  open_one("libthird.so");  // 1,000 bytes more than are left
  dlclose(first);
  open_one("libthird.so");  // there is room, but in two pieces
  open_one("libfirst.so");  // in its old place again
  return 0;
}
