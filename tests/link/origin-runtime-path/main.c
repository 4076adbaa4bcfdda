#include <stdio.h>

int outer(void);

int main(void) {
  printf("%d\n", outer());
  return 0;
}
