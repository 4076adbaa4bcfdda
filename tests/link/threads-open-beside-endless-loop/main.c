#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "with-threads.h"

typedef int function(int);

int table_size(void);

// What the one that loops is to call, and whether it has: 0, or 2 when it has not.
static _Atomic(function*) to_call;
static _Atomic int32_t is_called;

static int rounds, libraries, calls_each;

// Never ends. Without `calls_each` there is no call in it and no access to memory; with that, all calls are to
// libraries that are closed later.
static void loop(void) {
  if (!calls_each) {
    for (;;) {
    }
  }
  for (;;) {
    function* const wanted = atomic_load(&to_call);
    if (wanted != NULL) {
      CHECK(wanted(1) == 111);
      atomic_store(&to_call, NULL);
      set_and_wake(&is_called, 1);
    }
  }
}

// Opens, uses and closes, and ends the program.
static void open_and_close(void) {
  uintptr_t lowest = UINTPTR_MAX, highest = 0;
  size_t pages = 0;
  for (int round = 0; round < rounds; ++round) {
    char name[20];
    sprintf(name, "libpart%d.so", round % libraries);
    void* const handle = dlopen(name, RTLD_NOW);
    if (handle == NULL) {
      printf("round %d: %s\n", round, dlerror());
      exit(1);
    }
    function* const use = (function*)dlsym(handle, "use");
    const uintptr_t data = (uintptr_t)dlsym(handle, "data");
    lowest = data < lowest ? data : lowest;
    highest = data > highest ? data : highest;
    if (calls_each) {
      atomic_store(&is_called, 0);
      atomic_store(&to_call, use);
      wait_while(&is_called, 0);
    } else {
      CHECK(use(1) == 111);
    }
    CHECK(use(2) == 113 && use(3) == 115);
    CHECK(dlclose(handle) == 0);
    if (round == rounds / 10) {
      pages = memory_pages();
    }
    // A library goes when the other thread has said that it is not inside, for which it has to run.
    if (round % 50 == 0) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
  }
  // 1,000 libraries would take 30 MB.
  printf("memory: %d, ", memory_pages() - pages < 4000000 / 65536);
  printf("in one place: %d, ", highest - lowest < 4000000);
  printf("table: %d\n", table_size() <= 400);
  exit(0);
}

static void* in_thread(void* does) {
  ((void (*)(void))does)();
  return NULL;
}

// Arguments: who loops, main or thread; how often; how many libraries; whether the looping one calls each.
int main(int count, char** arguments) {
  rounds = atoi(arguments[2]);
  libraries = atoi(arguments[3]);
  calls_each = strcmp(arguments[4], "calls") == 0;
  pthread_t thread;
  const int main_loops = strcmp(arguments[1], "main") == 0;
  pthread_create(&thread, NULL, in_thread, main_loops ? open_and_close : loop);
  if (main_loops) {
    loop();
  }
  open_and_close();
}
