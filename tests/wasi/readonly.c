// A directory that is preopened read-only is like a file system that is mounted so.
// mkdir: data scratch
// file: data/file content
// run: --dir-ro $TMP/data::/data --dir $TMP/scratch::/scratch
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

int main(void) {
  const int fd = open("/data/file", O_RDONLY);
  CHECK(fd >= 0);
  char buffer[16] = {0};
  CHECK(read(fd, buffer, sizeof(buffer)) == 8);
  CHECK(strcmp(buffer, "content\n") == 0);
  CHECK(close(fd) == 0);
  DIR* const directory = opendir("/data");
  CHECK(directory != NULL);
  int count = 0;
  while (readdir(directory) != NULL) {
    ++count;
  }
  CHECK(count == 3);
  CHECK(closedir(directory) == 0);
  ok("reading");

  CHECK_FAILS(open("/data/file", O_WRONLY), EROFS);
  CHECK_FAILS(open("/data/file", O_RDWR), EROFS);
  CHECK_FAILS(open("/data/file", O_RDONLY | O_TRUNC), EROFS);
  CHECK_FAILS(open("/data/new", O_WRONLY | O_CREAT, 0666), EROFS);
  CHECK_FAILS(mkdir("/data/new", 0777), EROFS);
  CHECK_FAILS(unlink("/data/file"), EROFS);
  CHECK_FAILS(rename("/data/file", "/data/new"), EROFS);
  CHECK_FAILS(rename("/data/file", "/scratch/new"), EROFS);
  CHECK_FAILS(link("/data/file", "/scratch/new"), EROFS);
  CHECK_FAILS(symlink("x", "/data/new"), EROFS);
  const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  CHECK_FAILS(utimensat(AT_FDCWD, "/data/file", times, 0), EROFS);
  ok("writing");
  return 0;
}
