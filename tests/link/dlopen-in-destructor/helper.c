#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  puts("helper begins");
}

__attribute__((destructor)) static void destruct(void) {
  puts("helper ends");
}

int help(int number) {
  return number + 1;
}
