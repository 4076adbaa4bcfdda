// An allocator that behaves, until it is told how not to for the large blocks that libraries are.
#include "allocator.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* bad_malloc = "";
static const char* bad_free = "";
static char* next;
static char* end;
static char* large;

void behave(const char* how_malloc, const char* how_free) {
  bad_malloc = how_malloc;
  bad_free = how_free;
}

static int nothing;

__attribute__((noinline)) static int recurse(int number) {
  volatile char on_stack[1000];
  on_stack[nothing] = (char)number;
  return recurse(number + 1) + on_stack[nothing];
}

static void open_one(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    printf("  inside: %s\n", dlerror());
  } else {
    printf("  inside: %s has %d\n", name, *(char*)dlsym(handle, "data"));
  }
}

// What it does with a large block instead of giving it; with null, it gives it after all.
static void* misbehave(size_t size) {
  if (strcmp(bad_malloc, "null") == 0) {
    return NULL;
  }
  if (strcmp(bad_malloc, "misaligned") == 0) {
    return large + 4;
  }
  if (strcmp(bad_malloc, "far") == 0) {
    return (void*)0xfffffff0u;
  }
  if (strcmp(bad_malloc, "end") == 0) {
    return (void*)(__builtin_wasm_memory_size(0) * 65536 - 16);
  }
  if (strcmp(bad_malloc, "victim") == 0) {
    return victim;
  }
  if (strcmp(bad_malloc, "before-victim") == 0) {
    return victim - size + 8;
  }
  if (strcmp(bad_malloc, "trap") == 0) {
    __builtin_trap();
  }
  if (strcmp(bad_malloc, "recursion") == 0) {
    nothing = recurse(0) * 0;
  }
  if (strcmp(bad_malloc, "exit") == 0) {
    exit(7);
  }
  return NULL;
}

void* malloc(size_t size) {
  size = (size + 15) & -16;
  if (size >= 100000 && *bad_malloc != '\0') {
    const char* const how = bad_malloc;
    if (strcmp(how, "opens-same") == 0) {
      open_one("liblibrary.so");
    } else if (strcmp(how, "opens-other") == 0) {
      bad_malloc = "";
      open_one("libother.so");
    } else {
      return misbehave(size);
    }
  }
  if (size >= 100000 && large != NULL) {  // there is one at a time
    void* const block = large;
    large = NULL;
    return block;
  }
  if ((size_t)(end - next) < size) {
    const size_t pages = (size + 65535) / 65536;
    const size_t before = __builtin_wasm_memory_grow(0, pages);
    if (before == (size_t)-1) {
      return NULL;
    }
    if (size >= 100000) {
      return (void*)(before * 65536);
    }
    next = (char*)(before * 65536);
    end = next + pages * 65536;
  }
  char* const block = next;
  next += size;
  return block;
}

void free(void* block) {
  if (block != NULL && (char*)block + 16 > end) {
    large = block;
  }
  if (strcmp(bad_free, "trap") == 0) {
    __builtin_trap();
  }
  if (strcmp(bad_free, "exit") == 0) {
    exit(8);
  }
  if (strcmp(bad_free, "opens-same") == 0) {
    bad_free = "";
    open_one("liblibrary.so");
  }
}
