#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// With so many levels of recursion on the stack, what the host does for a guest must still have its room: a write, and
// a constructor-like call back into the guest by qsort through libc.
int dive(int levels, int (*at_the_bottom)(void));

static int compare(const void* left, const void* right) {
  return *(const int*)left - *(const int*)right;
}

static int work(void) {
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof *numbers, compare);
  return (int)write(1, "bottom\n", 7) + numbers[0];
}

int main(int count, char** arguments) {
  const int levels = atoi(arguments[1]);
  const int result = dive(levels, work);
  printf("%s\n", result == 8 + levels ? "back" : "wrong");
  return 0;
}
