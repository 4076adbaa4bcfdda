#include <stdio.h>

int next(void);
int next_by_other(void);

int main(void) {
  printf("%d ", next());
  printf("%d\n", next_by_other());
  return 0;
}
