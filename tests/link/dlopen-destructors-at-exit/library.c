#include <stdio.h>

__attribute__((constructor)) static void construct(void) {
  printf("%s begins\n", NAME);
}

__attribute__((destructor)) static void destruct(void) {
  printf("%s ends\n", NAME);
}
