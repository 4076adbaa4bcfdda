#include <string.h>

static char data[1000000] = {1};

static char* fill(void) {
  return memset(data, 5, sizeof data);
}

// Calls `function`, which closes this library, and goes on with its own code and data.
int call(void (*function)(void)) {
  fill();
  function();
  int sum = 0;
  for (int i = 0; i < (int)sizeof data; ++i) {
    sum += data[i] == 5;
  }
  return sum;
}

static int depth;

// The same with several calls of the library on the stack.
int nest(int levels, void (*function)(void)) {
  if (levels == 0) {
    return call(function);
  }
  ++depth;
  return nest(levels - 1, function);
}
