#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int early(int (*call)(void));
int late(int number);
void copy(char* target, int from, int size);

static int wait_for_change(void) {
  puts("ready");
  fflush(stdout);
  getchar();
  return 0;
}

static int wait_and_fail(void) {
  wait_for_change();
  __builtin_trap();
}

// In the middle of a call of the library, whose file changes meanwhile.
int main(int count, char** arguments) {
  if (strcmp(arguments[1], "trap") == 0) {
    return early(wait_and_fail);
  }
  early(wait_for_change);
  if (strcmp(arguments[1], "data") == 0) {
    char text[6] = "";
    copy(text, 0, 5);
    puts(text);
  } else {
    printf("%d\n", late(20));
  }
  return 0;
}
