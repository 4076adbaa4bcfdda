// Loops over linear memory are compiled into copies without checks: whatever the loops are, that must not be seen. The
// input is where the choices of tests/unit/compiler/loop_writer.h come from.
#include <cstdio>
#include <cstdlib>

#include "unit/compiler/loop_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tenon::abi::BoundsChecks;
  uint64_t state = 0;
  for (size_t n = 0; n < size; ++n) {
    state = (state ^ data[n]) * 0x100000001b3;
  }
  // Not the bytes one by one: what a mutation of those changes is mostly the meaning of all that follow.
  const auto below = [&](uint32_t count) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>((state >> 33) % count);
  };
  constexpr uint32_t kFunctions = 20;
  constexpr uint32_t kInputs = 40;
  const auto checks = below(3) == 0 ? BoundsChecks::explicit_checks : BoundsChecks::guard_pages;
  if (const auto difference = tenon::compiler::testing::difference_of_loops(below, kFunctions, kInputs, checks)) {
    std::fprintf(stderr, "%s\n", difference->c_str());
    abort();
  }
  return 0;
}
