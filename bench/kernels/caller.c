// What a call or a variable of another library costs. Prints, for each loop of caller_impl.h, picoseconds per round.
#include "caller_impl.h"
#include "mini.h"

enum { rounds = 20000000 };

static void measure(const char* name, int (*loop)(int)) {
  loop(rounds / 50);
  uint64_t start = nanoseconds();
  volatile int result = loop(rounds);
  (void)result;
  print_value(name, (nanoseconds() - start) * 1000 / rounds);
}

PROGRAM {
  measure("empty", loop_empty);
  measure("local", loop_local);
  measure("import", loop_import);
  measure("pointer_local", loop_pointer_local);
  measure("pointer_import", loop_pointer_import);
  measure("pointer_got", loop_pointer_got);
  measure("data_none", loop_data_none);
  measure("data_local", loop_data_local);
  measure("data_imported", loop_data_imported);
  PROGRAM_END;
}
