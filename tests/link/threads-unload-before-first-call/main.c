#include <dlfcn.h>

#include "with-threads.h"

enum { threads = 4, rounds = 20 };

static pthread_barrier_t barrier;
static void* handle;
static int (*stay)(void (*)(void));

static void meet(void) {
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
}

static void* go_inside(void* number) {
  return (void*)(intptr_t)stay(meet);
}

static void close_it(void) {
  pthread_t all[threads];
  handle = dlopen("liblibrary.so", RTLD_LAZY);
  CHECK(handle != NULL);
  stay = (int (*)(void (*)(void)))dlsym(handle, "stay");
  for (int i = 0; i < threads; ++i) {
    CHECK(pthread_create(&all[i], NULL, go_inside, NULL) == 0);
  }
  pthread_barrier_wait(&barrier);
  CHECK(dlclose(handle) == 0);
  // Whoever opens it now has another one.
  void* const again = dlopen("libneeded.so", RTLD_LAZY);
  CHECK(again != NULL && ((int (*)(int))dlsym(again, "add"))(1) == 106);
  CHECK(dlclose(again) == 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < threads; ++i) {
    void* result;
    CHECK(pthread_join(all[i], &result) == 0);
    CHECK((intptr_t)result == 1 + 5 + 100 + 2 + 6 + 100);
  }
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, threads + 1);
  close_it();
  const size_t pages = memory_pages();
  for (int round = 0; round < rounds; ++round) {
    close_it();
  }
  printf("%d\n", memory_pages() - pages < 30);
  return 0;
}
