#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "with-threads.h"

typedef int function(void);

static pthread_barrier_t barrier;

void meet(void) {
  pthread_barrier_wait(&barrier);
}

static function* find(void* handle, const char* name) {
  function* const found = (function*)dlsym(handle, name);
  CHECK(found != NULL);
  return found;
}

static void* handles[2];

static void* open_one(void* number) {
  void* const handle = dlopen(number == NULL ? "libfirst.so" : "libsecond.so", RTLD_NOW);
  CHECK(handle != NULL);
  handles[(intptr_t)number] = handle;
  return NULL;
}

static void open_each_other(void) {
  for (int round = 0; round < 20; ++round) {
    pthread_barrier_init(&barrier, NULL, 2);
    in_threads(2, open_one);
    for (int i = 0; i < 2; ++i) {
      CHECK(find(handles[i], "has_other")() && find(handles[i], "number")() == i + 1);
      CHECK(find(handles[i], "number_of_other")() == 2 - i);
    }
    for (int i = 0; i < 2; ++i) {
      CHECK(find(handles[i], "close_other")() == 0);
    }
    for (int i = 0; i < 2; ++i) {
      CHECK(dlclose(handles[i]) == 0);
    }
    CHECK(dlopen("libfirst.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  }
  puts("each other");
}

static void* simple;
static _Atomic int32_t asked, answered;

void ask_other_thread(void) {
  const int32_t before = answered;
  set_and_wake(&asked, asked + 1);
  wait_while(&answered, before);
}

static void* answer(void* count) {
  for (int32_t i = 0; i < (intptr_t)count; ++i) {
    wait_while(&asked, i);
    CHECK(find(simple, "simple")() == 50);
    CHECK(dlsym(RTLD_DEFAULT, "ask_other_thread") == (void*)ask_other_thread);
    CHECK(dlsym(simple, "absent") == NULL && strstr(dlerror(), "absent") != NULL);
    void* const handle = dlopen("libquick.so", RTLD_NOW);
    CHECK(handle != NULL && find(handle, "simple")() == 50);
    CHECK(dlclose(handle) == 0);
    set_and_wake(&answered, i + 1);
  }
  return NULL;
}

static void wait_in_constructor(void) {
  simple = dlopen("libsimple.so", RTLD_NOW);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, answer, (void*)40) == 0);
  for (int round = 0; round < 20; ++round) {
    void* const handle = dlopen("libwaits.so", RTLD_NOW);
    CHECK(handle != NULL && find(handle, "was_constructed")());
    CHECK(dlclose(handle) == 0);
  }
  CHECK(pthread_join(thread, NULL) == 0);
  puts("waited for another thread");
}

int main(void) {
  open_each_other();
  wait_in_constructor();
  void* const handle = dlopen("libspawns.so", RTLD_NOW);
  CHECK(handle != NULL);
  printf("%d\n", find(handle, "get")());
  return 0;
}
