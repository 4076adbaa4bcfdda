#include <stdio.h>
#include <stdlib.h>

static void first(void) {
  printf("%s: first\n", NAME);
}

static void second(void) {
  printf("%s: second\n", NAME);
}

__attribute__((constructor)) static void construct(void) {
  printf("%s: constructor\n", NAME);
}

__attribute__((destructor)) static void destruct(void) {
  printf("%s: destructor\n", NAME);
}

void START(void) {
  atexit(first);
  atexit(second);
}
