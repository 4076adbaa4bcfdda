#include "link/stack_room.h"

#include <algorithm>

namespace tenon::link {

namespace {

constexpr uint64_t kAlignment = 16;
constexpr uint64_t kLeastStack = uint64_t{64} << 10;
constexpr uint64_t kGap = 1024;

uint64_t round_up(uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

uint64_t stack_room(std::span<const Needs> libraries) {
  uint64_t room = 0;
  for (const Needs& one : libraries) {
    const uint64_t alignment = uint64_t{1} << one.memory_alignment;
    room += round_up(one.memory_size);
    if (alignment > kAlignment) {
      // Once in front of it, and once in front of the group that it is opened with, which starts as aligned.
      room += 2 * (alignment - kAlignment);
    }
  }
  return room;
}

uint64_t stack_size_for(uint64_t room, std::optional<uint64_t> own, bool is_first) {
  return round_up(room) + round_up(std::max(own.value_or(0), kLeastStack)) + (is_first ? kGap : 0);
}

}  // namespace tenon::link
