#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int grow_memory(int pages);
int grow_table(int slots);
int call_slot(int slot);
int table_size(void);

static int seven(void) {
  return 7;
}

int main(void) {
  char* before = malloc(1000);
  strcpy(before, "still here");
  const int pages = grow_memory(100);
  const char* fresh = (char*)((uintptr_t)pages * 65536);
  int nonzero = 0;
  for (int i = 0; i < 100 * 65536; ++i) {
    nonzero += fresh[i] != 0;
  }
  printf("%s, %d of the new bytes are not zero\n", before, nonzero);
  printf("%d new pages\n", (int)__builtin_wasm_memory_size(0) - pages);
  char* after = malloc(10 << 20);
  memset(after, 1, 10 << 20);
  printf("%s, malloc goes on\n", before);

  const int slot = grow_table(5000);
  printf("%d new slots, ", table_size() - slot);
  printf("%d %d\n", call_slot(slot), call_slot(slot + 4999));
  int (*volatile pointer)(void) = seven;
  printf("%d\n", pointer());
  return 0;
}
