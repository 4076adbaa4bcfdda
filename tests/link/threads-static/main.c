#include "with-threads.h"

static _Thread_local int own[4] __attribute__((aligned(64))) = {3, 4};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int sum;

static void* run(void* number) {
  CHECK(own[0] == 3 && own[1] == 4 && (uintptr_t)own % 64 == 0);
  own[0] = (int)(intptr_t)number;
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&mutex);
    sum += own[0];
    pthread_mutex_unlock(&mutex);
  }
  return malloc(100) == NULL ? (void*)1 : NULL;
}

int main(void) {
  CHECK(in_threads(8, run) == 0);
  printf("%d %d\n", sum, own[0]);
  return 0;
}
