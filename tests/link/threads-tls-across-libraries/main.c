#include <dlfcn.h>
#include <stdio.h>

#include "with-threads.h"

enum { threads = 6 };

typedef int function(int);

int definers_number(void);
int* definers_second(void);

static pthread_barrier_t barrier;
static function* add;
static int* (*importers_second)(void);

static void* run(void* argument) {
  const int self = (int)(intptr_t)argument;
  CHECK(definers_number() == 40);
  pthread_barrier_wait(&barrier);
  if (self == 1) {
    void* const handle = dlopen("libimporter.so", RTLD_NOW);
    CHECK(handle != NULL);
    add = (function*)dlsym(handle, "add");
    importers_second = (int* (*)(void))dlsym(handle, "importers_second");
  }
  pthread_barrier_wait(&barrier);
  CHECK(add(self) == 40 + self);
  CHECK(importers_second() == definers_second() && *importers_second() == 7);
  *definers_second() = self;
  pthread_barrier_wait(&barrier);
  CHECK(definers_number() == 40 + self && *importers_second() == self);
  return NULL;
}

// A thread that comes to the importer first.
static void* importer_first(void* argument) {
  CHECK(add(2) == 42);
  CHECK(definers_number() == 42 && importers_second() == definers_second());
  return NULL;
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, threads);
  in_threads(threads, run);
  in_threads(threads, importer_first);
  CHECK(add(5) == 45 && definers_number() == 45 && importers_second() == definers_second());
  puts("the same in both");
  return 0;
}
