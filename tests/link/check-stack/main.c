#include <stdio.h>

int deep(int levels);

int main(int count, char** arguments) {
  puts("main runs");
  fflush(stdout);
  printf("%d levels\n", deep(count == 1 ? 100 : 5000));
  return 0;
}
