#include <stdio.h>

int call_first(void);
int call_second(void);
int shared_name(void);
extern int counter;

int main(void) {
  printf("%d %d %d\n", shared_name(), call_first(), call_second());
  printf("%d\n", counter);
  return 0;
}
