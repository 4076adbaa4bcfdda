#include <stdio.h>

static void fail(void) {
  puts("about to fail");
  fflush(stdout);
  __builtin_trap();
}

__attribute__((constructor)) static void construct(void) {
  fail();
}

int use(void) {
  return 0;
}
