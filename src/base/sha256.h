// SHA-256 (FIPS 180-4), by libmd.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/mapped_file.h"

namespace tenon::base {

using Sha256 = std::array<uint8_t, 32>;

/// Of all bytes of a file; nothing when a mapped one shrank meanwhile.
[[nodiscard]] std::optional<Sha256> sha256(const FileBytes& bytes);

/// In hexadecimal, as sha256sum(1) prints it.
[[nodiscard]] std::string to_string(const Sha256& hash);

}  // namespace tenon::base
