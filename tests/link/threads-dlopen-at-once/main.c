#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "with-threads.h"

enum { threads = 8, rounds = 10 };

typedef int function(void);

_Atomic int constructions, destructions;

static pthread_barrier_t barrier;

static void* open_it(const char* name) {
  void* const handle = dlopen(name, RTLD_NOW);
  if (handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    _Exit(1);
  }
  return handle;
}

static int call(void* handle, const char* name) {
  function* const found = (function*)dlsym(handle, name);
  CHECK(found != NULL);
  return found();
}

// The constructor runs once, and before anybody comes back; the library goes when the last one has closed it.
static void* open_the_same(void* number) {
  static void* handles[threads];
  for (int round = 1; round <= rounds; ++round) {
    pthread_barrier_wait(&barrier);
    void* const handle = open_it("liblibrary.so");
    CHECK(call(handle, "get") == 17 && constructions == round);
    handles[(intptr_t)number] = handle;
    pthread_barrier_wait(&barrier);
    CHECK(handles[0] == handle && destructions == round - 1);
    if (number != NULL) {
      CHECK(dlclose(handle) == 0);
    }
    pthread_barrier_wait(&barrier);
    if (number == NULL) {
      CHECK(destructions == round - 1);
      CHECK(call(handle, "get") == 17);
      CHECK(dlclose(handle) == 0);
      CHECK(destructions == round);
      CHECK(dlclose(handle) == -1);
    }
  }
  return NULL;
}

// Different ones that need the same one, and each the next one: in a circle.
static void* open_different(void* argument) {
  const int number = (int)(intptr_t)argument;
  char name[20];
  for (int round = 1; round <= rounds; ++round) {
    sprintf(name, "libpart%d.so", number);
    pthread_barrier_wait(&barrier);
    void* const handle = open_it(name);
    sprintf(name, "part%d", number);
    CHECK(call(handle, name) == 17 + number);
    CHECK(call(handle, "next_value") == 17 + (number % 4 == 3 ? number - 3 : number + 1));
    CHECK(constructions == round);
    CHECK(pthread_barrier_wait(&barrier) <= 0);
    CHECK(dlclose(handle) == 0);
    pthread_barrier_wait(&barrier);
    CHECK(destructions == round);
  }
  return NULL;
}

// Some fail, others succeed: each has its own error.
static void* fail_or_not(void* argument) {
  const int number = (int)(intptr_t)argument;
  char name[20];
  sprintf(name, number % 2 ? "libabsent%d.so" : "liblibrary.so", number);
  for (int round = 0; round < rounds; ++round) {
    void* const handle = dlopen(name, RTLD_NOW);
    pthread_barrier_wait(&barrier);
    CHECK((handle == NULL) == number % 2);
    const char* const error = dlerror();
    CHECK(handle != NULL ? error == NULL : error != NULL && strstr(error, name) != NULL);
    CHECK(dlerror() == NULL);
    if (handle != NULL) {
      CHECK(dlsym(handle, name) == NULL);
      CHECK(strstr(dlerror(), name) != NULL);
      CHECK(dlclose(handle) == 0);
    } else {
      CHECK(dlsym(RTLD_DEFAULT, name) == NULL);
    }
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

// All open what another one closes, at any time.
static void* open_and_close(void* number) {
  for (int round = 0; round < 100; ++round) {
    void* const handle = open_it(round % 3 ? "libquick.so" : "libpart1.so");
    CHECK(call(handle, round % 3 ? "quick" : "part1") == (round % 3 ? 100 : 18));
    CHECK(dlclose(handle) == 0);
  }
  return NULL;
}

int main(int count, char** arguments) {
  pthread_barrier_init(&barrier, NULL, threads);
  const char* const what = arguments[1];
  if (strcmp(what, "same") == 0) {
    in_threads(threads, open_the_same);
  } else if (strcmp(what, "different") == 0) {
    in_threads(threads, open_different);
  } else if (strcmp(what, "fail") == 0) {
    in_threads(threads, fail_or_not);
  } else {
    in_threads(threads, open_and_close);
  }
  printf("%s: %d %d\n", what, constructions == destructions, dlopen("liblibrary.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
  return 0;
}
