#include <stdint.h>

_Thread_local int number = 5;
_Thread_local char text[8] = "library";
static _Thread_local int zero;
_Thread_local int aligned64 __attribute__((aligned(64))) = 64;

int next(void) {
  return number++ + zero++;
}

int* address(void) {
  return &number;
}

int is_aligned(void) {
  return aligned64 == 64 && (uintptr_t)&aligned64 % 64 == 0;
}

// Addresses of one thread's that stay right in it.
static _Thread_local int* own_address;

int keeps_address(void) {
  if (own_address == 0) {
    own_address = &number;
  }
  return own_address == &number;
}
