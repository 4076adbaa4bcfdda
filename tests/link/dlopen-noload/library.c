#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("constructed");
}

__attribute__((destructor)) static void destruct(void) {
  puts("destroyed");
}
