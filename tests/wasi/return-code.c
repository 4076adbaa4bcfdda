// What main returns is the exit code.
// run:
// expect: exit 3
#include "check.h"

int main(void) {
  ok("main");
  return 3;
}
