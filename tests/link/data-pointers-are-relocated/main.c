#include <stdio.h>

struct entry {
  const char* name;
  int (*function)(int);
  int* counter;
};

extern struct entry table[];
extern int in_main;
extern int* end_of_numbers;
extern int numbers[];
int in_main = 300;
int negate(int number) {
  return -number;
}

// Main's own data points into a library, at an offset too.
int* second_number = &numbers[1];
struct entry* last = &table[2];

int main(void) {
  for (struct entry* entry = table; entry->name != 0; ++entry) {
    *entry->counter += 1;
    printf("%s(5) = %d, counter %d\n", entry->name, entry->function(5), *entry->counter);
  }
  printf("%d %s %d\n", *second_number, last->name, (int)(end_of_numbers - numbers));
  return 0;
}
