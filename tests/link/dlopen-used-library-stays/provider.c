#include <stdio.h>

int data = 6;

int provide(void) {
  return 5;
}

__attribute__((destructor)) static void destruct(void) {
  puts("provider ends");
}
