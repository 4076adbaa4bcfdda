#include "link/stack_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tenon::link {
namespace {

Needs needs(uint64_t size, uint32_t alignment) {
  return {.name = "lib", .memory_size = size, .memory_alignment = alignment};
}

TEST(StackSize, SizesAreRoundedUpTo16) {
  EXPECT_EQ(stack_size_for(std::vector{needs(1, 0), needs(0, 12), needs(16, 4), needs(17, 2)}, {}, false),
            65536 + 16 + 16 + 32);
}

TEST(StackSize, EnoughForEveryOrderAndStart) {
  std::vector<Needs> libraries = {needs(1, 0), needs(100, 6), needs(33, 4), needs(7, 12)};
  const auto order = [](const Needs& a, const Needs& b) { return a.memory_size < b.memory_size; };
  std::ranges::sort(libraries, order);
  const uint64_t room = stack_size_for(libraries, {}, false) - 65536;
  const auto align = [](uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; };
  do {
    for (uint64_t start = 1024; start < 1024 + 8192; start += 16) {
      uint64_t next = start;
      for (const Needs& one : libraries) {
        next = align(align(next, uint64_t{1} << one.memory_alignment) + one.memory_size, 16);
      }
      ASSERT_LE(next - start, room);
    }
  } while (std::ranges::next_permutation(libraries, order).found);
}

TEST(StackSize, TheProgramKeepsItsStack) {
  const std::vector library = {needs(160, 4)};
  EXPECT_EQ(stack_size_for(library, {}, false), 65536 + 160);
  EXPECT_EQ(stack_size_for(library, 1000, false), 65536 + 160);
  EXPECT_EQ(stack_size_for(library, 1 << 20, false), (1 << 20) + 160);
  EXPECT_EQ(stack_size_for(library, 65537, false), 65552 + 160);
}

TEST(StackSize, NothingIsAtAddressZero) {
  EXPECT_EQ(stack_size_for(std::vector{needs(160, 4)}, {}, true), 65536 + 160 + 1024);
}

}  // namespace
}  // namespace tenon::link
