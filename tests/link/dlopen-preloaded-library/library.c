#include <stdio.h>

int who(void) {
  return 7;
}

__attribute__((destructor)) static void destruct(void) {
  puts("destroyed");
}
