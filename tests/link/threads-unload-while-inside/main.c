#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "with-threads.h"

enum { threads = 8, rounds = 20, ways = 6, loop_in_callback = 5 };

typedef void callback(_Atomic int32_t* word);
typedef int stayer(int number, int way, _Atomic int32_t* inside, _Atomic int32_t* word, callback* function);

static _Atomic int32_t inside, may_leave;
static stayer* stay;
static int only_way = -1;  // each thread its own, if there is none

static void wait_in_main(_Atomic int32_t* word) {
  wait_while(word, 0);
}

// Nothing here is the library's but what is below on the stack.
static void loop_in_main(_Atomic int32_t* word) {
  while (atomic_load(word) == 0) {
  }
}

static void* go_inside(void* argument) {
  const int number = (int)(intptr_t)argument;
  const int way = only_way < 0 ? number % ways : only_way;
  CHECK(stay(number, way, &inside, &may_leave, way == loop_in_callback ? loop_in_main : wait_in_main) == 20001);
  return NULL;
}

// Fills what room there is.
static void open_another(void) {
  void* const handle = dlopen("libother.so", RTLD_NOW);
  CHECK(handle != NULL);
  memset(dlsym(handle, "other"), 6, 300000);
  CHECK(dlclose(handle) == 0);
}

static void close_while_inside(int round) {
  pthread_t all[threads];
  void* const handle = dlopen("liblibrary.so", round % 2 ? RTLD_LAZY : RTLD_NOW);
  CHECK(handle != NULL);
  stay = (stayer*)dlsym(handle, "stay");
  inside = 0;
  may_leave = 0;
  for (int i = 0; i < threads; ++i) {
    CHECK(pthread_create(&all[i], NULL, go_inside, (void*)(intptr_t)i) == 0);
  }
  for (int now = 0; now < threads;) {
    now = wait_while(&inside, now);
  }
  CHECK(dlclose(handle) == 0);
  CHECK(dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  open_another();
  // Opened anew, it is another one.
  void* const again = dlopen("liblibrary.so", RTLD_NOW);
  CHECK(again != NULL && again != handle && (stayer*)dlsym(again, "stay") != stay);
  open_another();
  set_and_wake(&may_leave, 1);
  CHECK(dlclose(again) == 0);
  open_another();
  for (int i = 0; i < threads; ++i) {
    CHECK(pthread_join(all[i], NULL) == 0);
  }
}

int main(int count, char** arguments) {
  if (strcmp(arguments[1], "only") == 0) {
    only_way = arguments[2][0] - '0';
  }
  close_while_inside(0);
  if (strcmp(arguments[1], "stale") == 0) {
    go_inside((void*)1);
  }
  if (strcmp(arguments[1], "stale-in-thread") == 0) {
    in_threads(1, go_inside);
  }
  close_while_inside(1);
  const size_t pages = memory_pages();
  for (int round = 0; round < rounds; ++round) {
    close_while_inside(round);
  }
  // One library of each round would be 6 MB.
  printf("%d\n", memory_pages() - pages < 3000000 / 65536);
  return 0;
}
