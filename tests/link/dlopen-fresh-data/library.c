#include <stddef.h>

int data[3] = {1, 2, 3};
char zeros[100000];
int* pointer = &data[1];
static int counter = 5;

int count(void) {
  static int inside = 50;
  return ++counter + ++inside;
}

int* get_data(void) {
  return data;
}

int sum_of_zeros(void) {
  int sum = 0;
  for (size_t i = 0; i < sizeof zeros; ++i) {
    sum += zeros[i] != 0;
  }
  return sum;
}
