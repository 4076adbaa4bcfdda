// _Exit() ends the program from deep within, and flushes nothing.
// run:
// expect: exit 7
#include "check.h"

static void descend(int depth) {
  if (depth == 0) {
    _Exit(7);
  }
  descend(depth - 1);
  fputs("came back\n", stderr);
}

static void at_exit(void) {
  _Exit(8);
}

int main(void) {
  CHECK(atexit(at_exit) == 0);
  descend(100);
  return 9;
}
