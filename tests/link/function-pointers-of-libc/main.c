#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef size_t length(const char*);
extern length* const length_in_data;
int apply(int (*convert)(int), char* text);

int (*const converters[])(int) = {toupper, tolower};

int main(void) {
  char text[] = "Hello";
  int changed = apply(converters[0], text);
  printf("%s %d ", text, changed);
  changed = apply(converters[1], text);
  printf("%s %d %zu\n", text, changed, length_in_data(text));
  void* (*allocate)(size_t) = malloc;
  void (*release)(void*) = free;
  char* block = allocate(10);
  strcpy(block, "heap");
  puts(block);
  release(block);
  return 0;
}
