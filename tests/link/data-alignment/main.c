#include <stdint.h>
#include <stdio.h>

extern char page[4096], wide_page[65536], between;
extern char main_page[];
_Alignas(4096) char main_page[10];

int main(void) {
  printf("%d %d %d\n", (int)((uintptr_t)page % 4096), (int)((uintptr_t)wide_page % 65536),
         (int)((uintptr_t)main_page % 4096));
  page[0] = page[4095] = 1;
  wide_page[0] = wide_page[65535] = 2;
  main_page[9] = 3;
  printf("%d %d %d %d\n", page[4095], wide_page[65535], between, main_page[9]);
  return 0;
}
