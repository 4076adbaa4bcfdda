#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void construct(void) {
  puts("early ends the program");
  exit(43);
}

int use_early(void) {
  return 0;
}
