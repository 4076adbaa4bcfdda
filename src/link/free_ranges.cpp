#include "link/free_ranges.h"

#include <iterator>

namespace tenon::link {

std::optional<uint64_t> FreeRanges::take(uint64_t size, uint32_t alignment) {
  const uint64_t mask = (uint64_t{1} << alignment) - 1;
  for (auto range = ranges_.begin(); range != ranges_.end(); ++range) {
    const uint64_t base = (range->first + mask) & ~mask;
    const uint64_t end = range->first + range->second;
    if (base > end || size > end - base) {
      continue;
    }
    const uint64_t before = base - range->first;
    if (before == 0) {
      ranges_.erase(range);
    } else {
      range->second = before;
    }
    if (base + size != end) {
      ranges_[base + size] = end - base - size;
    }
    size_ -= size;
    return base;
  }
  return std::nullopt;
}

void FreeRanges::give(uint64_t base, uint64_t size) {
  if (size == 0) {
    return;
  }
  size_ += size;
  auto next = ranges_.lower_bound(base);
  if (next != ranges_.end() && next->first == base + size) {
    size += next->second;
    next = ranges_.erase(next);
  }
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == base) {
      before->second += size;
      return;
    }
  }
  ranges_[base] = size;
}

bool FreeRanges::contains(uint64_t address) const {
  const auto next = ranges_.upper_bound(address);
  return next != ranges_.begin() && address - std::prev(next)->first < std::prev(next)->second;
}

uint64_t FreeRanges::start_of_range_up_to(uint64_t end) const {
  auto range = ranges_.lower_bound(end);
  if (range == ranges_.begin()) {
    return end;
  }
  range = std::prev(range);
  return range->first + range->second == end ? range->first : end;
}

}  // namespace tenon::link
