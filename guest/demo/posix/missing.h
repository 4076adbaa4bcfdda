// What SQLite and its shell expect of a POSIX system and WASI does not have. Included by force before their sources,
// so that those are built as Debian ships them. The answers are those of a system with one user, no locks and no
// processes; file locks are never asked for, because the demo's SQLite is built to use none.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifndef F_WRLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#endif
#ifndef F_GETLK
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#endif

static inline uid_t getuid(void) {
  return 0;
}
static inline uid_t geteuid(void) {
  return 0;
}

static inline int fchown(int file, uid_t owner, gid_t group) {
  (void)file, (void)owner, (void)group;
  return 0;
}

static inline FILE* popen(const char* command, const char* mode) {
  (void)command, (void)mode;
  errno = ENOSYS;
  return NULL;
}

static inline int pclose(FILE* stream) {
  (void)stream;
  errno = ECHILD;
  return -1;
}
