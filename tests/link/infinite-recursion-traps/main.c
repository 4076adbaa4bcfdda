#include <stdio.h>

int forever(int number);
int back(int number);

int back(int number) {
  return 1 + forever(number + 1);
}

int main(int count, char** arguments) {
  puts("main runs");
  fflush(stdout);
  return count == 1 ? back(0) : forever(-1);
}
