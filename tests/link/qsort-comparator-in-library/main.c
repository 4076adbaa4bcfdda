#include <stdio.h>
#include <stdlib.h>

int by_last_digit(const void* left, const void* right);
extern int comparisons;

int main(void) {
  int numbers[] = {73, 12, 45, 91, 38, 27, 60, 54, 86, 19};
  const int count = sizeof numbers / sizeof *numbers;
  qsort(numbers, count, sizeof *numbers, by_last_digit);
  for (int i = 0; i < count; ++i) {
    printf("%d ", numbers[i]);
  }
  const int key = 7;
  int* found = bsearch(&key, numbers, count, sizeof *numbers, by_last_digit);
  printf("- %d %s\n", *found, comparisons > count ? "compared" : "not compared");
  return 0;
}
