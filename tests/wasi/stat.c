// What stat says, and setting times.
// run: --dir $TMP::/scratch
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

int main(void) {
  const time_t before = time(NULL) - 2;
  const int fd = open(SCRATCH "/file", O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, "12345", 5) == 5);
  struct stat by_path;
  struct stat by_descriptor;
  CHECK(stat(SCRATCH "/file", &by_path) == 0);
  CHECK(fstat(fd, &by_descriptor) == 0);
  CHECK(by_path.st_ino == by_descriptor.st_ino);
  CHECK(by_path.st_dev == by_descriptor.st_dev);
  CHECK(by_path.st_size == 5);
  CHECK(by_path.st_nlink == 1);
  CHECK(S_ISREG(by_path.st_mode));
  CHECK(by_path.st_mtim.tv_sec >= before && by_path.st_mtim.tv_sec <= time(NULL) + 2);
  CHECK(stat(SCRATCH, &by_path) == 0);
  CHECK(S_ISDIR(by_path.st_mode));
  CHECK(by_path.st_ino != by_descriptor.st_ino);
  CHECK_FAILS(stat(SCRATCH "/missing", &by_path), ENOENT);
  CHECK_FAILS(stat(SCRATCH "/file/", &by_path), ENOTDIR);
  CHECK_FAILS(stat("", &by_path), ENOENT);
  ok("stat");

  struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 2000, .tv_nsec = 999999999}};
  CHECK(futimens(fd, times) == 0);
  CHECK(fstat(fd, &by_descriptor) == 0);
  CHECK(by_descriptor.st_atim.tv_sec == 1000 && by_descriptor.st_atim.tv_nsec == 1);
  CHECK(by_descriptor.st_mtim.tv_sec == 2000 && by_descriptor.st_mtim.tv_nsec == 999999999);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = 3000;
  CHECK(utimensat(AT_FDCWD, SCRATCH "/file", times, 0) == 0);
  CHECK(fstat(fd, &by_descriptor) == 0);
  CHECK(by_descriptor.st_atim.tv_sec == 1000);
  CHECK(by_descriptor.st_mtim.tv_sec == 3000);
  times[1].tv_nsec = UTIME_NOW;
  CHECK(futimens(fd, times) == 0);
  CHECK(fstat(fd, &by_descriptor) == 0);
  CHECK(by_descriptor.st_atim.tv_sec == 1000);
  CHECK(by_descriptor.st_mtim.tv_sec >= before);
  CHECK(symlink("file", SCRATCH "/link") == 0);
  times[1] = (struct timespec){.tv_sec = 4000, .tv_nsec = 0};
  CHECK(utimensat(AT_FDCWD, SCRATCH "/link", times, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(lstat(SCRATCH "/link", &by_path) == 0);
  CHECK(by_path.st_mtim.tv_sec == 4000);
  CHECK(utimensat(AT_FDCWD, SCRATCH "/link", times, 0) == 0);
  CHECK(fstat(fd, &by_descriptor) == 0);
  CHECK(by_descriptor.st_mtim.tv_sec == 4000);
  ok("times");
  CHECK(close(fd) == 0);
  return 0;
}
