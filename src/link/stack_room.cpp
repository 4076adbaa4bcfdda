#include "link/stack_room.h"

#include <algorithm>

#include "link/placement.h"

namespace tenon::link {

uint64_t stack_size_for(std::span<const Needs> libraries, std::optional<uint64_t> own, bool is_first) {
  constexpr uint64_t kAlignment = 16;
  constexpr uint64_t kGap = 1024;
  const uint64_t kept = std::max(own.value_or(0), kMinimumStack);
  return bytes_for(libraries) + (kept + kAlignment - 1) / kAlignment * kAlignment + (is_first ? kGap : 0);
}

}  // namespace tenon::link
