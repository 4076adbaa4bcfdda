#include <stdio.h>

int counter = 1;

int count(void) {
  return counter++;
}

__attribute__((constructor)) static void construct(void) {
  puts("needed begins");
}

__attribute__((destructor)) static void destruct(void) {
  puts("needed ends");
}
