#include <dlfcn.h>

#include "with-threads.h"

enum { threads = 8, each = 5 };

_Atomic int of_library, of_destructor;

int register_one(void);
int __cxa_atexit(void (*function)(void*), void* argument, void* library);

static int order[threads];  // of each thread's, how many ran

static void of_thread(void* argument) {
  const int number = (int)(intptr_t)argument / each, which = (int)(intptr_t)argument % each;
  CHECK(which == each - 1 - order[number]);  // the last first
  ++order[number];
}

static void tell(void) {
  int sum = 0;
  for (int i = 0; i < threads; ++i) {
    sum += order[i];
  }
  printf("main's %d, library's %d, opened one's %d\n", sum, of_library, of_destructor);
}

static pthread_barrier_t barrier;

static void* register_all(void* number) {
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < each; ++i) {
    CHECK(__cxa_atexit(of_thread, (void*)((intptr_t)number * each + i), NULL) == 0);
    CHECK(register_one() == 0);
  }
  // All have it open, and close it: its own run once, when the last one has closed it.
  void* const handle = dlopen("libopened.so", RTLD_NOW);
  CHECK(handle != NULL);
  int (*const register_opened)(void) = (int (*)(void))dlsym(handle, "register_one");
  CHECK(register_opened != register_one && register_opened() == 0);
  pthread_barrier_wait(&barrier);
  CHECK(of_destructor == 0 && of_library == 0);
  pthread_barrier_wait(&barrier);
  CHECK(dlclose(handle) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(of_destructor == 1 && of_library == threads);
  return NULL;
}

int main(void) {
  atexit(tell);  // runs last
  pthread_barrier_init(&barrier, NULL, threads);
  in_threads(threads, register_all);
  tell();
  fflush(stdout);
  return 0;
}
