#include <stdio.h>

int use(void);

int main(void) {
  puts("main runs");
  return use();
}
