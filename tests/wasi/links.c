// Symbolic and hard links.
// run: --dir $TMP::/work
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
  write_file(WORK "/file", "content");
  CHECK(mkdir(WORK "/directory", 0777) == 0);
  CHECK(symlink("file", WORK "/link") == 0);
  CHECK(symlink("../file", WORK "/directory/up") == 0);
  CHECK(symlink("directory", WORK "/directory-link") == 0);
  expect_content(WORK "/link", "content");
  expect_content(WORK "/directory/up", "content");
  expect_content(WORK "/directory-link/up", "content");
  expect_content(WORK "/directory-link/../file", "content");
  struct stat status;
  CHECK(lstat(WORK "/link", &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
  CHECK(status.st_size == 4);
  CHECK(stat(WORK "/link", &status) == 0);
  CHECK(S_ISREG(status.st_mode));
  CHECK(lstat(WORK "/directory-link/", &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK_FAILS(open(WORK "/link", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK_FAILS(symlink("x", WORK "/link"), EEXIST);
  ok("symbolic links");
}

static void reading(void) {
  char buffer[64];
  memset(buffer, '#', sizeof(buffer));
  CHECK(readlink(WORK "/link", buffer, sizeof(buffer)) == 4);
  CHECK(memcmp(buffer, "file#", 5) == 0);
  CHECK(readlink(WORK "/link", buffer, 2) == 2);
  CHECK_FAILS(readlink(WORK "/file", buffer, sizeof(buffer)), EINVAL);
  CHECK_FAILS(readlink(WORK "/missing", buffer, sizeof(buffer)), ENOENT);
  ok("reading links");
}

static void dangling(void) {
  CHECK(symlink("nowhere", WORK "/dangling") == 0);
  struct stat status;
  CHECK(lstat(WORK "/dangling", &status) == 0);
  CHECK_FAILS(stat(WORK "/dangling", &status), ENOENT);
  CHECK_FAILS(open(WORK "/dangling", O_RDONLY), ENOENT);
  CHECK_FAILS(open(WORK "/dangling", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
  write_file(WORK "/dangling", "created");
  expect_content(WORK "/nowhere", "created");
  CHECK(symlink("loop", WORK "/loop") == 0);
  CHECK_FAILS(stat(WORK "/loop", &status), ELOOP);
  CHECK_FAILS(open(WORK "/loop", O_RDONLY), ELOOP);
  ok("dangling links");
}

static void hard(void) {
  CHECK(link(WORK "/file", WORK "/directory/hard") == 0);
  struct stat a;
  struct stat b;
  CHECK(stat(WORK "/file", &a) == 0);
  CHECK(stat(WORK "/directory/hard", &b) == 0);
  CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  CHECK(a.st_nlink == 2);
  CHECK_FAILS(link(WORK "/file", WORK "/link"), EEXIST);
  CHECK_FAILS(link(WORK "/missing", WORK "/new"), ENOENT);
  CHECK_FAILS(link(WORK "/directory", WORK "/new"), EPERM);
  CHECK(unlink(WORK "/file") == 0);
  expect_content(WORK "/directory/hard", "content");
  CHECK(stat(WORK "/directory/hard", &b) == 0);
  CHECK(b.st_nlink == 1);
  ok("hard links");
}

static void removing(void) {
  CHECK_FAILS(rmdir(WORK "/directory-link"), ENOTDIR);
  CHECK(unlink(WORK "/directory-link") == 0);
  struct stat status;
  CHECK(stat(WORK "/directory", &status) == 0);
  CHECK(unlink(WORK "/dangling") == 0);
  CHECK(stat(WORK "/nowhere", &status) == 0);
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
