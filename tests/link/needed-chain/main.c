#include <stdio.h>

int first(int number);

int main(void) {
  printf("main(%d)\n", first(1));
  return 0;
}
