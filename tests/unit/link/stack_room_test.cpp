#include "link/stack_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tenon::link {
namespace {

Needs needs(uint64_t size, uint32_t alignment) {
  return {.name = "lib", .memory_size = size, .memory_alignment = alignment};
}

TEST(StackRoom, NothingNeedsNone) {
  EXPECT_EQ(stack_room({}), 0);
  EXPECT_EQ(stack_room(std::vector{needs(0, 0), needs(0, 4)}), 0);
}

TEST(StackRoom, SizesAreRoundedUpTo16) {
  EXPECT_EQ(stack_room(std::vector{needs(1, 0), needs(16, 4), needs(17, 2)}), 16 + 16 + 32);
}

TEST(StackRoom, EnoughForEveryOrderGroupingAndStart) {
  std::vector<Needs> libraries = {needs(1, 0), needs(100, 6), needs(33, 4), needs(7, 12)};
  const auto order = [](const Needs& a, const Needs& b) { return a.memory_size < b.memory_size; };
  std::ranges::sort(libraries, order);
  const uint64_t room = stack_room(libraries);
  const auto align = [](uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; };
  do {
    // Each bit of `groups`: whether a group ends behind the library of that number.
    for (uint32_t groups = 0; groups < 16; ++groups) {
      for (uint64_t start = 1024; start < 1024 + 8192; start += 16) {
        uint64_t next = start;
        for (size_t first = 0; first < libraries.size();) {
          size_t last = first;
          while (last + 1 < libraries.size() && (groups >> last & 1) == 0) {
            ++last;
          }
          for (; first <= last; ++first) {
            next = align(next, uint64_t{1} << libraries[first].memory_alignment) + libraries[first].memory_size;
          }
          next = align(next, 16);
        }
        ASSERT_LE(next - start, room);
      }
    }
  } while (std::ranges::next_permutation(libraries, order).found);
}

TEST(StackRoom, TheProgramKeepsItsStack) {
  EXPECT_EQ(stack_size_for(160, std::nullopt, false), 65536 + 160);
  EXPECT_EQ(stack_size_for(160, 1000, false), 65536 + 160);
  EXPECT_EQ(stack_size_for(160, 1 << 20, false), (1 << 20) + 160);
  EXPECT_EQ(stack_size_for(1, 65537, false), 65552 + 16);
}

TEST(StackRoom, NothingIsAtAddressZero) {
  EXPECT_EQ(stack_size_for(160, std::nullopt, true), 65536 + 160 + 1024);
}

}  // namespace
}  // namespace tenon::link
