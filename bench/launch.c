// Runs a command once and prints what it took, as seen from outside: `wall_us X`, `cpu_us X` and `peak_rss_kib X`. A
// small program of its own, because a child's peak memory begins with what the process that started it had, and
// bench/run is large.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t of_time(struct timeval time) {
  return time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

int main(int count, char** arguments) {
  if (count < 2) {
    fputs("usage: launch COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  int64_t start = microseconds();
  pid_t child = vfork();
  if (child == 0) {
    int nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, 1);
    execvp(arguments[1], arguments + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) {
    perror("launch");
    return 1;
  }
  printf("wall_us %lld\n", (long long)(microseconds() - start));
  printf("cpu_us %lld\n", (long long)(of_time(usage.ru_utime) + of_time(usage.ru_stime)));
  printf("peak_rss_kib %ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
