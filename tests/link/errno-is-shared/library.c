#include <errno.h>
#include <math.h>
#include <stdlib.h>

int* errno_of_library(void) {
  return &errno;
}

int fail(void) {
  strtol("99999999999999999999", 0, 10);
  return errno == ERANGE ? -1 : 0;
}
