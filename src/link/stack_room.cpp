#include "link/stack_room.h"

#include <algorithm>

#include "link/placement.h"

namespace tenon::link {

namespace {

constexpr uint64_t kAlignment = 16;

uint64_t round_up(uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

/// The most that placing `library` takes from an address that is aligned to 16.
uint64_t room_for(const Needs& library) {
  const uint64_t alignment = uint64_t{1} << library.memory_alignment;
  const uint64_t lost = alignment > kAlignment ? alignment - kAlignment : 0;
  return library.memory_size == 0 ? 0 : round_up(library.memory_size) + lost;
}

}  // namespace

uint64_t stack_size_for(std::span<const Needs> libraries, std::optional<uint64_t> own, bool is_first) {
  uint64_t size = round_up(std::max(own.value_or(0), kMinimumStack)) + (is_first ? kGap : 0);
  for (const Needs& library : libraries) {
    size += room_for(library);
  }
  return size;
}

}  // namespace tenon::link
