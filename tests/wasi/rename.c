// Renaming files and directories, within and between directories, over others.
// run: --dir $TMP::/scratch
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void make_file(const char* path, char content) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, &content, 1) == 1);
  CHECK(close(fd) == 0);
}

static char content_of(const char* path) {
  char content = 0;
  const int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  CHECK(read(fd, &content, 1) == 1);
  CHECK(close(fd) == 0);
  return content;
}

int main(void) {
  CHECK(mkdir(SCRATCH "/directory", 0777) == 0);
  CHECK(mkdir(SCRATCH "/empty", 0777) == 0);
  make_file(SCRATCH "/a", 'a');
  make_file(SCRATCH "/b", 'b');

  CHECK(rename(SCRATCH "/a", SCRATCH "/directory/a") == 0);
  CHECK(content_of(SCRATCH "/directory/a") == 'a');
  CHECK_FAILS(access(SCRATCH "/a", F_OK), ENOENT);
  CHECK(rename(SCRATCH "/directory/a", SCRATCH "/b") == 0);
  CHECK(content_of(SCRATCH "/b") == 'a');
  CHECK(rename(SCRATCH "/b", SCRATCH "/b") == 0);
  ok("files");

  const int fd = open(SCRATCH "/b", O_RDONLY);
  CHECK(fd >= 0);
  CHECK(rename(SCRATCH "/b", SCRATCH "/c") == 0);
  char byte = 0;
  CHECK(read(fd, &byte, 1) == 1 && byte == 'a');
  CHECK(close(fd) == 0);
  ok("open files");

  make_file(SCRATCH "/directory/x", 'x');
  CHECK(rename(SCRATCH "/directory", SCRATCH "/empty") == 0);
  CHECK(content_of(SCRATCH "/empty/x") == 'x');
  CHECK(mkdir(SCRATCH "/directory", 0777) == 0);
  CHECK_FAILS_OR(rename(SCRATCH "/directory", SCRATCH "/empty"), ENOTEMPTY, EEXIST);
  CHECK_FAILS(rename(SCRATCH "/empty", SCRATCH "/empty/inside"), EINVAL);
  CHECK_FAILS(rename(SCRATCH "/directory", SCRATCH "/c"), ENOTDIR);
  CHECK_FAILS(rename(SCRATCH "/c", SCRATCH "/directory"), EISDIR);
  CHECK_FAILS(rename(SCRATCH "/missing", SCRATCH "/d"), ENOENT);
  CHECK(rename(SCRATCH "/directory/", SCRATCH "/renamed/") == 0);
  ok("directories");
  return 0;
}
