// What thread-local variables cost in a library and in a thread that main did not start with. Prints, for each loop of
// libtls.h, picoseconds per round; and `check`, made of what all of them returned.
//
// The loops take turns, and the fastest turn of each counts: see caller.c.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "clock.h"
#include "libtls.h"

enum { turns = 40, rounds = 250000 };

static const struct {
  const char* name;
  int (*run)(int);
} loops[] = {{"own", loop_tls_own}, {"exported", loop_tls_exported}, {"none", loop_tls_none}};
enum { loop_count = sizeof loops / sizeof *loops };

static void* measure(void* unused) {
  double fastest[loop_count] = {0};
  uint32_t check = 0;
  for (int turn = 0; turn < turns; turn++) {
    for (int i = 0; i < loop_count; i++) {
      double start = microseconds();
      int result = loops[i].run(rounds);
      double taken = microseconds() - start;
      check = check * 31 + (uint32_t)result;
      keep_fastest(&fastest[i], taken);
    }
  }
  for (int i = 0; i < loop_count; i++) {
    printf("%s %f\n", loops[i].name, fastest[i] * 1e6 / rounds);
  }
  printf("check %u\n", check);
  return unused;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, measure, NULL) != 0) {
    return 1;
  }
  pthread_join(thread, NULL);
  return 0;
}
