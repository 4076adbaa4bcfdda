// For kernels that two threads compute, the first being the one that calls.
#pragma once
#include <pthread.h>

enum { threads = 2 };

static void (*function_of_both)(int thread);

static void* run_second(void* unused) {
  function_of_both(1);
  return unused;
}

// Runs function(0) and function(1), side by side.
static void in_two_threads(void (*function)(int thread)) {
  pthread_t second;
  function_of_both = function;
  if (pthread_create(&second, NULL, run_second, NULL) != 0) {
    puts("error: a thread cannot be made");
    exit(1);
  }
  function(0);
  pthread_join(second, NULL);
}
