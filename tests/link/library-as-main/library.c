#include <stdio.h>

int number = 5;
int* pointer = &number;

__attribute__((constructor)) static void construct(void) {
  puts("constructed");
}

int add(int a, int b) {
  return a + b + *pointer;
}

double half(double number) {
  printf("half of %g\n", number);
  fflush(stdout);
  return number / 2;
}
