// Clocks, and sleeping.
// run:
#include <time.h>
#include <unistd.h>

#include "check.h"

static double seconds(clockid_t clock) {
  struct timespec time;
  CHECK(clock_gettime(clock, &time) == 0);
  CHECK(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void) {
  CHECK(seconds(CLOCK_REALTIME) > 1.5e9);
  CHECK(time(NULL) > 1500000000);
  double last = seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < 1000; ++i) {
    const double now = seconds(CLOCK_MONOTONIC);
    CHECK(now >= last);
    last = now;
  }
  struct timespec resolution;
  CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0);
  CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
  CHECK(clock_getres(CLOCK_REALTIME, &resolution) == 0);
  ok("clocks");

  double start = seconds(CLOCK_MONOTONIC);
  struct timespec time = {.tv_sec = 0, .tv_nsec = 30000000};
  CHECK(nanosleep(&time, NULL) == 0);
  double slept = seconds(CLOCK_MONOTONIC) - start;
  CHECK(slept >= 0.03 && slept < 10);
  start = seconds(CLOCK_MONOTONIC);
  CHECK(usleep(10000) == 0);
  CHECK(seconds(CLOCK_MONOTONIC) - start >= 0.01);
  start = seconds(CLOCK_REALTIME);
  CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
  time.tv_nsec += 20000000;
  if (time.tv_nsec >= 1000000000) {
    time.tv_nsec -= 1000000000;
    time.tv_sec += 1;
  }
  CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL) == 0);
  CHECK(seconds(CLOCK_REALTIME) - start >= 0.0199);
  ok("sleep");
  return 0;
}
