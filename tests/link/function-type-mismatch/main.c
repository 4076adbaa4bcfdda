#include <stdio.h>

long long convert(int number);

int main(int count, char** arguments) {
  puts("main runs");
  fflush(stdout);
  if (count == 1) {
    printf("%lld\n", convert(1));
  }
  return 0;
}
