#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("silent is constructed");
}

int silent(void) {
  return 4;
}
