#include <stdio.h>

int part_data = 1;

int part(void) {
  return 1;
}

__attribute__((constructor)) static void construct(void) {
  puts("  part begins");
}
