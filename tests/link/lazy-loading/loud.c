#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("loud is constructed");
}

int loud(void) {
  return 3;
}
