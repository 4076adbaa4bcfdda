#include <stdio.h>

__attribute__((weak)) int optional(int number);
extern __attribute__((weak)) int optional_data;
int (*table[2])(int) = {optional, 0};
int* addresses[2] = {&optional_data, 0};

void report(void) {
  printf("function %s, data %s\n", optional ? "there" : "null", &optional_data ? "there" : "null");
  printf("in data: function %s, data %s\n", table[0] ? "there" : "null", addresses[0] ? "there" : "null");
  if (optional && &optional_data) {
    printf("%d\n", optional(optional_data));
  }
}
