#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char* library_copy(const char* text);
extern int preload_allocations __attribute__((weak));

int main(void) {
  char* block = malloc(100);
  strcpy(block, "main");
  char* copy = library_copy("library");
  int* zeros = calloc(10, sizeof *zeros);
  printf("%s %s %d\n", block, copy, zeros[9]);
  free(zeros);
  free(copy);
  free(block);
  printf("%s\n", &preload_allocations ? "counted" : "not counted");
  return &preload_allocations ? preload_allocations : 0;
}
