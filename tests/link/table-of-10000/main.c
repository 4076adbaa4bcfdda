#include <stdio.h>

extern int (*const functions[10000])(int);
int (*pointer)(int);

int after(int number) {
  return number + 1;
}

int main(void) {
  int wrong = 0;
  for (int i = 0; i < 10000; ++i) {
    wrong += functions[i](5) != i + 5;
    wrong += i > 0 && functions[i] == functions[i - 1];
  }
  pointer = after;
  printf("%d wrong, %d\n", wrong, pointer(1));
  return 0;
}
