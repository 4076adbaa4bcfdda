#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int table_size(void);

int callback(void) {
  return 0;
}

static void at_exit(void) {
  puts("main's own");
}

struct state {
  size_t memory;
  int table;
  int libraries;
  unsigned names;
  const char* stack;
};

static int add_one(struct dl_phdr_info* info, size_t size, void* data) {
  struct state* const state = data;
  ++state->libraries;
  for (const char* c = info->dlpi_name; *c != '\0'; ++c) {
    state->names = state->names * 31 + (unsigned char)*c;
  }
  return 0;
}

__attribute__((noinline)) static struct state now(void) {
  char local;
  struct state state = {__builtin_wasm_memory_size(0), table_size(), 0, 0, &local};
  dl_iterate_phdr(add_one, &state);
  return state;
}

// Argument: the library that cannot be opened.
int main(int count, char** arguments) {
  atexit(at_exit);
  // Whatever is made once is made now; and the heap has room.
  dlclose(dlopen("libgood.so", RTLD_NOW));
  dlopen("libnowhere.so", RTLD_NOW);
  dlerror();
  now();
  free(malloc(500000));
  for (int round = 0; round < 3; ++round) {
    const struct state before = now();
    if (dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) != NULL) {
      puts("it was opened");
      return 1;
    }
    const struct state after = now();
    printf("memory %d, table %d, libraries %d %d, stack %d\n", (int)(after.memory - before.memory),
           after.table - before.table, after.libraries - before.libraries, after.names == before.names,
           (int)(after.stack - before.stack));
    if (dlerror() == NULL) {
      puts("no error");
    }
  }
  return 0;
}
