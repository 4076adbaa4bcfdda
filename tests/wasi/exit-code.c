// exit() runs what atexit registered, flushes, and passes its code.
// run:
// expect: exit 42
// expect: stdout ok atexit
#include "check.h"

static void at_exit(void) {
  ok("atexit");
}

int main(void) {
  CHECK(atexit(at_exit) == 0);
  ok("main");
  exit(42);
}
