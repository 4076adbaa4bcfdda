// What dlopen, with dlsym, and dlclose cost while other threads are in the program: of each library, the first time and
// when the program has had it open before.
//
//   threads_dlopen none|waiting|spinning LIBRARY...
//       prints, for one library, `first_us X`, `open_us X`, `close_us X`; the processor time that this took of the
//       thread that did it, `first_cpu_us X`, `open_cpu_us X`, `close_cpu_us X`; and `check N`
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "many_libraries.h"

enum { other_threads = 64, rounds = 9 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_arrived = PTHREAD_COND_INITIALIZER, ended = PTHREAD_COND_INITIALIZER;
static int arrived;
static atomic_bool is_over;

// A thread that arrives wakes none that has arrived: those are to wait.
static void arrive(void) {
  pthread_mutex_lock(&mutex);
  if (++arrived == other_threads) {
    pthread_cond_signal(&all_arrived);
  }
  pthread_mutex_unlock(&mutex);
}

static void* wait_for_end(void* unused) {
  arrive();
  pthread_mutex_lock(&mutex);
  while (!is_over) {
    pthread_cond_wait(&ended, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  return unused;
}

static void* spin_until_end(void* unused) {
  arrive();
  while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
  }
  return unused;
}

static void start_others(pthread_t* others, void* (*function)(void*)) {
  for (int i = 0; i < other_threads; i++) {
    if (pthread_create(&others[i], NULL, function, NULL) != 0) {
      fputs("a thread cannot be made\n", stderr);
      exit(1);
    }
  }
  pthread_mutex_lock(&mutex);
  while (arrived < other_threads) {
    pthread_cond_wait(&all_arrived, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  // The last to arrive has yet to begin to wait.
  nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

static void end_others(const pthread_t* others) {
  pthread_mutex_lock(&mutex);
  is_over = true;
  pthread_cond_broadcast(&ended);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < other_threads; i++) {
    pthread_join(others[i], NULL);
  }
}

// Of what is done in each round, for all libraries.
typedef struct {
  double wall[rounds], processor[rounds];
  int count;
} Times;

static double began_wall, began_processor;

static void start_clocks(void) {
  began_wall = microseconds();
  began_processor = processor_microseconds();
}

static void stop_clocks(Times* times) {
  times->processor[times->count] = processor_microseconds() - began_processor;
  times->wall[times->count] = microseconds() - began_wall;
  times->count++;
}

static int compare(const void* one, const void* other) {
  double difference = *(const double*)one - *(const double*)other;
  return (difference > 0) - (difference < 0);
}

static double median(double* numbers, int count) {
  qsort(numbers, count, sizeof(double), compare);
  return numbers[count / 2];
}

static void tell(const char* name, Times* times, int libraries) {
  printf("%s_us %f\n", name, median(times->wall, times->count) / libraries);
  printf("%s_cpu_us %f\n", name, median(times->processor, times->count) / libraries);
}

int main(int count, char** arguments) {
  if (count < 3 || count - 2 > most_libraries) {
    fputs("usage: threads_dlopen none|waiting|spinning LIBRARY...\n", stderr);
    return 2;
  }
  bool has_others = strcmp(arguments[1], "none") != 0;
  pthread_t others[other_threads];
  if (has_others) {
    start_others(others, strcmp(arguments[1], "waiting") == 0 ? wait_for_end : spin_until_end);
  }
  int libraries = count - 2;
  static Times first, again, closing;
  unsigned check = 0;
  for (int i = 0; i < rounds; i++) {
    start_clocks();
    open_libraries(arguments + 2, libraries, RTLD_LAZY);
    stop_clocks(i == 0 ? &first : &again);
    check = check * 31 + call_libraries(libraries);
    start_clocks();
    close_libraries(libraries);
    stop_clocks(&closing);
  }
  if (has_others) {
    end_others(others);
  }
  tell("first", &first, libraries);
  tell("open", &again, libraries);
  tell("close", &closing, libraries);
  printf("check %u\n", check);
  return 0;
}
