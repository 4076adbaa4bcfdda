#include <stdio.h>

int inner(void);

__attribute__((constructor)) static void construct(void) {
  puts("outer is constructed");
}

int outer(void) {
  return inner();
}
