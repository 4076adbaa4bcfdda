#include <stdio.h>

int stack_kib(void);
int deep(int levels);

int main(void) {
  printf("%d KiB, %d levels\n", stack_kib(), deep(stack_kib() - 100));
  return 0;
}
