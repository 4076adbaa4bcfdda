#include <stdint.h>

static _Thread_local struct {
  int value;
  char rest[5000];
} page __attribute__((aligned(4096))) = {4096};

int page_is_right(void) {
  for (int i = 0; i < 5000; ++i) {
    if (page.rest[i] != 0) {
      return 0;
    }
  }
  page.rest[4999] = 1;
  const int is_right = page.value == 4096 && (uintptr_t)&page % 4096 == 0;
  page.rest[4999] = 0;
  return is_right;
}
