#include <stdio.h>

int call_hook(int number);

int hook(int number) {
  return number + 1;
}

__attribute__((destructor)) static void destruct(void) {
  printf("dependent ends, %d\n", call_hook(1));
}

int use(void) {
  return call_hook(10);
}
