#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** arguments) {
  void* handle;
  if (strcmp(arguments[1], "later") == 0) {
    handle = dlopen("liblibrary.so", RTLD_NOW);
    printf("%d\n", dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == handle);
    dlclose(handle);
  } else {
    handle = dlopen("liblibrary.so", RTLD_NOW | RTLD_NODELETE);
  }
  int (*const call)(void) = (int (*)(void))dlsym(handle, "count");
  printf("%d", call());
  printf(" closed %d", dlclose(handle));
  printf(" %d", call());
  void* const again = dlopen("liblibrary.so", RTLD_NOW);
  printf(" %d %d", again == handle, dlsym(again, "count") == (void*)call);
  printf(" %d", call());
  printf(" closed %d", dlclose(again));
  printf(" %d\n", call());
  return 0;
}
