#include <stdio.h>

extern int data;

__attribute__((destructor)) static void destruct(void) {
  puts("user ends");
}

int use(void) {
  return data;
}
