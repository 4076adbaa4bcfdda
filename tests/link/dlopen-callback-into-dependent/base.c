#include <stdio.h>

int hook(int number);

__attribute__((destructor)) static void destruct(void) {
  puts("base ends");
}

int call_hook(int number) {
  return hook(number);
}
