#include <stdio.h>

static int constructed;

__attribute__((constructor)) static void last(void) {
  printf("last %d\n", ++constructed);
}

__attribute__((constructor(300))) static void middle(void) {
  printf("middle %d\n", ++constructed);
}

__attribute__((constructor(101))) static void first(void) {
  printf("first %d\n", ++constructed);
}

int count(void) {
  return constructed;
}
