// WebAssembly values as wast2json writes them: numbers as the decimal of their bits, references as "null" or a number,
// a v128 as a list of numbers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "abi/abi.h"
#include "base/result.h"
#include "wasm/types.h"

namespace tenon::spectest {

/// Appends the argument that `value` describes. Errors: usage, for a type or text that is not understood.
[[nodiscard]] Result<> parse_value(const nlohmann::json& value, std::vector<abi::Cell>& cells);

/// Whether the cells at `actual`, of type `type`, are what `expected` describes: NaN patterns, references that are any
/// or null.
[[nodiscard]] Result<bool> matches(const nlohmann::json& expected, wasm::ValueType type, const abi::Cell* actual);

/// For people: "i32 7", "f64 0x7ff8000000000000 (nan)".
[[nodiscard]] std::string describe(wasm::ValueType type, const abi::Cell* value);
[[nodiscard]] std::string describe(const nlohmann::json& expected);

}  // namespace tenon::spectest
