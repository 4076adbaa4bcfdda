#include <string.h>

unsigned char library_data[1000000];

void fill(void* block, size_t size, unsigned char value) {
  memset(block, value, size);
}
