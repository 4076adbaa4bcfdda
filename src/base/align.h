// Rounding up to powers of two.
#pragma once

#include <cstdint>

namespace tenon::base {

/// The lowest multiple of 2^`exponent` that is not below `value`, which is so far from the end that there is one.
[[nodiscard]] constexpr uint64_t align(uint64_t value, uint32_t exponent) {
  const uint64_t mask = (uint64_t{1} << exponent) - 1;
  return (value + mask) & ~mask;
}

}  // namespace tenon::base
