// The standard streams: lines in, lines out, none of them a terminal, and closing them.
// run:
// stdin: first line
// stdin: second line
// expect: stdout out: first line
// expect: stdout out: second line
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

int main(void) {
#ifdef __wasi__
  CHECK(isatty(0) == 0);
  struct pollfd entry = {.fd = 0, .events = POLLRDNORM};
  CHECK(poll(&entry, 1, 10000) == 1);
  CHECK_FAILS_OR(lseek(0, 0, SEEK_CUR), ESPIPE, ESPIPE);
#endif
  char line[100];
  int count = 0;
  while (fgets(line, sizeof(line), stdin) != NULL) {
    CHECK(printf("out: %s", line) > 0);
    ++count;
  }
#ifdef __wasi__
  CHECK(count == 2);
#else
  CHECK(count >= 0);
#endif
  CHECK(feof(stdin));
  ok("lines");
  CHECK(fflush(stdout) == 0);
  CHECK(write(1, "ok descriptor\n", 14) == 14);

  CHECK(close(0) == 0);
  char byte;
  CHECK_FAILS(read(0, &byte, 1), EBADF);
  CHECK(close(2) == 0);
  CHECK_FAILS(write(2, "x", 1), EBADF);
  ok("closing");
  return 0;
}
