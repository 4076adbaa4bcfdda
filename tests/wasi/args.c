// The arguments arrive, in order, with spaces and empty ones.
// run: -- arg1 "two words" "" -x --y=z
#include "check.h"

int main(int argc, char** argv) {
#ifdef __wasi__
  CHECK(argc == 6);
  CHECK(strcmp(argv[1], "arg1") == 0);
  CHECK(strcmp(argv[2], "two words") == 0);
  CHECK(strcmp(argv[3], "") == 0);
  CHECK(strcmp(argv[4], "-x") == 0);
  CHECK(strcmp(argv[5], "--y=z") == 0);
#endif
  CHECK(argv[0][0] != '\0');
  CHECK(argv[argc] == NULL);
  ok("args");
  return 0;
}
