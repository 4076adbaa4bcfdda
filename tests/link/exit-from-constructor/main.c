#include <stdio.h>

int use(void);

__attribute__((constructor)) static void construct(void) {
  puts("main is constructed");
}

int main(void) {
  puts("main runs");
  return use();
}
