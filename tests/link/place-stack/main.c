#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { kib = 1024 };

static void* open_one(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    return NULL;
  }
  // It lies below the stack as it is now.
  char here;
  printf("%s: %s\n", name, (char*)dlsym(handle, "data") < &here ? "on the stack" : "elsewhere");
  fflush(stdout);
  return handle;
}

// With so much of the stack in use.
__attribute__((noinline)) static void* open_deep(const char* name) {
  volatile char much[700 * kib];
  much[0] = 1;
  void* const handle = open_one(name);
  much[1] = much[0];
  return handle;
}

int main(int count, char** arguments) {
  void* handle = NULL;
  for (int i = 1; i < count; ++i) {
    if (strcmp(arguments[i], "close") == 0) {
      dlclose(handle);
    } else if (strcmp(arguments[i], "deep") == 0) {
      handle = open_deep(arguments[++i]);
    } else {
      handle = open_one(arguments[i]);
    }
  }
  return 0;
}
