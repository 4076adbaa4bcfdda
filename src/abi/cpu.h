// What a processor may have or not, as far as compiled code may depend on it: the compiler writes into an image which
// of these its code uses, the runtime compares with the host. Neither needs the other's way to find out.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "abi/image.h"

namespace tenon::abi {

/// A set of features: bit N is the feature at index N of known_features(). Those of two architectures have nothing to
/// do with each other.
using CpuFeatures = std::array<uint64_t, 4>;

/// The names of the features that a set for `architecture` can have, as LLVM spells them. New ones go to the end: the
/// positions are in images.
[[nodiscard]] std::span<const std::string_view> known_features(Architecture architecture);

/// What the host has and its kernel lets programs use. Asked for once.
[[nodiscard]] const CpuFeatures& host_cpu_features();

[[nodiscard]] constexpr bool has_feature(const CpuFeatures& features, size_t index) {
  return (features[index / 64] >> (index % 64) & 1) != 0;
}

constexpr void add_feature(CpuFeatures& features, size_t index) {
  features[index / 64] |= uint64_t{1} << (index % 64);
}

/// Whether `host` has all that `required` has.
[[nodiscard]] constexpr bool has_all(const CpuFeatures& host, const CpuFeatures& required) {
  for (size_t word = 0; word != host.size(); ++word) {
    if ((required[word] & ~host[word]) != 0) {
      return false;
    }
  }
  return true;
}

/// The names of those in `required` that `host` has not, with commas between: for messages.
[[nodiscard]] std::string missing_features(Architecture architecture, const CpuFeatures& host,
                                           const CpuFeatures& required);

}  // namespace tenon::abi
