#include <stdio.h>

int value(void);

int main(void) {
  puts("main runs");
  return value();
}
