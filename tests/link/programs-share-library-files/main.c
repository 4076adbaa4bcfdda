#include <stdio.h>
#include <stdlib.h>

extern int shared_file_data[4096];
int bump(int number);

int main(int count, char** arguments) {
  const int number = atoi(arguments[1]);
  int result = 0;
  puts("ready");
  fflush(stdout);
  getchar();
  for (int i = 0; i < 1000; ++i) {
    result = bump(number);
  }
  printf("%d %d\n", result, shared_file_data[1]);
  return number;
}
