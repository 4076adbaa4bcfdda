#include <stdio.h>

enum { size = 16 << 20 };
extern unsigned char in_library[size];
static unsigned char in_main[size];
static unsigned char initialised[100] = {1};

static long count_nonzero(const unsigned char* data) {
  long count = 0;
  for (long i = 0; i < size; ++i) {
    count += data[i] != 0;
  }
  return count;
}

int main(void) {
  printf("%ld %ld %d\n", count_nonzero(in_main), count_nonzero(in_library), initialised[0] + initialised[99]);
  in_main[size - 1] = in_library[size - 1] = 1;
  printf("%ld %ld\n", count_nonzero(in_main), count_nonzero(in_library));
  return 0;
}
