#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("    inner");
}

__attribute__((destructor)) static void destruct(void) {
  puts("inner ends");
}

int value(void) {
  return 3;
}
