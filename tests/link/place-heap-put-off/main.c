#include "guest.h"

// Calls nothing of the allocator that it was linked with.
void _start(void) {
  open_and_use("liblibrary.so");
}
