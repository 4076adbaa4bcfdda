// Loops that use variables of this library, thread-local ones and others.
#include "libtls.h"

#define VARIABLES(storage, prefix) storage int prefix##0 = 1, prefix##1 = 2, prefix##2 = 3, prefix##3 = 4

VARIABLES(static _Thread_local, own);
VARIABLES(static, plain);
VARIABLES(EXPORT _Thread_local, shared);

// Reads four variables and sets one. Nothing of them stays in registers from one call to the next.
#define DEFINE_LOOP(name, prefix)                                   \
  static __attribute__((noinline)) int use_##prefix(int a, int i) { \
    __asm__ volatile("" ::: "memory");                              \
    int old = prefix##3;                                            \
    prefix##3 = i;                                                  \
    return (a + (prefix##0 ^ prefix##1) + (prefix##2 ^ old)) ^ i;   \
  }                                                                 \
  EXPORT int name(int rounds) {                                     \
    int sum = 0;                                                    \
    for (int i = 0; i < rounds; i++) {                              \
      sum = use_##prefix(sum, i);                                   \
    }                                                               \
    return sum;                                                     \
  }

DEFINE_LOOP(loop_tls_own, own)
DEFINE_LOOP(loop_tls_exported, shared)
DEFINE_LOOP(loop_tls_none, plain)
