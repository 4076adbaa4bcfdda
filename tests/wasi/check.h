// What the programs here share: a check that ends the program with a message, and the lines that say what passed.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SCRATCH
#define SCRATCH "/scratch"
#endif

#define CHECK(condition)                                                                                   \
  do {                                                                                                     \
    if (!(condition)) {                                                                                    \
      fprintf(stderr, "%s:%d: not so: %s (errno: %s)\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      exit(1);                                                                                             \
    }                                                                                                      \
  } while (0)

// The call fails with one of two errors (the same one twice, when there is only one that it may be).
#define CHECK_FAILS_OR(call, expected, other)                                                                    \
  do {                                                                                                           \
    errno = 0;                                                                                                   \
    if ((call) >= 0 || (errno != (expected) && errno != (other))) {                                              \
      fprintf(stderr, "%s:%d: %s should fail with %s, but: %s\n", __FILE__, __LINE__, #call, strerror(expected), \
              strerror(errno));                                                                                  \
      exit(1);                                                                                                   \
    }                                                                                                            \
  } while (0)
#define CHECK_FAILS(call, expected) CHECK_FAILS_OR(call, expected, expected)

static inline void ok(const char* name) {
  printf("ok %s\n", name);
}
