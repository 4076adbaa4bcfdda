#include <stdio.h>

int call(int (*function)(void));
int ask(void);
extern int number;
int* pointer = &number;

int main(void) {
  printf("%d\n", call(ask) + *pointer);
  return 0;
}
