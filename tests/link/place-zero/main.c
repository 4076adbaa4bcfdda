#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char __heap_base __attribute__((weak));

static char* zeros;
static int size;

// Opens the library, looks at its zeros, scribbles over them, closes it, and scribbles over where they were.
static int nonzero(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    exit(1);
  }
  zeros = ((char* (*)(void))dlsym(handle, "get_zeros"))();
  size = ((int (*)(void))dlsym(handle, "size_of_zeros"))();
  int wrong = *(char*)dlsym(handle, "data") != 1;
  for (int i = 0; i < size; ++i) {
    wrong += zeros[i] != 0;
  }
  memset(zeros, 0xee, size);
  dlclose(handle);
  return wrong;
}

__attribute__((noinline)) static int fill_stack(void) {
  volatile char garbage[600000];
  for (int i = 0; i < 600000; ++i) {
    garbage[i] = (char)0xff;
  }
  return garbage[5];
}

int main(int count, char** arguments) {
  // Garbage wherever a library may be put.
  char* const block = malloc(2000000);
  memset(block, 0xff, 2000000);
  free(block);
  fill_stack();
  if (count > 1) {
    const int reserve = atoi(arguments[1]);
    memset(&__heap_base - reserve, 0xff, reserve);
  }
  int wrong = 0;
  for (int round = 0; round < 3; ++round) {
    for (int large = 0; large < 2; ++large) {
      const char* const name = large ? "liblarge.so" : "libsmall.so";
      wrong += nonzero(name);
      // Nobody's any more, unless the allocator has its lists there: into the middle of it.
      memset(zeros + 100, 0xdd, size - 200);
      wrong += nonzero(name);
    }
  }
  printf("%d wrong\n", wrong);
  return 0;
}
