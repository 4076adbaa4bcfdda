#include <stdio.h>

extern char first[], second[];

int main(void) {
  printf("%d\n", first[0] + second[0]);
  return 0;
}
