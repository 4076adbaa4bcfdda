#include "guest.h"

// A program that needs no memory of its own has no allocator.
void _start(void) {
  open_and_use("liblibrary.so");
}
