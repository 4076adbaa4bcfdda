// Functions of POSIX that WASI has nothing for.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <threads.h>
#include <time.h>

static int unsupported(void) {
  errno = ENOSYS;
  return -1;
}

int chmod(const char* path, mode_t mode) {
  return unsupported();
}
int fchmod(int file, mode_t mode) {
  return unsupported();
}
int fchmodat(int directory, const char* path, mode_t mode, int flags) {
  return unsupported();
}
int statvfs(const char* restrict path, struct statvfs* restrict result) {
  return unsupported();
}
int fstatvfs(int file, struct statvfs* result) {
  return unsupported();
}

// No signal ever comes from outside, so there is nothing to hold back.
int pthread_sigmask(int how, const sigset_t* restrict set, sigset_t* restrict old) {
  if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
    return EINVAL;
  }
  if (old) {
    sigemptyset(old);
  }
  return 0;
}
int sigprocmask(int how, const sigset_t* restrict set, sigset_t* restrict old) {
  const int error = pthread_sigmask(how, set, old);
  if (error) {
    errno = error;
    return -1;
  }
  return 0;
}

void thrd_yield(void) {
  sched_yield();
}

int thrd_sleep(const struct timespec* duration, struct timespec* remaining) {
  return nanosleep(duration, remaining);
}

// What -fstack-protector's code uses.
unsigned long __stack_chk_guard = 0x2f6b00a5;
_Noreturn void __stack_chk_fail(void) {
  __builtin_trap();
}
