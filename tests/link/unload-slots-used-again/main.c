#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int function(void);

enum { each = 8, names = 5, rounds = 300 };

int table_size(void);

static void* handle;

// The first slot of a library that is opened now; its functions are in the slots from there.
static size_t open_one(const char* name, int count) {
  handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    return 0;
  }
  function** const functions = (function**)dlsym(handle, "functions");
  for (int i = 0; i < count; ++i) {
    if (functions[i] != (function*)((size_t)functions[0] + i) || functions[i]() != i) {
      printf("function %d of %s is wrong\n", i, name);
      exit(1);
    }
  }
  return (size_t)functions[0];
}

static size_t open_number(int number) {
  char name[20];
  sprintf(name, "libpart%d.so", number % names);
  return open_one(name, each);
}

// Ranges and single slots, taken and given back in changing order, in a table that is used up.
static int open_very_often(void) {
  void* handles[3] = {};
  for (int round = 0; round < 3000; ++round) {
    const int place = round * 7 % 3;
    if (handles[place] != NULL) {
      dlclose(handles[place]);
      handles[place] = NULL;
    }
    if (open_number(round) == 0) {
      printf("round %d: %s\n", round, dlerror());
      return 1;
    }
    handles[place] = handle;
    function* const first = (function*)dlsym(handle, "looked_up");
    function* const second = round % 2 ? (function*)dlsym(handle, "looked_up_too") : NULL;
    if (first() != 50 || (second != NULL && second() != 51)) {
      puts("another function was called");
      return 1;
    }
  }
  printf("3000 times, %d\n", table_size() <= 200);
  return 0;
}

// Small and large ones, in an order that has no order. Three are open at a time, of at most 16 slots each, so there is
// always a piece of 16 free slots.
static int open_at_random(void) {
  void* handles[3] = {};
  unsigned random = 1;
  for (int round = 0; round < 3000; ++round) {
    random = random * 1664525 + 1013904223;
    const int place = (random >> 16) % 3;
    const int large = (random >> 20) % 2;
    if (handles[place] != NULL) {
      dlclose(handles[place]);
    }
    char name[20];
    sprintf(name, large ? "liblarge%d.so" : "libcopy%d.so", place);
    if (open_one(name, large ? 16 : 8) == 0) {
      printf("round %d: %s\n", round, dlerror());
      return 1;
    }
    handles[place] = handle;
  }
  printf("3000 times, %d\n", table_size() <= 200);
  return 0;
}

int main(int count, char** arguments) {
  if (strcmp(arguments[1], "random") == 0) {
    return open_at_random();
  }
  if (strcmp(arguments[1], "often") == 0) {
    return open_very_often();
  }
  const char* const mode = arguments[1];
  const int maximum = 200;
  size_t first[rounds];
  const size_t kept = open_one("libkept.so", each);
  int fresh = 0;
  // New slots for each, as long as there are any.
  while (table_size() + each <= maximum) {
    first[fresh] = open_number(fresh);
    for (int i = 0; i < fresh; ++i) {
      if (first[i] == first[fresh]) {
        printf("slot %d is used again, although the table has %d slots\n", (int)first[i], table_size());
        return 1;
      }
    }
    dlclose(handle);
    ++fresh;
  }
  printf("new ones for all: %d\n", fresh > 10);
  fflush(stdout);
  if (strcmp(mode, "stale") == 0) {
    // Of the very first, whose name three others have had since.
    return ((function*)first[0])();
  }
  // Then those that are gone longest.
  int in_order = 0;
  for (int round = fresh; round < rounds; ++round) {
    first[round] = open_number(round);
    in_order += first[round] == first[round - fresh];
    dlclose(handle);
  }
  printf("the oldest: %d\n", in_order == rounds - fresh);
  printf("kept: %d\n", ((function*)kept)() == 0 && ((function*)(kept + 7))() == 7);
  // A larger one gets what several smaller ones had.
  printf("larger: %d\n", open_one("liblarge.so", 16) != 0);
  if (handle == NULL) {
    printf("%s\n", dlerror());
  } else {
    dlclose(handle);
  }
  if (strcmp(mode, "full") == 0) {
    void* handles[names + 1];
    char name[20];
    int opened = 0;
    for (;; ++opened) {
      sprintf(name, "libcopy%d.so", opened);
      if (open_one(name, each) == 0) {
        break;
      }
      handles[opened % names] = handle;
    }
    printf("%s\n", dlerror());
    printf("full: %d\n", table_size() == maximum || table_size() + each > maximum);
    dlclose(handles[0]);
    printf("after closing one: %d\n", open_one(name, each) != 0);
  }
  return 0;
}
