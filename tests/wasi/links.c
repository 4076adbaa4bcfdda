// Symbolic and hard links.
// run: --dir $TMP::/scratch
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void write_file(const char* path, const char* text) {
  FILE* const file = fopen(path, "w");
  CHECK(file != NULL);
  CHECK(fputs(text, file) >= 0);
  CHECK(fclose(file) == 0);
}

static void expect_content(const char* path, const char* text) {
  char buffer[64] = {0};
  FILE* const file = fopen(path, "r");
  CHECK(file != NULL);
  CHECK(fread(buffer, 1, sizeof(buffer) - 1, file) == strlen(text));
  CHECK(strcmp(buffer, text) == 0);
  CHECK(fclose(file) == 0);
}

static void symbolic(void) {
  write_file(SCRATCH "/file", "content");
  CHECK(mkdir(SCRATCH "/directory", 0777) == 0);
  CHECK(symlink("file", SCRATCH "/link") == 0);
  CHECK(symlink("../file", SCRATCH "/directory/up") == 0);
  CHECK(symlink("directory", SCRATCH "/directory-link") == 0);
  expect_content(SCRATCH "/link", "content");
  expect_content(SCRATCH "/directory/up", "content");
  expect_content(SCRATCH "/directory-link/up", "content");
  expect_content(SCRATCH "/directory-link/../file", "content");
  struct stat status;
  CHECK(lstat(SCRATCH "/link", &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
  CHECK(status.st_size == 4);
  CHECK(stat(SCRATCH "/link", &status) == 0);
  CHECK(S_ISREG(status.st_mode));
  CHECK(lstat(SCRATCH "/directory-link/", &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK_FAILS(open(SCRATCH "/link", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK_FAILS(symlink("x", SCRATCH "/link"), EEXIST);
  ok("symbolic links");
}

static void reading(void) {
  char buffer[64];
  memset(buffer, '#', sizeof(buffer));
  CHECK(readlink(SCRATCH "/link", buffer, sizeof(buffer)) == 4);
  CHECK(memcmp(buffer, "file#", 5) == 0);
  CHECK(readlink(SCRATCH "/link", buffer, 2) == 2);
  CHECK_FAILS(readlink(SCRATCH "/file", buffer, sizeof(buffer)), EINVAL);
  CHECK_FAILS(readlink(SCRATCH "/missing", buffer, sizeof(buffer)), ENOENT);
  ok("reading links");
}

static void dangling(void) {
  CHECK(symlink("nowhere", SCRATCH "/dangling") == 0);
  struct stat status;
  CHECK(lstat(SCRATCH "/dangling", &status) == 0);
  CHECK_FAILS(stat(SCRATCH "/dangling", &status), ENOENT);
  CHECK_FAILS(open(SCRATCH "/dangling", O_RDONLY), ENOENT);
  CHECK_FAILS(open(SCRATCH "/dangling", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
  write_file(SCRATCH "/dangling", "created");
  expect_content(SCRATCH "/nowhere", "created");
  CHECK(symlink("loop", SCRATCH "/loop") == 0);
  CHECK_FAILS(stat(SCRATCH "/loop", &status), ELOOP);
  CHECK_FAILS(open(SCRATCH "/loop", O_RDONLY), ELOOP);
  ok("dangling links");
}

static void hard(void) {
  CHECK(link(SCRATCH "/file", SCRATCH "/directory/hard") == 0);
  struct stat a;
  struct stat b;
  CHECK(stat(SCRATCH "/file", &a) == 0);
  CHECK(stat(SCRATCH "/directory/hard", &b) == 0);
  CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  CHECK(a.st_nlink == 2);
  CHECK_FAILS(link(SCRATCH "/file", SCRATCH "/link"), EEXIST);
  CHECK_FAILS(link(SCRATCH "/missing", SCRATCH "/new"), ENOENT);
  CHECK_FAILS(link(SCRATCH "/directory", SCRATCH "/new"), EPERM);
  CHECK(unlink(SCRATCH "/file") == 0);
  expect_content(SCRATCH "/directory/hard", "content");
  CHECK(stat(SCRATCH "/directory/hard", &b) == 0);
  CHECK(b.st_nlink == 1);
  ok("hard links");
}

static void removing(void) {
  CHECK_FAILS(rmdir(SCRATCH "/directory-link"), ENOTDIR);
  CHECK(unlink(SCRATCH "/directory-link") == 0);
  struct stat status;
  CHECK(stat(SCRATCH "/directory", &status) == 0);
  CHECK(unlink(SCRATCH "/dangling") == 0);
  CHECK(stat(SCRATCH "/nowhere", &status) == 0);
  ok("removing links");
}

int main(void) {
  symbolic();
  reading();
  dangling();
  hard();
  removing();
  return 0;
}
