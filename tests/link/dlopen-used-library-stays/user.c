#include <stdio.h>

int provide(void);

__attribute__((destructor)) static void destruct(void) {
  puts("user ends");
}

int use(void) {
  return provide();
}
