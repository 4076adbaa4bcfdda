#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned char library_data[1000000];
void fill(void* block, size_t size, unsigned char value);
extern char end_of_main_data;
char end_of_main_data;

enum { blocks = 400, size = 256 * 1024 };
static unsigned char* block[blocks];

int main(void) {
  fill(library_data, sizeof library_data, 77);
  for (int i = 0; i < blocks; ++i) {
    block[i] = malloc(size);
    if (block[i] == 0) {
      printf("out of memory at block %d\n", i);
      return 1;
    }
    fill(block[i], size, (unsigned char)i);
  }
  int damaged = 0;
  for (int i = 0; i < blocks; ++i) {
    for (int j = 0; j < size; ++j) {
      damaged += block[i][j] != (unsigned char)i;
    }
  }
  for (unsigned i = 0; i < sizeof library_data; ++i) {
    damaged += library_data[i] != 77;
  }
  printf("%d MiB, %d bytes damaged\n", (int)((int64_t)blocks * size >> 20), damaged);
  for (int i = 0; i < blocks; ++i) {
    free(block[i]);
  }
  block[0] = malloc(50 << 20);
  printf("and again: %s\n", block[0] ? "yes" : "no");
  return 0;
}
