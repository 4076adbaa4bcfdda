// What the first call through an import costs, and later ones. Prints picoseconds per call: the first time each of many
// functions is called, and the fastest of many times that some are called after; and what they computed. Both sides
// have run before, so that what code costs when it runs for the first time is not counted.
#include "imports_calls.h"
#include "mini.h"

enum { later_turns = 400, later_rounds = 20 };

PROGRAM {
  int result = many_library_warm(1);
  volatile int nothing = -2147483647 - 1;
  nothing = call_all(nothing);
  uint64_t start = nanoseconds();
  result = call_all(result);
  uint64_t first = nanoseconds() - start;
  // Fewer functions here, which stay in the processor's caches: of the machine nothing else is to be measured.
  uint64_t fastest = 0;
  for (int turn = 0; turn < later_turns; turn++) {
    start = nanoseconds();
    for (int i = 0; i < later_rounds; i++) {
      result = call_from_0(result);
    }
    uint64_t taken = nanoseconds() - start;
    if (turn == 0 || taken < fastest) {
      fastest = taken;
    }
  }
  print_value("first", first * 1000 / call_count);
  print_value("later", fastest * 1000 / (later_rounds * piece_count));
  print_value("check", (uint32_t)result);
  PROGRAM_END;
}
