#include <stdio.h>

int first_absent(int number);
void library(void);

__attribute__((constructor)) static void construct(void) {
  puts("main is constructed");
}

int main(void) {
  puts("main runs");
  library();
  return first_absent(1);
}
