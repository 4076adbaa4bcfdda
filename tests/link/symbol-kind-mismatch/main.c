#include <stdio.h>

extern int thing;

int main(void) {
  printf("%d\n", thing);
  return 0;
}
