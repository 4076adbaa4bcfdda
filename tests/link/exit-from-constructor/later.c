#include <stdio.h>

int use_early(void);

__attribute__((constructor)) static void construct(void) {
  puts("later is constructed");
}

int use(void) {
  return use_early();
}
