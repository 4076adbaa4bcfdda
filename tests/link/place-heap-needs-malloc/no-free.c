#include "guest.h"

int malloc(int size) {
  print("malloc was called\n");
  return 4096;
}

void _start(void) {
  open_and_use("liblibrary.so");
}
