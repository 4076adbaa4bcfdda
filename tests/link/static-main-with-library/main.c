#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char* describe(const char* what, int number);
int open_nothing(void);
int compare(const void* left, const void* right);
extern int library_data;
int in_main = 30;

int twice(int number) {
  return 2 * number;
}

static int numbers[] = {3, 1, 2};

int main(void) {
  char* text = describe("number", 12);
  printf("%s\n", text);
  free(text);
  errno = 0;
  const int result = open_nothing();
  printf("%d %s\n", result, errno == ENOENT ? "ENOENT" : "another errno");
  library_data += 1;
  in_main += 1;
  qsort(numbers, 3, sizeof *numbers, compare);
  printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
  printf("library ends\n");
  return 0;
}
