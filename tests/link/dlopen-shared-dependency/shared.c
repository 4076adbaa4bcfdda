#include <stdio.h>

int counter = 10;

int count(void) {
  return counter++;
}

__attribute__((constructor)) static void construct(void) {
  puts("shared begins");
}

__attribute__((destructor)) static void destruct(void) {
  printf("shared ends, %d\n", counter);
}
