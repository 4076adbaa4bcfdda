// The environment is what was given, nothing of the host's, and the program can change its own.
// run: --env A=b --env EMPTY= --env "SPACE=a b=c"
#include "check.h"

extern char** environ;

int main(void) {
#ifdef __wasi__
  CHECK(strcmp(getenv("A"), "b") == 0);
  CHECK(strcmp(getenv("EMPTY"), "") == 0);
  CHECK(strcmp(getenv("SPACE"), "a b=c") == 0);
  CHECK(getenv("PATH") == NULL);
  int count = 0;
  while (environ[count] != NULL) {
    ++count;
  }
  CHECK(count == 3);
#endif
  ok("environment");
  CHECK(setenv("A", "changed", 1) == 0);
  CHECK(strcmp(getenv("A"), "changed") == 0);
  CHECK(unsetenv("A") == 0);
  CHECK(getenv("A") == NULL);
  ok("changes");
  return 0;
}
