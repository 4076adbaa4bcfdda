// Making, listing and removing directories.
// run: --dir $TMP::/scratch
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

enum { kMany = 1500 };

static void make(void) {
  CHECK(mkdir(SCRATCH "/a", 0777) == 0);
  CHECK(mkdir(SCRATCH "/a/b", 0777) == 0);
  CHECK(mkdir(SCRATCH "/a/b/c/", 0777) == 0);
  CHECK_FAILS(mkdir(SCRATCH "/a", 0777), EEXIST);
  CHECK_FAILS(mkdir(SCRATCH "/missing/x", 0777), ENOENT);
  struct stat status;
  CHECK(stat(SCRATCH "/a/b/../b/c", &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK_FAILS(open(SCRATCH "/a", O_WRONLY), EISDIR);
  CHECK_FAILS(unlink(SCRATCH "/a"), EISDIR);
  CHECK_FAILS(rmdir(SCRATCH "/a"), ENOTEMPTY);
  CHECK(rmdir(SCRATCH "/a/b/c") == 0);
  CHECK_FAILS(rmdir(SCRATCH "/a/b/c"), ENOENT);
  ok("make");
}

static void relative(void) {
  const int a = open(SCRATCH "/a", O_RDONLY | O_DIRECTORY);
  CHECK(a >= 0);
  CHECK(mkdirat(a, "inner", 0777) == 0);
  const int file = openat(a, "inner/file", O_RDWR | O_CREAT, 0666);
  CHECK(file >= 0);
  CHECK(close(file) == 0);
  struct stat status;
  CHECK(fstatat(a, "inner/file", &status, 0) == 0);
  CHECK(unlinkat(a, "inner/file", 0) == 0);
  CHECK(unlinkat(a, "inner", AT_REMOVEDIR) == 0);
  char byte;
  CHECK(read(a, &byte, 1) == -1);
  CHECK(close(a) == 0);
  CHECK_FAILS(open(SCRATCH "/a/b", O_RDONLY | O_DIRECTORY | O_CREAT, 0666), EINVAL);
  ok("relative");
}

static void list(void) {
  CHECK(mkdir(SCRATCH "/many", 0777) == 0);
  for (int i = 0; i < kMany; ++i) {
    char path[64];
    snprintf(path, sizeof(path), SCRATCH "/many/entry-%d", i);
    const int fd = open(path, O_WRONLY | O_CREAT, 0666);
    CHECK(fd >= 0);
    CHECK(close(fd) == 0);
  }
  static char seen[kMany];
  DIR* const directory = opendir(SCRATCH "/many");
  CHECK(directory != NULL);
  for (int round = 0; round < 2; ++round) {
    memset(seen, 0, sizeof(seen));
    int dots = 0;
    struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
      if (entry->d_name[0] == '.') {
        ++dots;
        continue;
      }
      int number = -1;
      CHECK(sscanf(entry->d_name, "entry-%d", &number) == 1);
      CHECK(number >= 0 && number < kMany && !seen[number]);
      CHECK(entry->d_type == DT_REG);
      CHECK(entry->d_ino != 0);
      seen[number] = 1;
    }
    CHECK(dots == 2);
    CHECK(memchr(seen, 0, kMany) == NULL);
    rewinddir(directory);
  }
  CHECK(closedir(directory) == 0);
  CHECK(opendir(SCRATCH "/missing") == NULL && errno == ENOENT);
  CHECK(opendir(SCRATCH "/many/entry-0") == NULL && errno == ENOTDIR);
  ok("list");
}

static void places(void) {
#ifndef __wasi__  // telldir has 32 bits for the 64 of a place there
  DIR* const directory = opendir(SCRATCH "/many");
  CHECK(directory != NULL);
  for (int i = 0; i < 700; ++i) {
    CHECK(readdir(directory) != NULL);
  }
  const long place = telldir(directory);
  struct dirent* entry = readdir(directory);
  CHECK(entry != NULL);
  char name[64];
  snprintf(name, sizeof(name), "%s", entry->d_name);
  while (readdir(directory) != NULL) {
  }
  seekdir(directory, place);
  entry = readdir(directory);
  CHECK(entry != NULL);
  CHECK(strcmp(entry->d_name, name) == 0);
  CHECK(closedir(directory) == 0);
#endif
  ok("places");
}

// As `rm -r` does.
static void remove_while_listing(void) {
  DIR* const directory = opendir(SCRATCH "/many");
  CHECK(directory != NULL);
  int count = 0;
  struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') {
      CHECK(unlinkat(dirfd(directory), entry->d_name, 0) == 0);
      ++count;
    }
  }
  CHECK(count == kMany);
  CHECK(closedir(directory) == 0);
  CHECK(rmdir(SCRATCH "/many") == 0);
  ok("remove while listing");
}

static int is_visible(const struct dirent* entry) {
  return entry->d_name[0] != '.';
}

static void scan(void) {
  struct dirent** entries = NULL;
  CHECK(scandir(SCRATCH, &entries, is_visible, alphasort) == 1);
  CHECK(strcmp(entries[0]->d_name, "a") == 0);
  CHECK(entries[0]->d_type == DT_DIR);
  free(entries[0]);
  free(entries);
  ok("scan");
}

static void working_directory(void) {
  CHECK(chdir(SCRATCH "/a") == 0);
  char path[256];
  CHECK(getcwd(path, sizeof(path)) != NULL);
  CHECK(strcmp(path, SCRATCH "/a") == 0);
  struct stat status;
  CHECK(stat("b", &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK_FAILS(chdir("missing"), ENOENT);
  ok("working directory");
}

int main(void) {
  make();
  relative();
  list();
  places();
  remove_while_listing();
  scan();
  working_directory();
  return 0;
}
