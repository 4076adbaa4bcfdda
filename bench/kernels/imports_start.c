// Imports many functions and calls one: what is measured is the start and the end of the process.
#include "imports_calls.h"
#include "mini.h"

static volatile int all;

PROGRAM {
  all = all ? call_all(1) : many_library_function_7(1);
  PROGRAM_END;
}
