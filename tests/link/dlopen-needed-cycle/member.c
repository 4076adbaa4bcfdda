#include <stdio.h>

#define JOIN(a, b) a##b
#define MAKE(a, b) JOIN(a, b)

int MAKE(value_of_, OTHER)(void);

static int own = NUMBER;

__attribute__((constructor)) static void construct(void) {
  printf("begins %d\n", own);
}

__attribute__((destructor)) static void destruct(void) {
  printf("ends %d\n", own);
}

int MAKE(value_of_, SELF)(void) {
  return own;
}

int MAKE(ask_, SELF)(void) {
  return MAKE(value_of_, OTHER)();
}
