// Clocks, in microseconds.
#pragma once
#include <time.h>

static inline double time_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline double microseconds(void) {
  return time_of(CLOCK_MONOTONIC);
}

// Processor time of the calling thread.
static inline double processor_microseconds(void) {
  return time_of(CLOCK_THREAD_CPUTIME_ID);
}

// `fastest` is 0 before the first.
static inline void keep_fastest(double* fastest, double taken) {
  if (*fastest == 0 || taken < *fastest) {
    *fastest = taken;
  }
}
