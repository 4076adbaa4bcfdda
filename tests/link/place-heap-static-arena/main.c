#include <dlfcn.h>
#include <stdio.h>

static void open_one(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  } else {
    printf("%d\n", *(char*)dlsym(handle, "data"));
  }
}

int main(void) {
  open_one("libfirst.so");
  open_one("libsecond.so");
  return 0;
}
