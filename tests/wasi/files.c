// Reading and writing files: with descriptors, with streams, at positions, appending, truncating, vectors.
// run: --dir $TMP::/scratch
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static off_t size_of(const char* path) {
  struct stat status;
  CHECK(stat(path, &status) == 0);
  return status.st_size;
}

static void descriptors(void) {
  const int fd = open(SCRATCH "/file", O_RDWR | O_CREAT | O_EXCL, 0666);
  CHECK(fd >= 0);
  CHECK(write(fd, "hello, world", 12) == 12);
  CHECK(lseek(fd, 0, SEEK_CUR) == 12);
  CHECK(lseek(fd, 7, SEEK_SET) == 7);
  char buffer[32] = {0};
  CHECK(read(fd, buffer, sizeof(buffer)) == 5);
  CHECK(strcmp(buffer, "world") == 0);
  CHECK(read(fd, buffer, sizeof(buffer)) == 0);
  CHECK(lseek(fd, -5, SEEK_END) == 7);
  CHECK(lseek(fd, 2, SEEK_CUR) == 9);
  CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK(close(fd) == 0);
  CHECK_FAILS(close(fd), EBADF);
  CHECK_FAILS(read(fd, buffer, 1), EBADF);
  CHECK_FAILS(open(SCRATCH "/file", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
  CHECK_FAILS(open(SCRATCH "/missing", O_RDONLY), ENOENT);
  CHECK_FAILS(open(SCRATCH "/file/x", O_RDONLY), ENOTDIR);
  ok("descriptors");
}

static void modes(void) {
  char byte = 'x';
  int fd = open(SCRATCH "/file", O_RDONLY);
  CHECK(fd >= 0);
  errno = 0;
  CHECK(write(fd, &byte, 1) == -1);
  CHECK(close(fd) == 0);
  fd = open(SCRATCH "/file", O_WRONLY);
  CHECK(fd >= 0);
  CHECK(read(fd, &byte, 1) == -1);
  CHECK(close(fd) == 0);
  fd = open(SCRATCH "/file", O_WRONLY | O_TRUNC);
  CHECK(fd >= 0);
  CHECK(size_of(SCRATCH "/file") == 0);
  CHECK(write(fd, "abc", 3) == 3);
  CHECK(close(fd) == 0);
  ok("modes");
}

static void appending(void) {
  const int fd = open(SCRATCH "/file", O_WRONLY | O_APPEND);
  CHECK(fd >= 0);
  CHECK((fcntl(fd, F_GETFL) & O_APPEND) != 0);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(write(fd, "def", 3) == 3);
  CHECK(size_of(SCRATCH "/file") == 6);
  CHECK(fcntl(fd, F_SETFL, 0) == 0);
  CHECK((fcntl(fd, F_GETFL) & O_APPEND) == 0);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(write(fd, "X", 1) == 1);
  CHECK(size_of(SCRATCH "/file") == 6);
  CHECK(close(fd) == 0);
  ok("appending");
}

static void positions(void) {
  const int fd = open(SCRATCH "/file", O_RDWR);
  CHECK(fd >= 0);
  CHECK(pwrite(fd, "12", 2, 10) == 2);
  char buffer[16];
  memset(buffer, '#', sizeof(buffer));
  CHECK(pread(fd, buffer, sizeof(buffer), 0) == 12);
  CHECK(memcmp(buffer, "Xbcdef\0\0\0\00012", 12) == 0);
  CHECK(pread(fd, buffer, sizeof(buffer), 100) == 0);
  CHECK(lseek(fd, 0, SEEK_CUR) == 0);
  CHECK(ftruncate(fd, 4) == 0);
  CHECK(size_of(SCRATCH "/file") == 4);
  CHECK(ftruncate(fd, 100) == 0);
  CHECK(size_of(SCRATCH "/file") == 100);
  CHECK(pread(fd, buffer, 1, 99) == 1 && buffer[0] == '\0');
  CHECK(fsync(fd) == 0);
  CHECK(fdatasync(fd) == 0);
  CHECK(close(fd) == 0);
  ok("positions");
}

static void vectors(void) {
  const int fd = open(SCRATCH "/vectors", O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0);
  char one[] = "one";
  char two[] = "twotwo";
  const struct iovec out[] = {{one, 3}, {NULL, 0}, {two, 6}};
  CHECK(writev(fd, out, 3) == 9);
  char a[5] = {0};
  char b[5] = {0};
  const struct iovec in[] = {{a, 4}, {b, 4}};
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(readv(fd, in, 2) == 8);
  CHECK(strcmp(a, "onet") == 0);
  CHECK(strcmp(b, "wotw") == 0);
  CHECK(close(fd) == 0);
  ok("vectors");
}

static void streams(void) {
  FILE* file = fopen(SCRATCH "/stream", "w");
  CHECK(file != NULL);
  for (int i = 0; i < 10000; ++i) {
    CHECK(fprintf(file, "line %d\n", i) > 0);
  }
  CHECK(fclose(file) == 0);
  file = fopen(SCRATCH "/stream", "r+");
  CHECK(file != NULL);
  char line[64];
  int count = 0;
  while (fgets(line, sizeof(line), file) != NULL) {
    int number = -1;
    CHECK(sscanf(line, "line %d", &number) == 1 && number == count);
    ++count;
  }
  CHECK(count == 10000);
  CHECK(fseek(file, 0, SEEK_SET) == 0);
  CHECK(fputs("LINE", file) >= 0);
  rewind(file);
  CHECK(fgets(line, sizeof(line), file) != NULL);
  CHECK(strcmp(line, "LINE 0\n") == 0);
  CHECK(fseek(file, -5, SEEK_END) == 0);
  CHECK(fgets(line, sizeof(line), file) != NULL);
  CHECK(strcmp(line, "9999\n") == 0);
  CHECK(fclose(file) == 0);
  file = fopen(SCRATCH "/stream", "a");
  CHECK(file != NULL);
  CHECK(fputs("end\n", file) >= 0);
  CHECK(fclose(file) == 0);
  CHECK(fopen(SCRATCH "/missing", "r") == NULL && errno == ENOENT);
  ok("streams");
}

static void large(void) {
  enum { kSize = 3 * 1024 * 1024 + 17 };
  char* const data = malloc(kSize);
  char* const back = malloc(kSize);
  CHECK(data != NULL && back != NULL);
  for (int i = 0; i < kSize; ++i) {
    data[i] = (char)(i * 31 + i / 7);
  }
  const int fd = open(SCRATCH "/large", O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0);
  size_t done = 0;
  while (done < kSize) {
    const ssize_t count = write(fd, data + done, kSize - done);
    CHECK(count > 0);
    done += (size_t)count;
  }
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  done = 0;
  while (done < kSize) {
    const ssize_t count = read(fd, back + done, kSize - done);
    CHECK(count > 0);
    done += (size_t)count;
  }
  CHECK(memcmp(data, back, kSize) == 0);
  CHECK(close(fd) == 0);
  free(data);
  free(back);
  ok("large");
}

static void removing(void) {
  CHECK(unlink(SCRATCH "/file") == 0);
  CHECK_FAILS(unlink(SCRATCH "/file"), ENOENT);
  CHECK_FAILS(access(SCRATCH "/file", F_OK), ENOENT);
  CHECK(access(SCRATCH "/large", R_OK | W_OK) == 0);
  // An open file outlives its name.
  const int fd = open(SCRATCH "/large", O_RDONLY);
  CHECK(fd >= 0);
  CHECK(remove(SCRATCH "/large") == 0);
  char byte = 0;
  CHECK(read(fd, &byte, 1) == 1);
  CHECK(close(fd) == 0);
  ok("removing");
}

static void many(void) {
  enum { kCount = 200 };
  int fds[kCount];
  for (int i = 0; i < kCount; ++i) {
    char path[64];
    snprintf(path, sizeof(path), SCRATCH "/many-%d", i);
    fds[i] = open(path, O_RDWR | O_CREAT, 0666);
    CHECK(fds[i] >= 0);
    CHECK(write(fds[i], &i, sizeof(i)) == sizeof(i));
  }
  for (int i = kCount - 1; i >= 0; --i) {
    int value = -1;
    CHECK(pread(fds[i], &value, sizeof(value), 0) == sizeof(value));
    CHECK(value == i);
    CHECK(close(fds[i]) == 0);
  }
  ok("many");
}

int main(void) {
  descriptors();
  modes();
  appending();
  positions();
  vectors();
  streams();
  large();
  removing();
  many();
  return 0;
}
