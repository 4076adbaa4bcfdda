// Takes the place of wasi-libc's <__errno.h>, where errno is a thread-local variable: on this target a module can reach
// its own thread-local variables only, so what all modules share has to be behind a function.
#ifndef __wasilibc___errno_h
#define __wasilibc___errno_h

#ifdef __cplusplus
extern "C" {
#endif

int* __errno_location(void) __attribute__((__const__));
#define errno (*__errno_location())

#ifdef __cplusplus
}
#endif

#endif
