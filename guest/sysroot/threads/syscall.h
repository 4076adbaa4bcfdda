// Takes the place of musl's "syscall.h": there are no system calls. What its thread sources ask of them are futexes,
// which WebAssembly's instructions are, and things that mean nothing here.
#ifndef _INTERNAL_SYSCALL_H
#define _INTERNAL_SYSCALL_H

#include <errno.h>
#include <features.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#define __syscall(name, ...) __syscall_##name(__VA_ARGS__)
#define __syscall_cp(name, ...) __syscall_##name(__VA_ARGS__)

// Callers leave the timeout out when the operation has none.
#define __syscall_SYS_futex(...) __syscall_futex_with(__VA_ARGS__, 0, 0)
#define __syscall_futex_with(address, operation, value, timeout, ...) \
  __wasilibc_futex((address), (operation), (value), (const struct timespec*)(uintptr_t)(timeout))
#define __syscall_SYS_set_robust_list(...) ((void)0)
#define __syscall_SYS_get_robust_list(...) (0)

// Waits for at most `timeout`, for ever without one, or wakes. Gives 0 or a negative error.
hidden long __wasilibc_futex(volatile void* address, int operation, int value, const struct timespec* timeout);

// There are no signals to hold back.
#define __block_app_sigs(set) ((void)(set))
#define __block_all_sigs(set) ((void)(set))
#define __restore_sigs(set) ((void)(set))

#endif
