#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

extern int in_main;
int twice(int number);
int library_data = 100;
int* pointer_into_main = &in_main;
int (*function_of_main)(int) = twice;

__attribute__((constructor)) static void construct(void) {
  puts("library is constructed");
}

char* describe(const char* what, int number) {
  char* text = malloc(100);
  snprintf(text, 100, "%s %d %d %d", what, function_of_main(number), *pointer_into_main, library_data);
  fprintf(stdout, "printed by the library\n");
  return text;
}

int open_nothing(void) {
  return open("/nothing/at/all", O_RDONLY);
}

int compare(const void* left, const void* right) {
  return *(const int*)left - *(const int*)right;
}
