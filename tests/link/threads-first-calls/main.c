#include "calls.h"
#include "with-threads.h"

static pthread_barrier_t barrier;

// All make the same calls for the first time, each from its own instances.
static void* call(void* number) {
  pthread_barrier_wait(&barrier);
  CHECK(call_all(3) == 40 * 3 + 780);
  CHECK(functions[7](2) == 7 + 2 && functions[8](1) == 31 + 1);
  return NULL;
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, 4);
  in_threads(4, call);
  in_threads(4, call);
  CHECK(call_all(4) == 40 * 4 + 780);
  puts("called");
  return 0;
}
