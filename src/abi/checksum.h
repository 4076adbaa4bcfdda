// A fast hash of the parts of an image that the runtime reads at every start. It finds files that were truncated,
// overwritten or half written; who may write to the cache may also write a checksum that fits.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace tenon::abi {

namespace checksum_detail {

constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;

[[nodiscard]] inline uint64_t mix(uint64_t state, uint64_t word) {
  const auto product = static_cast<unsigned __int128>(state ^ word) * kMultiplier;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ (word << 1);
}

[[nodiscard]] inline uint64_t word_at(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace checksum_detail

/// Of `bytes`, and of what `before` is the checksum of. Several gigabytes a second: four lanes, so that the
/// multiplications overlap.
[[nodiscard]] inline uint64_t checksum(std::span<const uint8_t> bytes, uint64_t before = 0) {
  using namespace checksum_detail;
  constexpr size_t kStride = 4 * sizeof(uint64_t);
  uint64_t lanes[4] = {before ^ 0x243f6a8885a308d3, before ^ 0x13198a2e03707344, before ^ 0xa4093822299f31d0,
                       before ^ 0x082efa98ec4e6c89};
  const uint8_t* next = bytes.data();
  size_t left = bytes.size();
  for (; left >= kStride; left -= kStride, next += kStride) {
    for (size_t lane = 0; lane != 4; ++lane) {
      lanes[lane] = mix(lanes[lane], word_at(next + lane * sizeof(uint64_t)));
    }
  }
  uint8_t tail[kStride] = {};
  if (left != 0) {
    std::memcpy(tail, next, left);
  }
  uint64_t result = mix(before, bytes.size());
  for (size_t lane = 0; lane != 4; ++lane) {
    result = mix(result, mix(lanes[lane], word_at(tail + lane * sizeof(uint64_t))));
  }
  return result;
}

}  // namespace tenon::abi
