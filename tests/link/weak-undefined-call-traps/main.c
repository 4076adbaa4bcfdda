#include <stdio.h>

int call(void);

int main(void) {
  puts("before");
  fflush(stdout);
  printf("after %d\n", call());
  return 0;
}
