#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char data[30000];
char* library_block(size_t size);
int damaged(void);

extern char __heap_base;
extern char __stack_low;

int main(void) {
  char* blocks[100];
  int wrong = 0;
  for (int i = 0; i < 100; ++i) {
    const size_t size = 1000 + 300 * (size_t)i;
    blocks[i] = i % 2 ? memset(malloc(size), 3, size) : library_block(size);
  }
  for (int i = 0; i < 100; ++i) {
    for (size_t j = 0; j < 1000 + 300 * (size_t)i; ++j) {
      wrong += blocks[i][j] != 3;
    }
  }
  volatile char on_stack[900000];
  memset((char*)on_stack, 4, sizeof on_stack);
  wrong += damaged();
  for (size_t i = 0; i < sizeof on_stack; ++i) {
    wrong += on_stack[i] != 4;
  }
  char* const at = data;
  printf("%d wrong, %s\n", wrong,
         at < &__stack_low + 65536 && at >= &__stack_low ? "on the stack"
         : at >= &__heap_base                            ? "behind the heap's start"
                                                         : "elsewhere");
  return 0;
}
