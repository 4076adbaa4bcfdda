#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "with-threads.h"

static _Atomic int words[2];
static _Atomic int32_t may_end;

static void* wait_for_end(void* nothing) {
  wait_while(&may_end, 0);
  return NULL;
}

// As many as there can be, and again after all have ended.
static void spawn_all(size_t stack) {
  for (int round = 0; round < 3; ++round) {
    pthread_t threads[most_threads];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    may_end = 0;
    int count = 0, error = 0;
    while (count < most_threads && (error = pthread_create(&threads[count], &attributes, wait_for_end, NULL)) == 0) {
      ++count;
    }
    set_and_wake(&may_end, 1);
    for (int i = 0; i < count; ++i) {
      CHECK(pthread_join(threads[i], NULL) == 0);
    }
    printf("%d %s\n", count, strerror(error));
  }
}

static void* open_and_call(void* name) {
  void* const handle = dlopen(name, RTLD_LAZY);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    fflush(stdout);
    return NULL;
  }
  int (*const number)(void) = (int (*)(void))dlsym(handle, "number");
  printf("%d\n", number());
  fflush(stdout);
  return (void*)number;
}

static void* call(void* number) {
  printf("%d\n", ((int (*)(void))number)());
  return NULL;
}

int main(int count, char** arguments) {
  const char* const what = arguments[1];
  pthread_t thread;
  if (strcmp(what, "unaligned") == 0) {
    return atomic_load((_Atomic int*)((char*)words + 1));
  }
  if (strcmp(what, "wait-unaligned") == 0) {
    return __builtin_wasm_memory_atomic_wait32((int*)((char*)words + 2), 0, 0);
  }
  if (strcmp(what, "many") == 0) {
    spawn_all(65536);
    return 0;
  }
  if (strcmp(what, "memory") == 0) {
    spawn_all(4000000);
    return 0;
  }
  if (strcmp(what, "spawn") == 0) {
    // What is at the start argument is libc's affair; it is outside of memory here.
    extern int spawn(void*) __attribute__((import_module("wasi"), import_name("thread-spawn")));
    CHECK(spawn((void*)0xfffffff0) > 0);
    wait_while(&may_end, 0);
  }
  // A library whose thread-local block a thread needs when it calls: main, which opened it, has one already.
  void* const number = open_and_call(arguments[1]);
  if (number != NULL) {
    CHECK(pthread_create(&thread, NULL, call, number) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  return 0;
}
