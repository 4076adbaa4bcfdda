// Renaming files and directories, within and between directories, over others.
// run: --dir $TMP::/work
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
  CHECK(mkdir(WORK "/directory", 0777) == 0);
  CHECK(mkdir(WORK "/empty", 0777) == 0);
  make_file(WORK "/a", 'a');
  make_file(WORK "/b", 'b');

  CHECK(rename(WORK "/a", WORK "/directory/a") == 0);
  CHECK(content_of(WORK "/directory/a") == 'a');
  CHECK_FAILS(access(WORK "/a", F_OK), ENOENT);
  CHECK(rename(WORK "/directory/a", WORK "/b") == 0);
  CHECK(content_of(WORK "/b") == 'a');
  CHECK(rename(WORK "/b", WORK "/b") == 0);
  ok("files");

  const int fd = open(WORK "/b", O_RDONLY);
  CHECK(fd >= 0);
  CHECK(rename(WORK "/b", WORK "/c") == 0);
  char byte = 0;
  CHECK(read(fd, &byte, 1) == 1 && byte == 'a');
  CHECK(close(fd) == 0);
  ok("open files");

  make_file(WORK "/directory/x", 'x');
  CHECK(rename(WORK "/directory", WORK "/empty") == 0);
  CHECK(content_of(WORK "/empty/x") == 'x');
  CHECK(mkdir(WORK "/directory", 0777) == 0);
  CHECK_FAILS_OR(rename(WORK "/directory", WORK "/empty"), ENOTEMPTY, EEXIST);
  CHECK_FAILS(rename(WORK "/empty", WORK "/empty/inside"), EINVAL);
  CHECK_FAILS(rename(WORK "/directory", WORK "/c"), ENOTDIR);
  CHECK_FAILS(rename(WORK "/c", WORK "/directory"), EISDIR);
  CHECK_FAILS(rename(WORK "/missing", WORK "/d"), ENOENT);
  CHECK(rename(WORK "/directory/", WORK "/renamed/") == 0);
  ok("directories");
  return 0;
}
