// Addresses that are free to be given out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace tenon::link {

/// A set of address ranges; neighbors are joined. Used by one thread at a time.
class FreeRanges {
 public:
  /// Takes `size` bytes whose start is a multiple of 2^`alignment`: from the lowest range that has room. Nothing when
  /// none has.
  [[nodiscard]] std::optional<uint64_t> take(uint64_t size, uint32_t alignment);
  /// Adds [base, base + size), which is in no range yet.
  void give(uint64_t base, uint64_t size);

  /// All of it, in bytes.
  [[nodiscard]] uint64_t size() const { return size_; }
  /// Whether `address` is in a range.
  [[nodiscard]] bool contains(uint64_t address) const;
  /// The start of the range that ends at `end`, or `end` when none does.
  [[nodiscard]] uint64_t start_of_range_up_to(uint64_t end) const;

 private:
  std::map<uint64_t, uint64_t> ranges_;  ///< size by base
  uint64_t size_ = 0;
};

}  // namespace tenon::link
