#include <stdlib.h>
#include <string.h>

char data[30000] = {1};

char* library_block(size_t size) {
  return memset(malloc(size), 3, size);
}

int damaged(void) {
  int count = data[0] != 1;
  for (size_t i = 1; i < sizeof data; ++i) {
    count += data[i] != 0;
  }
  return count;
}
