#include <stdlib.h>

int needed(void);

char data[300000] = {1};

static void at_exit(void) {
  __builtin_trap();
}

__attribute__((constructor)) static void construct(void) {
  atexit(at_exit);
  data[needed()] = 1;
  __builtin_trap();
}
