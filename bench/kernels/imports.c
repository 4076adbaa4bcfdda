// What the first call through an import costs, and later ones. Prints picoseconds per call, the first time each of many
// functions is called and the fastest of many times after; and what the functions computed. Both sides have run before,
// so that what code costs when it runs for the first time is not counted.
#include "imports_calls.h"
#include "mini.h"

enum { later_passes = 400 };

PROGRAM {
  int result = many_library_warm(1);
  volatile int nothing = -2147483647 - 1;
  nothing = call_all(nothing);
  uint64_t start = nanoseconds();
  result = call_all(result);
  uint64_t first = nanoseconds() - start;
  uint64_t fastest = first;
  for (int pass = 0; pass < later_passes; pass++) {
    start = nanoseconds();
    result = call_all(result);
    uint64_t taken = nanoseconds() - start;
    if (taken < fastest) {
      fastest = taken;
    }
  }
  print_value("first", first * 1000 / call_count);
  print_value("later", fastest * 1000 / call_count);
  print_value("check", (uint32_t)result);
  PROGRAM_END;
}
