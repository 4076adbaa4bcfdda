#include <stdio.h>

int count(void);

int main(void) {
  printf("%d constructors\n", count());
  return 0;
}
