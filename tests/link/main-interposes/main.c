#include <stdio.h>

int setting = 7;
int ask(void);
int* setting_of_library(void);

// The library's own definition of it is weak.
int answer(void) {
  return 70;
}

int main(void) {
  *setting_of_library() += 1;
  printf("%d %d\n", ask(), setting);
  return 0;
}
