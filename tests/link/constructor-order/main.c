#include <stdio.h>

int first(void);
int second(void);
int third(void);

__attribute__((constructor)) static void construct(void) {
  puts("main is constructed");
}

int main(void) {
  return first() + second() + third();
}
