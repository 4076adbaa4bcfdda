#include <stdio.h>

int counter = 40;

int add(int number) {
  counter += number;
  return counter;
}

double half(double number) {
  return number / 2;
}

__attribute__((constructor)) static void construct(void) {
  puts("constructed");
}

__attribute__((destructor)) static void destruct(void) {
  printf("destroyed with %d\n", counter);
}
