// Random bytes differ.
// run:
#include <unistd.h>

#include "check.h"

int main(void) {
  unsigned char a[256];
  unsigned char b[256];
  memset(a, 0, sizeof(a));
  memset(b, 0, sizeof(b));
  CHECK(getentropy(a, sizeof(a)) == 0);
  CHECK(getentropy(b, sizeof(b)) == 0);
  CHECK(memcmp(a, b, sizeof(a)) != 0);
  int different = 0;
  for (size_t i = 1; i < sizeof(a); ++i) {
    different += a[i] != a[0];
  }
  CHECK(different > 100);
  ok("random");
  return 0;
}
