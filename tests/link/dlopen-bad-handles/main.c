#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>

static void check(const char* what, void* handle) {
  dlerror();
  printf("%s:", what);
  printf(" %d", dlsym(handle, "value") == NULL);
  printf("%d", dlerror() != NULL);
  printf(" %d", dlclose(handle));
  printf(" %d", dlerror() != NULL);
  printf("%d", dlerror() != NULL);
  struct link_map* map = NULL;
  printf(" %d", dlinfo(handle, RTLD_DI_LINKMAP, &map));
  printf(" %d\n", map == NULL && dlerror() != NULL);
}

int main(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  dlclose(handle);
  check("closed", handle);
  void* const other = dlopen("libother.so", RTLD_NOW);
  check("closed, and another one opened", handle);
  void* const again = dlopen("liblibrary.so", RTLD_NOW);
  printf("a new one: %d\n", again != handle && again != other);
  check("closed, and opened again", handle);
  printf("%d %d\n", *(int*)dlsym(again, "value"), dlclose(again));
  check("closed twice", again);
  check("a pointer", &again);
  check("a function", (void*)check);
  check("-2", (void*)-2);
  check("0x80000000", (void*)0x80000000);
  printf("null and -1: %d %d\n", dlclose(NULL), dlclose((void*)-1));

  void* const self = dlopen(NULL, RTLD_NOW);
  void* const libc = dlopen("libc.so", RTLD_NOW | RTLD_NOLOAD);
  void* const libdl = dlopen("libdl.so", RTLD_NOW | RTLD_NOLOAD);
  int found = 0;
  for (uintptr_t made_up = 1; made_up < 200000; ++made_up) {
    void* const number = (void*)made_up;
    if (number != self && number != other && number != libc && number != libdl) {
      found += dlsym(number, "value") != NULL;
      found += dlclose(number) == 0;
    }
  }
  printf("made up: %d\n", found);
  printf("no such name: %d", dlsym(other, "nothing_of_that_name") == NULL);
  printf(" %d\n", dlerror() != NULL);
  printf("%d %d\n", *(int*)dlsym(other, "value"), dlclose(other));
  return 0;
}
