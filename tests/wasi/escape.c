// Nothing outside of the preopened directory can be reached, whatever the path.
// mkdir: root outside
// file: secret secret
// file: outside/secret secret
// run: --dir $TMP/root::/scratch
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#ifndef ENOTCAPABLE
#define ENOTCAPABLE EXDEV
#endif

int main(void) {
  const int scratch = open("/scratch", O_RDONLY | O_DIRECTORY);
  CHECK(scratch >= 0);
  struct stat status;
  CHECK_FAILS(openat(scratch, "../secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(scratch, "..", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(fstatat(scratch, "../secret", &status, 0), ENOTCAPABLE);
  CHECK_FAILS(mkdirat(scratch, "../new", 0777), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(scratch, "../secret", 0), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(scratch, "../outside", AT_REMOVEDIR), ENOTCAPABLE);
  CHECK_FAILS(renameat(scratch, "../secret", scratch, "stolen"), ENOTCAPABLE);
  CHECK_FAILS(linkat(scratch, "../secret", scratch, "stolen", 0), ENOTCAPABLE);
  CHECK_FAILS(symlinkat("x", scratch, "../new"), ENOTCAPABLE);
  ok("parents");

  CHECK_FAILS(symlink("/etc", "/scratch/absolute"), ENOTCAPABLE);
  CHECK(symlink("..", "/scratch/up") == 0);
  CHECK(symlink("../secret", "/scratch/file") == 0);
  CHECK(symlink("../created", "/scratch/missing") == 0);
  CHECK_FAILS(openat(scratch, "up/secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(scratch, "up/outside/secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(scratch, "file", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(scratch, "missing", O_WRONLY | O_CREAT, 0666), ENOTCAPABLE);
  CHECK_FAILS(fstatat(scratch, "file", &status, 0), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(scratch, "up/secret", 0), ENOTCAPABLE);
  const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  CHECK_FAILS(utimensat(scratch, "file", times, 0), ENOTCAPABLE);
  CHECK(fstatat(scratch, "file", &status, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(S_ISLNK(status.st_mode));
  ok("links");
  return 0;
}
