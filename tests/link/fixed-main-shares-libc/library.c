#include <stdio.h>

int shared_counter = 1;

int library(int (*call)(int)) {
  printf("%d ", shared_counter);
  return call(10);
}
