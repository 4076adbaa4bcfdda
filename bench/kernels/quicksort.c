// Quicksort of a million numbers through a comparison function that the compiler cannot see: indirect calls.
#include <stdlib.h>

#include "measure.h"

enum { count = 1000000 };

typedef int (*Compare)(const void*, const void*);

static int compare_numbers(const void* left, const void* right) {
  int a = *(const int*)left, b = *(const int*)right;
  return a < b ? -1 : a > b;
}

static volatile Compare hidden_compare = compare_numbers;

// Recurses into the smaller part, so the stack stays shallow.
static void sort(int* numbers, int left, int right, Compare compare) {
  while (left < right) {
    int low = left, high = right, pivot = numbers[(left + right) / 2];
    while (low <= high) {
      while (compare(&numbers[low], &pivot) < 0) {
        low++;
      }
      while (compare(&numbers[high], &pivot) > 0) {
        high--;
      }
      if (low <= high) {
        int kept = numbers[low];
        numbers[low++] = numbers[high];
        numbers[high--] = kept;
      }
    }
    if (high - left < right - low) {
      sort(numbers, left, high, compare);
      left = low;
    } else {
      sort(numbers, low, right, compare);
      right = high;
    }
  }
}

static long long one_round(void) {
  int* numbers = malloc(count * sizeof *numbers);
  unsigned state = 1;
  for (int i = 0; i < count; i++) {
    state = state * 1664525 + 1013904223;
    numbers[i] = (int)(state >> 4);
  }
  start_clock();
  sort(numbers, 0, count - 1, hidden_compare);
  stop_clock();
  long long check = numbers[count / 2];
  free(numbers);
  return check;
}
