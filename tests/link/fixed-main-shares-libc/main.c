#include <stdio.h>
#include <stdlib.h>

int library(int (*call)(int));
extern int shared_counter;

static int call(int number) {
  return number + shared_counter;
}

int main(void) {
  shared_counter = 5;
  printf("%d\n", library(call));
  return 0;
}
