#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "with-threads.h"

typedef int function(int);

int use(int argument);

static _Thread_local char block[20000] = {3};

static void* use_blocks(void* number) {
  CHECK(block[0] == 3 && block[19999] == 0);
  block[19999] = 1;
  CHECK(use((int)(intptr_t)number % 1000) == 5);
  return NULL;
}

static void threads_one_after_the_other(void) {
  for (int i = 0; i < 1000; ++i) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use_blocks, (void*)(intptr_t)i) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
}

enum { threads = 4 };

static pthread_barrier_t barrier;
static function* function_of_opened;
static int rounds;

// All use what the first one opens, who closes it then.
static void* open_use_close(void* number) {
  static void* handle;
  for (int i = 0; i < rounds; ++i) {
    if (number == NULL) {
      CHECK((handle = dlopen("libopened.so", i % 2 ? RTLD_NOW : RTLD_LAZY)) != NULL);
      function_of_opened = (function*)dlsym(handle, "use");
    }
    pthread_barrier_wait(&barrier);
    CHECK(function_of_opened(i % 1000) == 5);
    pthread_barrier_wait(&barrier);
    if (number == NULL) {
      CHECK(dlclose(handle) == 0);
    }
  }
  return NULL;
}

static void open_and_close(void) {
  in_threads(threads, open_use_close);
}

int main(int count, char** arguments) {
  void (*const work)(void) = strcmp(arguments[1], "threads") == 0 ? threads_one_after_the_other : open_and_close;
  pthread_barrier_init(&barrier, NULL, threads);
  rounds = 20;
  work();
  const size_t pages = memory_pages();
  rounds = atoi(arguments[2]);
  work();
  // One block of each would be 20 MB.
  printf("%d\n", memory_pages() - pages < 4000000 / 65536);
  return 0;
}
