#include <string.h>

static char data[1000000] = {1};

int call(void (*function)(void)) {
  memset(data, 5, sizeof data);
  function();
  return data[7];
}
