#include <stdio.h>
#include <stdlib.h>

static void last(void) {
  puts("last");
}

static void traps(void) {
  puts("traps");
  __builtin_trap();
}

static void exits(void) {
  puts("exits");
  exit(9);
}

static void first(void) {
  puts("first");
}

void start(int which) {
  atexit(last);
  atexit(which == 0 ? traps : exits);
  atexit(first);
}
