// Numbers on the command line: sizes in bytes, and values of the guest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/abi.h"
#include "base/result.h"
#include "wasm/types.h"

namespace tenon::cli {

/// "4096", "64K", "16M", "2G": bytes; the letters are powers of 1024. Errors: usage, which begins with `option`.
[[nodiscard]] Result<uint64_t> parse_size(std::string_view option, std::string_view text);

/// Appends an argument for a parameter of type `type`: integers in decimal or with 0x, signed or unsigned; floating
/// point as in C, with inf and nan; a v128 as up to 32 hexadecimal digits with 0x, its last lanes first; "null" for
/// references. Errors: usage, which says what is accepted.
[[nodiscard]] Result<> parse_value(wasm::ValueType type, const std::string& text, std::vector<abi::Cell>& cells);

/// The same the other way, integers signed, floating point so short that it reads back the same, all 32 digits of a
/// v128. `cells`: the value's.
[[nodiscard]] std::string format_value(wasm::ValueType type, const abi::Cell* cells);

}  // namespace tenon::cli
