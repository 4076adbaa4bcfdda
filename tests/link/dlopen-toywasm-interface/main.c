#include <stdio.h>
#include <string.h>

#define DYLD(name) __attribute__((import_module("dyld"), import_name(#name)))
DYLD(load_object) int load_object(const char* name, int length, int mode, unsigned* handle);
DYLD(resolve_symbol) int resolve_symbol(unsigned handle, int kind, const char* name, int length, unsigned* address);

enum { kFunction = 1, kData = 2 };

static unsigned handle;
static unsigned address;

static int find(int kind, const char* name) {
  address = 0;
  return resolve_symbol(handle, kind, name, (int)strlen(name), &address);
}

int main(void) {
  printf("open: %d\n", load_object("liblibrary.so.1", 13, 0, &handle));
  const unsigned library = handle;
  printf("add: %d", find(kFunction, "add"));
  printf(" %d\n", ((int (*)(int))address)(1));
  printf("value: %d", find(kData, "value"));
  printf(" %d\n", *(int*)address);
  // A name of the other kind is not there.
  printf("wrong kind: %d", find(kData, "add"));
  printf(" %d\n", find(kFunction, "value"));
  printf("missing: %d\n", find(kFunction, "nothing"));
  printf("missing library: %d\n", load_object("libnowhere.so", 13, 0, &handle));
  handle = 424242;
  printf("bad handle: %d\n", find(kFunction, "add"));
  printf("again: %d", load_object("liblibrary.so", 13, 0, &handle));
  printf(" %d\n", handle == library);
  return 0;
}
