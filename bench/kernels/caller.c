// What a call or a variable of another library costs. Prints, for each loop of caller_impl.h, picoseconds per round;
// and `check`, made of what all of them returned.
//
// The loops take turns, many short ones each, and the fastest of each counts: what the machine does besides makes a
// loop slower, never faster, and does not stay away from all turns of one loop.
#include "caller_impl.h"
#include "mini.h"

enum { turns = 80, rounds = 250000 };

static const struct {
  const char* name;
  int (*run)(int);
} loops[] = {
    {"empty", loop_empty},
    {"local", loop_local},
    {"import", loop_import},
    {"pointer_local", loop_pointer_local},
    {"pointer_import", loop_pointer_import},
    {"pointer_got", loop_pointer_got},
    {"data_none", loop_data_none},
    {"data_local", loop_data_local},
    {"data_imported", loop_data_imported},
};
enum { loop_count = sizeof loops / sizeof *loops };

PROGRAM {
  uint64_t fastest[loop_count];
  uint32_t check = 0;
  for (int turn = 0; turn < turns; turn++) {
    for (int i = 0; i < loop_count; i++) {
      uint64_t start = nanoseconds();
      int result = loops[i].run(rounds);
      uint64_t taken = nanoseconds() - start;
      check = check * 31 + (uint32_t)result;
      if (turn == 0 || taken < fastest[i]) {
        fastest[i] = taken;
      }
    }
  }
  for (int i = 0; i < loop_count; i++) {
    print_value(loops[i].name, fastest[i] * 1000 / rounds);
  }
  print_value("check", check);
  PROGRAM_END;
}
