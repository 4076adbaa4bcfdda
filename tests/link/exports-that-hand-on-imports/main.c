#include <stdio.h>

int original(int number);
int alias(int number);
int (*pointer_to_alias)(int) = alias;

int main(void) {
  int (*volatile direct)(int) = original;
  printf("%d %d %s\n", original(1), alias(2), direct == pointer_to_alias ? "one address" : "two");
  return 0;
}
