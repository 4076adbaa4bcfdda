#include <stdio.h>

int value(void) {
  return 7;
}

__attribute__((constructor)) static void construct(void) {
  puts("library is constructed");
}
