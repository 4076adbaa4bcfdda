#include <stdio.h>

int next(void);

int main(void) {
  printf("%d\n", next());
  return 0;
}
