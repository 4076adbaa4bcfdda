// Opens libraries made by gen_threaded.py, which all define the same function, and calls that.
#pragma once
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef int (*Entry)(int);

enum { most_libraries = 200 };

static void* library_handles[most_libraries];
static Entry library_entries[most_libraries];

static inline void fail_to_open(void) {
  fprintf(stderr, "%s\n", dlerror());
  exit(1);
}

static inline void open_libraries(char** names, int count, int flags) {
  for (int i = 0; i < count; i++) {
    library_handles[i] = dlopen(names[i], flags | RTLD_LOCAL);
    library_entries[i] = library_handles[i] ? (Entry)dlsym(library_handles[i], "threaded_entry") : NULL;
    if (!library_entries[i]) {
      fail_to_open();
    }
  }
}

static inline void close_libraries(int count) {
  for (int i = 0; i < count; i++) {
    if (dlclose(library_handles[i]) != 0) {
      fail_to_open();
    }
  }
}

static inline unsigned call_libraries(int count) {
  int value = 1;
  for (int i = 0; i < count; i++) {
    value = library_entries[i](value);
  }
  return (unsigned)value;
}
