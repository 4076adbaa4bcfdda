#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    printf("%s ", arguments[i]);
  }
  printf("%s\n", getenv("GREETING") ? getenv("GREETING") : "no greeting");
  char* block = malloc(1 << 20);
  memset(block, 1, 1 << 20);
  free(block);
  return 9;
}
