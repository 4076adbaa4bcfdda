// Several preopened directories: paths find theirs by the longest name, and files move between them.
// mkdir: a b nested
// file: nested/file nested
// run: --dir $TMP/a::/a --dir $TMP/b::/b --dir $TMP/nested::/a/nested
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

int main(void) {
  int fd = open("/a/file", O_WRONLY | O_CREAT, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, "content", 7) == 7);
  CHECK(close(fd) == 0);
  CHECK_FAILS(access("/b/file", F_OK), ENOENT);
  CHECK(rename("/a/file", "/b/moved") == 0);
  CHECK(link("/b/moved", "/a/linked") == 0);
  struct stat status;
  CHECK(stat("/b/moved", &status) == 0);
  CHECK(status.st_size == 7 && status.st_nlink == 2);
  ok("between directories");

  fd = open("/a/nested/file", O_RDONLY);
  CHECK(fd >= 0);
  char buffer[16] = {0};
  CHECK(read(fd, buffer, sizeof(buffer)) == 7);
  CHECK(strcmp(buffer, "nested\n") == 0);
  CHECK(close(fd) == 0);
  ok("longest name");

  CHECK(open("/c/file", O_RDONLY) == -1);
  CHECK(open("/etc/passwd", O_RDONLY) == -1);
  ok("no others");
  return 0;
}
