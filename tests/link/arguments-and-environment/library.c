#include <stdlib.h>

const char* lookup(const char* name) {
  return getenv(name);
}
