#include <stdio.h>

int left(void);
int right(void);
extern int constructed;

int main(void) {
  printf("%d", left());
  printf(" %d", right());
  printf(" %d\n", left());
  printf("constructed %d time\n", constructed);
  return 0;
}
