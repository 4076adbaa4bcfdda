// What a new thread costs in a program with many libraries open, and what its first calls into them cost.
//
//   threads_create lazy|now LIBRARY...   prints `create_us X` (a thread that does nothing is made and waited for), and
//   of
//                                        a thread that calls a function of each library: `start_us X` (until it runs),
//                                        `first_us X` (all first calls), `later_us X` (the same again); and `check N`
#include <pthread.h>
#include <string.h>

#include "clock.h"
#include "many_libraries.h"

// Of what happens many times, the fastest turn counts: what the machine does besides makes it slower, never faster.
enum { turns = 10, threads = 100, calling_threads = 50 };

static int library_count;

typedef struct {
  double began, first, later;
  unsigned check;
} Calls;

static void* do_nothing(void* argument) {
  return argument;
}

static void* call_all(void* argument) {
  Calls* calls = argument;
  calls->began = microseconds();
  calls->check = call_libraries(library_count);
  double called = microseconds();
  calls->check += call_libraries(library_count);
  calls->later = microseconds() - called;
  calls->first = called - calls->began;
  return NULL;
}

static void run_thread(void* (*function)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, argument) != 0 || pthread_join(thread, NULL) != 0) {
    fputs("a thread cannot be made\n", stderr);
    exit(1);
  }
}

int main(int count, char** arguments) {
  if (count < 2 || count - 2 > most_libraries) {
    fputs("usage: threads_create lazy|now LIBRARY...\n", stderr);
    return 2;
  }
  library_count = count - 2;
  open_libraries(arguments + 2, library_count, strcmp(arguments[1], "now") == 0 ? RTLD_NOW : RTLD_LAZY);
  unsigned check = call_libraries(library_count);
  run_thread(do_nothing, NULL);

  double create = 0;
  for (int turn = 0; turn < turns; turn++) {
    double start = microseconds();
    for (int i = 0; i < threads; i++) {
      run_thread(do_nothing, NULL);
    }
    keep_fastest(&create, (microseconds() - start) / threads);
  }

  double began = 0, first = 0, later = 0;
  for (int i = 0; i < calling_threads; i++) {
    Calls calls;
    double start = microseconds();
    run_thread(call_all, &calls);
    keep_fastest(&began, calls.began - start);
    keep_fastest(&first, calls.first);
    keep_fastest(&later, calls.later);
    check = check * 31 + calls.check;
  }
  printf("create_us %f\nstart_us %f\nfirst_us %f\nlater_us %f\ncheck %u\n", create, began, first, later, check);
  return 0;
}
