#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("loud is constructed");
}
__attribute__((destructor)) static void destruct(void) {
  puts("loud is destructed");
}

int loud(void) {
  return 3;
}
