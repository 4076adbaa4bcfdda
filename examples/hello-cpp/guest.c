#include <stdio.h>

__attribute__((export_name("add"))) int add(int a, int b) {
  return a + b;
}

int main(int count, char** arguments) {
  printf("Hello, %s\n", count > 1 ? arguments[1] : "nobody");
  return 3;
}
