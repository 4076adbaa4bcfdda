#include <time.h>

// Of main: how often a constructor ran.
extern _Atomic int constructions, destructions;

int value;

__attribute__((constructor)) static void construct(void) {
  ++constructions;
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);  // so that the others come meanwhile
  value = 17;
}

__attribute__((destructor)) static void destruct(void) {
  ++destructions;
}

int get(void) {
  return value;
}
