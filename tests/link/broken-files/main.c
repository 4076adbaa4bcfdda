#include <stdio.h>

int value(void);

__attribute__((constructor)) static void construct(void) {
  puts("main is constructed");
}

int main(void) {
  return value();
}
