// What throwing an int and catching it costs: thrown by a function of another library that is called directly, and
// through ten frames, of this module and the library in turn. Prints nanoseconds for each, the fastest of many turns,
// as in caller.c.
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "libthrow.h"

namespace {

constexpr int turns = 40;
constexpr int rounds = 500;
constexpr int depth = 10;

int step(int left, int value);
int step_with_witness(int left, int value);

[[gnu::noinline]] int step(int left, int value) {
  return left == 0 ? throw_odd(value) : pass_on(left - 1, value, step) + 1;
}

[[gnu::noinline]] int step_with_witness(int left, int value) {
  Witness witness{&witnesses};
  return left == 0 ? throw_odd(value) : pass_on_with_witness(left - 1, value, step_with_witness) + 1;
}

unsigned near(int value) {
  try {
    return static_cast<unsigned>(throw_odd(value));
  } catch (int thrown) {
    return static_cast<unsigned>(thrown) * 3;
  }
}

unsigned far(int value) {
  try {
    return static_cast<unsigned>(pass_on(depth, value, step));
  } catch (int thrown) {
    return static_cast<unsigned>(thrown) * 3;
  }
}

unsigned cleanup(int value) {
  try {
    return static_cast<unsigned>(pass_on_with_witness(depth, value, step_with_witness));
  } catch (int thrown) {
    return static_cast<unsigned>(thrown) * 3;
  }
}

struct {
  const char* name;
  unsigned (*run)(int value);
  double fastest = 0;
} whats[] = {{"near", near}, {"far", far}, {"cleanup", cleanup}};

double nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

int main() {
  unsigned check = 0;
  for (int turn = 0; turn < turns; turn++) {
    for (auto& what : whats) {
      check = check * 31 + what.run(2 * turn);  // throws nothing
      const double start = nanoseconds();
      for (int i = 0; i < rounds; i++) {
        check = check * 31 + what.run(2 * i + 1);
      }
      const double taken = (nanoseconds() - start) / rounds;
      if (turn == 0 || taken < what.fastest) {
        what.fastest = taken;
      }
    }
  }
  for (const auto& what : whats) {
    printf("%s %f\n", what.name, what.fastest);
  }
  printf("check %u\n", check + static_cast<unsigned>(witnesses));
}
