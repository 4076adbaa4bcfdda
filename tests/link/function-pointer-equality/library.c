#include <string.h>

typedef int function(int);

function in_main, in_first, in_second;

int DEFINE(int number) {
  return number + VALUE;
}

static function* pointers[3] = {in_main, in_first};

// Half of them from data, half from code.
function** GETTER(void) {
  pointers[2] = in_second;
  return pointers;
}

#ifdef STRLEN
void* strlen_of_first(void) {
  return (void*)strlen;
}
#endif
