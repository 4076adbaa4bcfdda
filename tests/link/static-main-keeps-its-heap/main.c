#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned char pattern[100000];
int pattern_is_whole(void);

int main(void) {
  enum { count = 200, size = 50000 };
  static unsigned char* blocks[count];
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(size);
    memset(blocks[i], i, size);
  }
  int damaged = 0;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < size; ++j) {
      damaged += blocks[i][j] != (unsigned char)i;
    }
  }
  printf("%d bytes damaged, library's data %s\n", damaged, pattern_is_whole() ? "whole" : "damaged");
  return 0;
}
