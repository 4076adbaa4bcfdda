// Every function of the interface by its own name, and not as libc uses it: that it is there, takes its parameters in
// their order, does what it is for, and fails as described. What a program could not pass to libc is passed here.
// mkdir: root outside
// file: outside/secret secret
// run: --dir $TMP/root::/scratch --dir $TMP/outside::/outside --env NAME=value -- argument
// stdin: input
#include <stdint.h>
#include <wasi/api.h>

#include "check.h"

// What libc's header does not have.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int32_t proc_raise(int32_t number);
__attribute__((import_module("wasi_unstable"), import_name("fd_seek"))) int32_t unstable_fd_seek(int32_t fd,
                                                                                                 int64_t offset,
                                                                                                 int32_t whence,
                                                                                                 uint64_t* position);
// The same functions with addresses as numbers.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_read"))) int32_t raw_fd_read(int32_t fd,
                                                                                                     uint32_t list,
                                                                                                     uint32_t count,
                                                                                                     uint32_t result);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) int32_t
raw_random_get(uint32_t buffer, uint32_t length);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("path_unlink_file"))) int32_t
raw_path_unlink_file(int32_t fd, uint32_t path, uint32_t length);

// The call comes to this, __WASI_ERRNO_SUCCESS or another.
#define EXPECT(call, expected)                                                                   \
  do {                                                                                           \
    const int outcome = (int)(call);                                                             \
    if (outcome != (expected)) {                                                                 \
      fprintf(stderr, "%s:%d: %s: %d, not %s\n", __FILE__, __LINE__, #call, outcome, #expected); \
      exit(1);                                                                                   \
    }                                                                                            \
  } while (0)
#define SUCCEEDS(call) EXPECT(call, __WASI_ERRNO_SUCCESS)

enum { kWork = 3, kOutside = 4, kClosed = 99 };
static const __wasi_rights_t kFileRights =
    __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL |
    __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_SYNC | __WASI_RIGHTS_FD_DATASYNC |
    __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |
    __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_POLL_FD_READWRITE;

static __wasi_fd_t create(const char* path) {
  __wasi_fd_t fd = 0;
  SUCCEEDS(__wasi_path_open(kWork, 0, path, __WASI_OFLAGS_CREAT, kFileRights, 0, 0, &fd));
  return fd;
}

static void process(void) {
  __wasi_size_t count = 0;
  __wasi_size_t size = 0;
  uint8_t* strings[8];
  uint8_t buffer[4096];
  SUCCEEDS(__wasi_args_sizes_get(&count, &size));
  CHECK(count == 2 && size < sizeof(buffer));
  SUCCEEDS(__wasi_args_get(strings, buffer));
  CHECK(strcmp((const char*)strings[1], "argument") == 0);
  SUCCEEDS(__wasi_environ_sizes_get(&count, &size));
  CHECK(count == 1 && size == sizeof("NAME=value"));
  SUCCEEDS(__wasi_environ_get(strings, buffer));
  CHECK(strcmp((const char*)strings[0], "NAME=value") == 0);
  SUCCEEDS(__wasi_random_get(buffer, sizeof(buffer)));
  SUCCEEDS(__wasi_random_get(buffer, 0));
  EXPECT(raw_random_get(~0U, 1), __WASI_ERRNO_FAULT);
  EXPECT(raw_random_get(16, ~0U), __WASI_ERRNO_FAULT);
  SUCCEEDS(__wasi_sched_yield());
  EXPECT(proc_raise(16), __WASI_ERRNO_SUCCESS);
  EXPECT(proc_raise(18), __WASI_ERRNO_NOTSUP);
  EXPECT(proc_raise(31), __WASI_ERRNO_INVAL);
  ok("process");
}

static void clocks(void) {
  __wasi_timestamp_t time = 0;
  for (uint32_t id = 0; id < 4; ++id) {
    SUCCEEDS(__wasi_clock_res_get(id, &time));
    CHECK(time > 0);
    SUCCEEDS(__wasi_clock_time_get(id, 1, &time));
    CHECK(time > 0);
  }
  EXPECT(__wasi_clock_res_get(4, &time), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_clock_time_get(~0U, 1, &time), __WASI_ERRNO_INVAL);
  ok("clocks");
}

static void transfers(void) {
  const __wasi_fd_t fd = create("file");
  uint8_t text[] = "0123456789";
  uint8_t buffer[16] = {0};
  const __wasi_ciovec_t out[] = {{text, 4}, {NULL, 0}, {text + 4, 6}};
  const __wasi_iovec_t in[] = {{buffer, 3}, {buffer + 8, 4}};
  __wasi_size_t count = 0;
  __wasi_filesize_t position = 0;
  SUCCEEDS(__wasi_fd_write(fd, out, 3, &count));
  CHECK(count == 10);
  SUCCEEDS(__wasi_fd_pwrite(fd, out, 1, 10, &count));
  CHECK(count == 4);
  SUCCEEDS(__wasi_fd_tell(fd, &position));
  CHECK(position == 10);
  SUCCEEDS(__wasi_fd_seek(fd, -4, __WASI_WHENCE_END, &position));
  CHECK(position == 10);
  SUCCEEDS(unstable_fd_seek((int32_t)fd, 2, 2, &position));
  CHECK(position == 2);
  SUCCEEDS(__wasi_fd_read(fd, in, 2, &count));
  CHECK(count == 7 && memcmp(buffer, "234", 3) == 0 && memcmp(buffer + 8, "5678", 4) == 0);
  SUCCEEDS(__wasi_fd_pread(fd, in, 1, 12, &count));
  CHECK(count == 2 && memcmp(buffer, "23", 2) == 0);
  EXPECT(__wasi_fd_seek(fd, -1, __WASI_WHENCE_SET, &position), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_fd_seek(fd, 0, 3, &position), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_fd_pread(fd, in, 1, 1ULL << 63, &count), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_fd_pwrite(fd, out, 1, ~0ULL, &count), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_fd_write(kClosed, out, 1, &count), __WASI_ERRNO_BADF);
  EXPECT(__wasi_fd_read(kWork, in, 1, &count), __WASI_ERRNO_ISDIR);
  EXPECT(__wasi_fd_seek(0, 0, __WASI_WHENCE_CUR, &position), __WASI_ERRNO_SPIPE);
  // A list, a buffer and a result that go beyond the memory.
  const uint32_t list = (uint32_t)(uintptr_t)in;
  const uint32_t result = (uint32_t)(uintptr_t)&count;
  const __wasi_iovec_t nowhere[] = {{(uint8_t*)0xfffffff0U, 15}};
  const __wasi_iovec_t wrapping[] = {{buffer, ~0U}};
  EXPECT(raw_fd_read((int32_t)fd, 0xfffffff8U, 1, result), __WASI_ERRNO_FAULT);
  EXPECT(raw_fd_read((int32_t)fd, 0xfffffff8U, 2, result), __WASI_ERRNO_FAULT);
  EXPECT(raw_fd_read((int32_t)fd, list, 0x20000001U, result), __WASI_ERRNO_INVAL);
  EXPECT(raw_fd_read((int32_t)fd, list, 1, 0xfffffffdU), __WASI_ERRNO_FAULT);
  EXPECT(__wasi_fd_read(fd, nowhere, 1, &count), __WASI_ERRNO_FAULT);
  EXPECT(__wasi_fd_read(fd, wrapping, 1, &count), __WASI_ERRNO_FAULT);
  SUCCEEDS(__wasi_fd_close(fd));
  EXPECT(__wasi_fd_close(fd), __WASI_ERRNO_BADF);
  ok("transfers");
}

static void files(void) {
  __wasi_fd_t fd = create("file");
  __wasi_filestat_t stat;
  __wasi_fdstat_t status;
  SUCCEEDS(__wasi_fd_advise(fd, 0, 10, __WASI_ADVICE_RANDOM));
  EXPECT(__wasi_fd_advise(fd, 0, 10, 6), __WASI_ERRNO_INVAL);
  SUCCEEDS(__wasi_fd_allocate(fd, 10, 90));
  EXPECT(__wasi_fd_allocate(fd, 0, 0), __WASI_ERRNO_INVAL);
  SUCCEEDS(__wasi_fd_filestat_get(fd, &stat));
  CHECK(stat.size == 100 && stat.filetype == __WASI_FILETYPE_REGULAR_FILE);
  SUCCEEDS(__wasi_fd_filestat_set_size(fd, 20));
  EXPECT(__wasi_fd_filestat_set_size(fd, ~0ULL), __WASI_ERRNO_INVAL);
  SUCCEEDS(__wasi_fd_filestat_set_times(fd, 5, 6, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
  EXPECT(__wasi_fd_filestat_set_times(fd, 7, 8, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW), __WASI_ERRNO_INVAL);
  SUCCEEDS(__wasi_fd_filestat_get(fd, &stat));
  CHECK(stat.size == 20 && stat.atim == 5 && stat.mtim == 6);
  SUCCEEDS(__wasi_fd_sync(fd));
  SUCCEEDS(__wasi_fd_datasync(fd));
  SUCCEEDS(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
  EXPECT(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC), __WASI_ERRNO_NOTSUP);
  SUCCEEDS(__wasi_fd_fdstat_get(fd, &status));
  CHECK(status.fs_flags == __WASI_FDFLAGS_APPEND && status.fs_rights_base == kFileRights);
  SUCCEEDS(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_SYNC, 0));
  EXPECT(__wasi_fd_fdstat_set_rights(fd, kFileRights, 0), __WASI_ERRNO_NOTCAPABLE);
  EXPECT(__wasi_fd_filestat_get(fd, &stat), __WASI_ERRNO_NOTCAPABLE);
  SUCCEEDS(__wasi_fd_sync(fd));
  const __wasi_fd_t other = create("other");
  SUCCEEDS(__wasi_fd_renumber(fd, other));
  EXPECT(__wasi_fd_sync(fd), __WASI_ERRNO_BADF);
  EXPECT(__wasi_fd_datasync(other), __WASI_ERRNO_NOTCAPABLE);
  EXPECT(__wasi_fd_renumber(other, 0x80000003U), __WASI_ERRNO_BADF);
  SUCCEEDS(__wasi_fd_renumber(other, other));
  SUCCEEDS(__wasi_fd_close(other));
  ok("files");
}

static void paths(void) {
  __wasi_filestat_t stat;
  __wasi_fd_t fd = 0;
  __wasi_size_t used = 0;
  uint8_t buffer[512];
  SUCCEEDS(__wasi_path_create_directory(kWork, "directory"));
  EXPECT(__wasi_path_create_directory(kWork, "directory"), __WASI_ERRNO_EXIST);
  SUCCEEDS(__wasi_path_symlink("directory", kWork, "link"));
  EXPECT(__wasi_path_symlink("/etc", kWork, "absolute"), __WASI_ERRNO_NOTCAPABLE);
  SUCCEEDS(__wasi_path_readlink(kWork, "link", buffer, sizeof(buffer), &used));
  CHECK(used == 9 && memcmp(buffer, "directory", 9) == 0);
  EXPECT(__wasi_path_readlink(kWork, "file", buffer, sizeof(buffer), &used), __WASI_ERRNO_INVAL);
  SUCCEEDS(__wasi_path_filestat_get(kWork, 0, "link", &stat));
  CHECK(stat.filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
  SUCCEEDS(__wasi_path_filestat_get(kWork, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", &stat));
  CHECK(stat.filetype == __WASI_FILETYPE_DIRECTORY);
  SUCCEEDS(
      __wasi_path_filestat_set_times(kWork, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", 0, 9, __WASI_FSTFLAGS_MTIM));
  SUCCEEDS(__wasi_path_filestat_get(kWork, 0, "directory", &stat));
  CHECK(stat.mtim == 9);
  SUCCEEDS(__wasi_path_link(kWork, 0, "file", kWork, "directory/hard"));
  EXPECT(__wasi_path_link(kWork, 0, "directory", kWork, "hard"), __WASI_ERRNO_PERM);
  SUCCEEDS(__wasi_path_rename(kWork, "link/hard", kOutside, "moved"));
  EXPECT(__wasi_path_rename(kWork, "directory", kWork, "directory/inside"), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_path_rename(kWork, "../outside/moved", kWork, "stolen"), __WASI_ERRNO_NOTCAPABLE);
  EXPECT(__wasi_path_open(kWork, 0, "../outside/secret", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd), __WASI_ERRNO_NOTCAPABLE);
  EXPECT(__wasi_path_open(kWork, 0, "link", 0, __WASI_RIGHTS_FD_READDIR, 0, 0, &fd), __WASI_ERRNO_LOOP);
  EXPECT(__wasi_path_open(kWork, 0, "new", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, 0, 0, 0, &fd),
         __WASI_ERRNO_INVAL);
  EXPECT(__wasi_path_open(kWork, 0, "", 0, 0, 0, 0, &fd), __WASI_ERRNO_NOENT);
  SUCCEEDS(__wasi_path_open(kWork, 1, "link", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0, 0, &fd));
  SUCCEEDS(__wasi_fd_readdir(fd, buffer, sizeof(buffer), 0, &used));
  CHECK(used == 2 * sizeof(__wasi_dirent_t) + 3);  // `.` and `..`
  SUCCEEDS(__wasi_fd_readdir(fd, buffer, 0, 0, &used));
  CHECK(used == 0);
  EXPECT(__wasi_fd_readdir(fd, buffer, sizeof(buffer), ~0ULL, &used), __WASI_ERRNO_INVAL);
  EXPECT(__wasi_fd_readdir(0, buffer, sizeof(buffer), 0, &used), __WASI_ERRNO_NOTDIR);
  SUCCEEDS(__wasi_fd_close(fd));
  EXPECT(__wasi_path_remove_directory(kWork, "link"), __WASI_ERRNO_NOTDIR);
  SUCCEEDS(__wasi_path_remove_directory(kWork, "directory"));
  EXPECT(__wasi_path_unlink_file(kWork, "file/"), __WASI_ERRNO_NOTDIR);
  EXPECT(raw_path_unlink_file(kWork, (uint32_t)(uintptr_t)"file\0x", 6), __WASI_ERRNO_INVAL);
  EXPECT(raw_path_unlink_file(kWork, 16, ~0U), __WASI_ERRNO_FAULT);
  EXPECT(raw_path_unlink_file(kWork, 0xfffffff0U, 16), __WASI_ERRNO_FAULT);
  SUCCEEDS(__wasi_path_unlink_file(kWork, "file"));
  SUCCEEDS(__wasi_path_unlink_file(kOutside, "moved"));
  ok("paths");
}

static void polling(void) {
  __wasi_subscription_t subscriptions[3];
  __wasi_event_t events[3];
  __wasi_size_t count = 0;
  memset(subscriptions, 0, sizeof(subscriptions));
  subscriptions[0].userdata = 7;
  subscriptions[0].u.tag = __WASI_EVENTTYPE_CLOCK;
  subscriptions[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  subscriptions[0].u.u.clock.timeout = 1000000;
  SUCCEEDS(__wasi_poll_oneoff(subscriptions, events, 1, &count));
  CHECK(count == 1 && events[0].userdata == 7 && events[0].error == __WASI_ERRNO_SUCCESS);
  subscriptions[0].u.u.clock.timeout = 3600ULL * 1000000000;
  subscriptions[1].userdata = 8;
  subscriptions[1].u.tag = __WASI_EVENTTYPE_FD_READ;
  subscriptions[1].u.u.fd_read.file_descriptor = kClosed;
  subscriptions[2] = subscriptions[1];
  SUCCEEDS(__wasi_poll_oneoff(subscriptions, events, 3, &count));
  CHECK(count == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(events[i].userdata == 8 && events[i].error == __WASI_ERRNO_BADF);
  }
  EXPECT(__wasi_poll_oneoff(subscriptions, events, 0, &count), __WASI_ERRNO_INVAL);
  ok("polling");
}

static void sockets(void) {
  uint8_t byte = 0;
  const __wasi_iovec_t in = {&byte, 1};
  const __wasi_ciovec_t out = {&byte, 1};
  __wasi_size_t count = 0;
  __wasi_roflags_t flags = 0;
  __wasi_fd_t accepted = 0;
  const __wasi_fd_t fds[] = {0, kWork, kClosed};
  for (int i = 0; i < 3; ++i) {
    const int expected = fds[i] == kClosed ? __WASI_ERRNO_BADF : __WASI_ERRNO_NOTSOCK;
    EXPECT(__wasi_sock_recv(fds[i], &in, 1, 0, &count, &flags), expected);
    EXPECT(__wasi_sock_send(fds[i], &out, 1, 0, &count), expected);
    EXPECT(__wasi_sock_shutdown(fds[i], __WASI_SDFLAGS_RD), expected);
    EXPECT(__wasi_sock_accept(fds[i], 0, &accepted), expected);
  }
  ok("sockets");
}

static void preopens(void) {
  __wasi_prestat_t stat;
  uint8_t name[16] = {0};
  SUCCEEDS(__wasi_fd_prestat_get(kOutside, &stat));
  CHECK(stat.tag == __WASI_PREOPENTYPE_DIR && stat.u.dir.pr_name_len == strlen("/outside"));
  SUCCEEDS(__wasi_fd_prestat_dir_name(kOutside, name, 8));
  CHECK(strcmp((const char*)name, "/outside") == 0);
  EXPECT(__wasi_fd_prestat_dir_name(kOutside, name, 7), __WASI_ERRNO_NAMETOOLONG);
  EXPECT(__wasi_fd_prestat_get(kOutside + 1, &stat), __WASI_ERRNO_BADF);
  EXPECT(__wasi_fd_prestat_get(0, &stat), __WASI_ERRNO_BADF);
  // One over the other.
  SUCCEEDS(__wasi_fd_renumber(kOutside, kWork));
  EXPECT(__wasi_fd_prestat_get(kOutside, &stat), __WASI_ERRNO_BADF);
  __wasi_filestat_t file;
  SUCCEEDS(__wasi_path_filestat_get(kWork, 0, "secret", &file));
  ok("preopens");
}

int main(void) {
  process();
  clocks();
  transfers();
  files();
  paths();
  polling();
  sockets();
  preopens();
  CHECK(fflush(stdout) == 0);
  __wasi_proc_exit(0);
}
