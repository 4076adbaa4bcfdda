#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "with-threads.h"

typedef int function(int);

enum { threads = 8, libraries = 16, rounds = 48 };

static pthread_barrier_t barrier;
static void* handle;
static _Atomic(function*) made;

static int own(int argument) {
  return argument - 7;
}

static void* find(void* in, const char* name) {
  void* const found = dlsym(in, name);
  CHECK(found != NULL);
  return found;
}

// One after the other makes a function pointer, which all call at once.
static void* call_what_one_made(void* number) {
  for (int round = 0; round < rounds; ++round) {
    if (round % threads == (intptr_t)number) {
      char name[10];
      sprintf(name, "f%d%d", round / 8 + 1, round % 8);
      atomic_store(&made, (function*)find(handle, name));
    }
    pthread_barrier_wait(&barrier);
    CHECK(atomic_load(&made)(round) == round + (round / 8 + 1) * 10 + round % 8);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

// The same with a library that one opens, which needs another one.
static void* call_what_one_opened(void* number) {
  static void* opened;
  for (int round = 0; round < libraries; ++round) {
    if (round % threads == (intptr_t)number) {
      char name[20];
      sprintf(name, "libpart%d.so", round);
      opened = dlopen(name, round % 2 ? RTLD_NOW : RTLD_LAZY);
      CHECK(opened != NULL);
      atomic_store(&made, (function*)find(opened, "f23"));
    }
    pthread_barrier_wait(&barrier);
    CHECK(atomic_load(&made)(round) == round + 23);
    CHECK((*(function**)find(opened, "in_data"))(round) == round * 2 + 1);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

// All look up at once, and find the same.
static void* look_up(void* number) {
  static void* found[threads][8];
  const intptr_t self = (intptr_t)number;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 8; ++i) {
    char name[10];
    sprintf(name, "f%d%d", 6 - i % 3, i);
    found[self][i] = find(handle, name);
    CHECK(((function*)found[self][i])(5) == 5 + (6 - i % 3) * 10 + i);
  }
  pthread_barrier_wait(&barrier);
  CHECK(memcmp(found[self], found[0], sizeof found[0]) == 0);
  CHECK(find(RTLD_DEFAULT, "how_often") == find(handle, "how_often"));
  CHECK(((function*)(uintptr_t)own)(9) == 2);
  return NULL;
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, threads);
  // Main opens it, and calls nothing of it.
  handle = dlopen("liblibrary.so", RTLD_LAZY | RTLD_GLOBAL);
  CHECK(handle != NULL);
  in_threads(threads, call_what_one_made);
  puts("called what one thread made");
  in_threads(threads, call_what_one_opened);
  puts("called what one thread opened");
  in_threads(threads, look_up);
  puts("found the same");
  printf("%d calls\n", ((int (*)(void))find(RTLD_DEFAULT, "how_often"))());
  return 0;
}
