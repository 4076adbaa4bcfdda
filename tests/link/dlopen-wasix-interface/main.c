#include <stdio.h>
#include <string.h>

#define WASIX(name) __attribute__((import_module("wasix_32v1"), import_name(#name)))
WASIX(dlopen)
int wasix_dlopen(const char* path, int path_length, int flags, char* error, int error_size, const char* library_path,
                 int library_path_length, unsigned* handle);
WASIX(dlsym)
int wasix_dlsym(unsigned handle, const char* name, int name_length, char* error, int error_size, unsigned* address);
WASIX(dl_invalid_handle) int wasix_dl_invalid_handle(unsigned handle);

enum { kLazy = 1, kNow = 2, kGlobal = 4, kNoLoad = 8, kNoDelete = 16, kDeepBind = 32 };

int in_main(int number) {
  return number;
}

static char error[300];
static unsigned handle = 77;
static unsigned address = 78;

static int open_library(const char* name, int flags) {
  memset(error, '#', sizeof error - 1);
  return wasix_dlopen(name, (int)strlen(name), flags, error, 200, NULL, 0, &handle);
}

static int find(unsigned in, const char* name) {
  memset(error, '#', sizeof error - 1);
  return wasix_dlsym(in, name, (int)strlen(name), error, 200, &address);
}

int main(void) {
  printf("not loaded: %d\n", open_library("liblibrary.so", kNow | kNoLoad) != 0);
  printf("open: %d\n", open_library("liblibrary.so", kNow));
  const unsigned library = handle;
  printf("add: %d", find(library, "add"));
  printf(" %d\n", ((int (*)(int))address)(1));
  printf("value: %d", find(library, "value"));
  printf(" %d\n", *(int*)address);
  printf("local: %d\n", find(0, "add") != 0);
  printf("in main: %d", find(0, "in_main"));
  printf(" %d\n", address == (unsigned)in_main);
  printf("loaded: %d", open_library("liblibrary.so", kNow | kNoLoad | kGlobal));
  printf(" %d\n", handle == library);
  printf("global: %d", find(0, "add"));
  printf(" %d\n", ((int (*)(int))address)(2));
  // A name is as long as it says, and need not end with a zero byte.
  printf("part of a text: %d", wasix_dlsym(library, "addition", 3, error, 200, &address));
  printf(" %d\n", ((int (*)(int))address)(3));
  printf("part of a path: %d", wasix_dlopen("liblibrary.so.1", 13, kNow, error, 200, NULL, 0, &handle));
  printf(" %d\n", handle == library);

  printf("missing library: %d", open_library("libnowhere.so", kNow) != 0);
  printf(" %d%d\n", strstr(error, "libnowhere.so") != NULL, error[200] == '#');
  printf("missing symbol: %d", find(library, "nothing_like_that") != 0);
  printf(" %d%d\n", strstr(error, "nothing_like_that") != NULL, error[200] == '#');
  printf("no room for an error: %d\n", wasix_dlopen("libnowhere.so", 13, kNow, NULL, 0, NULL, 0, &handle) != 0);
  printf("bad handle: %d\n", find(424242, "add") != 0);
  printf("invalid: %d %d\n", wasix_dl_invalid_handle(library) != 0, wasix_dl_invalid_handle(424242) != 0);

  // Where to look is for the user to say, and not for the guest.
  printf("not found: %d", wasix_dlopen("libhidden.so", 12, kNow, error, 200, "/plugins", 8, &handle) != 0);
  printf(" %d\n", strstr(error, "libhidden.so") != NULL);
  printf("by its path: %d", open_library("/plugins/libhidden.so", kNow));
  printf(" %d", handle != library);
  printf(" %d", find(handle, "add"));
  printf(" %d\n", ((int (*)(int))address)(4));
  printf("main: %d", open_library("", kNow));
  printf(" %d", find(handle, "in_main"));
  printf(" %d\n", address == (unsigned)in_main);
  return 0;
}
