#include <stdlib.h>

__attribute__((export_name("handle"))) int handle(int number) {
  switch (number) {
    case 3:  // as requests do
      __builtin_trap();
    case 5:
      for (;;) {
      }
    case 7: {
      void* volatile block = malloc(64 << 20);
      return block == NULL ? -1 : 1;
    }
    default:
      return number * number;
  }
}

int main(void) {
  return 0;
}
