#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Arguments: what waits, what another thread does meanwhile, and which of them is main.

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void* wait_for_ever(void* nothing) {
  static int never;
  for (;;) {
    __builtin_wasm_memory_atomic_wait32(&never, 0, -1);
  }
}

static void wait_in(const char* what) {
  if (strcmp(what, "join") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    pthread_join(thread, NULL);
  } else if (strcmp(what, "semaphore") == 0) {
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    sem_wait(&semaphore);
  } else if (strcmp(what, "condition") == 0) {
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&condition, &mutex);
  } else if (strcmp(what, "mutex") == 0) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
  } else if (strcmp(what, "read") == 0) {
    char byte;
    read(0, &byte, 1);
  } else if (strcmp(what, "sleep") == 0) {
    sleep(100);
  } else {
    for (;;) {
    }
  }
  printf("came back from %s\n", what);
}

// Names for the backtrace.
__attribute__((noinline)) static void fail_in_thread(int* volatile nowhere) {
  __builtin_trap();
}

static void at_exit(void) {
  puts("at exit");
}

static void end_by(const char* what) {
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);  // until the other one waits, most of the time
  if (strcmp(what, "exit") == 0) {
    exit(5);
  } else if (strcmp(what, "_exit") == 0) {
    _Exit(6);
  } else if (strcmp(what, "abort") == 0) {
    abort();
  } else if (strcmp(what, "trap") == 0) {
    fail_in_thread(NULL);
  }
}

static void* end_in_thread(void* what) {
  end_by(what);
  return NULL;
}

static void* wait_in_thread(void* what) {
  wait_in(what);
  return NULL;
}

int main(int count, char** arguments) {
  pthread_t thread;
  atexit(at_exit);
  if (strcmp(arguments[3], "main-waits") == 0) {
    pthread_create(&thread, NULL, end_in_thread, arguments[2]);
    wait_in(arguments[1]);
  } else {
    for (int i = 0; i < 3; ++i) {
      pthread_create(&thread, NULL, wait_in_thread, arguments[1]);
    }
    end_by(arguments[2]);
  }
  return 7;
}
