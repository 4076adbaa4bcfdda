#include <stdio.h>

int level = 1;

int greet(int number) {
  printf("real(%d)", number);
  return number;
}
