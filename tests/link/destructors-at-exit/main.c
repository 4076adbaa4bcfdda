#include <stdio.h>
#include <stdlib.h>

void use(void);

static void at_exit(void) {
  puts("main's atexit function");
}

__attribute__((destructor)) static void destruct(void) {
  puts("main's destructor");
}

int main(int count, char** arguments) {
  atexit(at_exit);
  use();
  puts("main ends");
  if (count > 1) {
    exit(5);
  }
  return 4;
}
