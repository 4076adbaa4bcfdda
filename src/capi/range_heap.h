// A heap in a range of addresses, of the guest's memory or of the host's. What it knows of its blocks it keeps outside
// of the range: a guest writes what it likes there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/align.h"
#include "link/free_ranges.h"

namespace tenon::capi {

/// Used by one thread at a time.
class RangeHeap {
 public:
  /// [base, base + size).
  RangeHeap(uint64_t base, uint64_t size) : size_(size) { free_.give(base, size); }

  /// A block of at least `size` bytes, more than none, aligned to 8; nothing when there is no room.
  [[nodiscard]] std::optional<uint64_t> allocate(uint64_t size) {
    if (size > size_) {
      return std::nullopt;
    }
    const uint64_t rounded = base::align(std::max<uint64_t>(size, 1), kAlignment);
    const auto block = free_.take(rounded, kAlignment);
    if (block) {
      used_.emplace(*block, rounded);
      most_used_ = std::max(most_used_, size_ - free_.size());
    }
    return block;
  }

  /// False for what is no block.
  bool free(uint64_t block) {
    const auto found = used_.extract(block);
    if (found.empty()) {
      return false;
    }
    free_.give(block, found.mapped());
    return true;
  }

  /// Of a block; 0 for what is none.
  [[nodiscard]] uint64_t size_of(uint64_t block) const {
    const auto found = used_.find(block);
    return found == used_.end() ? 0 : found->second;
  }

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t free_size() const { return free_.size(); }
  [[nodiscard]] uint64_t most_used() const { return most_used_; }

 private:
  static constexpr uint32_t kAlignment = 3;  ///< exponent

  uint64_t size_;
  uint64_t most_used_ = 0;
  link::FreeRanges free_;
  std::unordered_map<uint64_t, uint64_t> used_;  ///< size by block
};

}  // namespace tenon::capi
