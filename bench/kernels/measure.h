// The main function of every kernel. A kernel is one_round(): the same work each time, with a clock around the part
// that counts, and a number in the end that depends on all of it.
//
//   KERNEL [ROUNDS]     prints `check N`, which must be the same however the kernel is run, and `ms X`, the time of one
//                       round: without the start of the process, and without what one_round() prepares
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double clock_started, clock_elapsed;

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void start_clock(void) {
  clock_started = milliseconds();
}

static void stop_clock(void) {
  clock_elapsed += milliseconds() - clock_started;
}

// Of a sum of floating point numbers, the digits that do not depend on how a processor rounds: native code may multiply
// and add in one instruction, which WebAssembly has not.
static inline long long digits(double sum, double unit) {
  return (long long)(sum / unit + (sum < 0 ? -0.5 : 0.5));
}

static long long one_round(void);

int main(int count, char** arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 1;
  long long check = one_round();
  for (int i = 1; i < rounds; i++) {
    if (one_round() != check) {
      puts("error: a later round computed something else");
      return 1;
    }
  }
  printf("check %lld\nms %f\n", check, clock_elapsed / rounds);
  return 0;
}
