#include <stdio.h>

int outer(void);

__attribute__((constructor)) static void construct(void) {
  puts("main is constructed");
}

int main(void) {
  return outer();
}
