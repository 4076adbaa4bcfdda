#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocator.h"

enum { size = 100000 };

char* victim;

static void at_exit(void) {
  puts("at exit");
}

static int is_whole(const char* data) {
  int damaged = 0;
  for (int i = 0; i < size; ++i) {
    damaged += data[i] != 1;
  }
  return damaged == 0;
}

static void open_use_close(void) {
  void* const handle = dlopen("liblibrary.so", RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  } else {
    printf("opened: %d\n", *(char*)dlsym(handle, "data"));
    memset(dlsym(handle, "data"), 2, 200000);
    printf("closed: %d\n", dlclose(handle));
  }
}

// Arguments: what malloc does, what free does.
int main(int count, char** arguments) {
  int local;
  const int* volatile const here = &local;
  atexit(at_exit);
  free(malloc(200016));
  victim = dlsym(dlopen("libvictim.so", RTLD_NOW), "victim_data");
  memset(victim, 1, size);
  behave(arguments[1], arguments[2]);
  open_use_close();
  behave("", "");
  puts("and again");
  open_use_close();
  int other;
  const int* volatile const there = &other;
  printf("%d %d\n", is_whole(victim), there - here < 100 && here - there < 100);
  return 0;
}
