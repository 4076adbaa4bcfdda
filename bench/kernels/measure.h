// What every kernel reports, so that bench/run can read it: `check N`, which must be the same however the kernel is
// run, and `ms X`, the time of its work alone, without the start of the process.
#pragma once
#include <stdio.h>
#include <time.h>

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void report(long long check, double elapsed_milliseconds) {
  printf("check %lld\nms %f\n", check, elapsed_milliseconds);
}
