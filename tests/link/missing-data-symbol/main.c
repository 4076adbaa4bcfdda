#include <stdio.h>

extern int absent_number;

int main(void) {
  printf("%d\n", absent_number);
  return 0;
}
