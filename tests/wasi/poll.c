// poll and select: files are always ready, times run out.
// run: --dir $TMP::/scratch
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static double now(void) {
  struct timespec time;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void) {
  const int fd = open(SCRATCH "/file", O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, "x", 1) == 1);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);

  struct pollfd entries[2] = {{.fd = fd, .events = POLLRDNORM | POLLWRNORM}, {.fd = fd, .events = POLLWRNORM}};
  CHECK(poll(entries, 2, 10000) == 2);
  CHECK((entries[0].revents & POLLRDNORM) != 0);
  CHECK((entries[0].revents & POLLWRNORM) != 0);
  CHECK((entries[1].revents & POLLWRNORM) != 0);
  CHECK((entries[0].revents & (POLLERR | POLLNVAL)) == 0);
  CHECK(poll(entries, 1, 0) == 1);
  CHECK(poll(entries, 1, -1) == 1);
  ok("files");

  entries[0].fd = 999;
  CHECK(poll(entries, 1, 10000) == 1);
  CHECK((entries[0].revents & POLLNVAL) != 0);
  ok("bad descriptors");

  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  struct timeval time = {.tv_sec = 10, .tv_usec = 0};
  CHECK(select(fd + 1, &set, NULL, NULL, &time) == 1);
  CHECK(FD_ISSET(fd, &set));
  const double start = now();
  time = (struct timeval){.tv_sec = 0, .tv_usec = 20000};
  CHECK(select(0, NULL, NULL, NULL, &time) == 0);
  CHECK(now() - start >= 0.02);
  ok("select");
  CHECK(close(fd) == 0);
  return 0;
}
