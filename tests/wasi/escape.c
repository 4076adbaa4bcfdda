// Nothing outside of the preopened directory can be reached, whatever the path.
// mkdir: root outside
// file: secret secret
// file: outside/secret secret
// run: --dir $TMP/root::/work
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#ifndef ENOTCAPABLE
#define ENOTCAPABLE EXDEV
#endif

int main(void) {
  const int work = open("/work", O_RDONLY | O_DIRECTORY);
  CHECK(work >= 0);
  struct stat status;
  CHECK_FAILS(openat(work, "../secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(work, "..", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(fstatat(work, "../secret", &status, 0), ENOTCAPABLE);
  CHECK_FAILS(mkdirat(work, "../new", 0777), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(work, "../secret", 0), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(work, "../outside", AT_REMOVEDIR), ENOTCAPABLE);
  CHECK_FAILS(renameat(work, "../secret", work, "stolen"), ENOTCAPABLE);
  CHECK_FAILS(linkat(work, "../secret", work, "stolen", 0), ENOTCAPABLE);
  CHECK_FAILS(symlinkat("x", work, "../new"), ENOTCAPABLE);
  ok("parents");

  CHECK_FAILS(symlink("/etc", "/work/absolute"), ENOTCAPABLE);
  CHECK(symlink("..", "/work/up") == 0);
  CHECK(symlink("../secret", "/work/file") == 0);
  CHECK(symlink("../created", "/work/missing") == 0);
  CHECK_FAILS(openat(work, "up/secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(work, "up/outside/secret", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(work, "file", O_RDONLY), ENOTCAPABLE);
  CHECK_FAILS(openat(work, "missing", O_WRONLY | O_CREAT, 0666), ENOTCAPABLE);
  CHECK_FAILS(fstatat(work, "file", &status, 0), ENOTCAPABLE);
  CHECK_FAILS(unlinkat(work, "up/secret", 0), ENOTCAPABLE);
  const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  CHECK_FAILS(utimensat(work, "file", times, 0), ENOTCAPABLE);
  CHECK(fstatat(work, "file", &status, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(S_ISLNK(status.st_mode));
  ok("links");
  return 0;
}
