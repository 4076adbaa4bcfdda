#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("passing");
}

__attribute__((destructor)) static void destruct(void) {
  puts("passing ends");
}
