#include <stdio.h>

int counter = 1;

int count(void) {
  return counter++;
}

__attribute__((destructor)) static void destruct(void) {
  printf("destroyed, %d\n", counter);
}
