#include <stdlib.h>

__attribute__((constructor)) static void construct(void) {
  exit(9);
}

int leaving(void) {
  return 6;
}
