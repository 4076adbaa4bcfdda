#include "value.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace tenon::spectest {

namespace {

using nlohmann::json;
using wasm::ValueType;

std::optional<ValueType> parse_type(std::string_view name) {
  for (const ValueType type : {ValueType::i32, ValueType::i64, ValueType::f32, ValueType::f64, ValueType::v128,
                               ValueType::funcref, ValueType::externref}) {
    if (name == wasm::to_string(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> parse_bits(std::string_view text) {
  uint64_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return bits;
}

/// A host reference with the script's number: never null.
void* host_reference(uint64_t number) {
  return reinterpret_cast<void*>(number + 1);
}

// NaN patterns. Canonical: the quiet bit and nothing else in the fraction; arithmetic: at least the quiet bit.
bool matches_nan(std::string_view pattern, uint32_t bits) {
  return (bits & 0x7fffffff) == 0x7fc00000 || (pattern == "nan:arithmetic" && (bits & 0x7fc00000) == 0x7fc00000);
}
bool matches_nan(std::string_view pattern, uint64_t bits) {
  return (bits & 0x7fffffffffffffff) == 0x7ff8000000000000 ||
         (pattern == "nan:arithmetic" && (bits & 0x7ff8000000000000) == 0x7ff8000000000000);
}

/// How many bits a lane of a script's v128 has; 0: that type is not known.
unsigned lane_bits(std::string_view type) {
  unsigned bits = 0;
  std::from_chars(type.data() + 1, type.data() + type.size(), bits);
  return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? bits : 0;
}

/// Lane `index` of the v128 in `cells`.
uint64_t lane_of(const abi::Cell* cells, size_t index, unsigned bits) {
  const size_t in_cell = 64 / bits;
  return cells[index / in_cell].u64 >> (index % in_cell * bits) & UINT64_MAX >> (64 - bits);
}

Result<> parse_vector(const json& value, std::vector<abi::Cell>& cells) {
  const auto bits = lane_bits(value.at("lane_type").get_ref<const std::string&>());
  std::array<uint64_t, 2> halves{};
  size_t index = 0;
  for (const json& lane : value.at("value")) {
    const auto number = parse_bits(lane.get_ref<const std::string&>());
    if (!number || bits == 0 || index >= 128 / bits) {
      return fail(ErrorKind::usage, "cannot make a value of {}", value.dump());
    }
    halves[index * bits / 64] |= (*number & UINT64_MAX >> (64 - bits)) << (index * bits % 64);
    ++index;
  }
  cells.push_back({.u64 = halves[0]});
  cells.push_back({.u64 = halves[1]});
  return {};
}

Result<bool> matches_vector(const json& expected, const abi::Cell* actual) {
  const auto bits = lane_bits(expected.at("lane_type").get_ref<const std::string&>());
  const json& lanes = expected.at("value");
  if (bits == 0 || lanes.size() != 128 / bits) {
    return fail(ErrorKind::usage, "cannot compare with {}", expected.dump());
  }
  for (size_t index = 0; index < lanes.size(); ++index) {
    const auto& text = lanes[index].get_ref<const std::string&>();
    const uint64_t lane = lane_of(actual, index, bits);
    bool equal = false;
    if (text.starts_with("nan:")) {
      equal = bits == 32 ? matches_nan(text, static_cast<uint32_t>(lane)) : matches_nan(text, lane);
    } else if (const auto number = parse_bits(text)) {
      equal = (*number & UINT64_MAX >> (64 - bits)) == lane;
    }
    if (!equal) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<> parse_value(const json& value, std::vector<abi::Cell>& cells) {
  const auto type = parse_type(value.at("type").get_ref<const std::string&>());
  if (type == ValueType::v128) {
    return parse_vector(value, cells);
  }
  const auto text = value.value("value", std::string());
  if (!type) {
    return fail(ErrorKind::usage, "cannot make a value of {}", value.dump());
  }
  abi::Cell& cell = cells.emplace_back();
  if (wasm::is_reference(*type) && text == "null") {
    return {};
  }
  const auto bits = parse_bits(text);
  if (!bits || *type == ValueType::funcref) {
    return fail(ErrorKind::usage, "cannot make a value of {}", value.dump());
  }
  if (*type == ValueType::externref) {
    cell.pointer = host_reference(*bits);
  } else {
    cell.u64 = *bits;
  }
  return {};
}

Result<bool> matches(const json& expected, ValueType type, const abi::Cell* cells) {
  const auto expected_type = parse_type(expected.at("type").get_ref<const std::string&>());
  if (!expected_type) {
    return fail(ErrorKind::usage, "cannot compare with {}", expected.dump());
  }
  if (*expected_type != type) {
    return false;
  }
  if (type == ValueType::v128) {
    return matches_vector(expected, cells);
  }
  const abi::Cell actual = *cells;
  const auto text = expected.value("value", std::string());
  const bool is_nan = text.starts_with("nan:");
  const auto bits = parse_bits(text);
  switch (type) {
    case ValueType::i32:
      return bits && *bits == actual.u32;
    case ValueType::i64:
      return bits && *bits == actual.u64;
    case ValueType::f32:
      return is_nan ? matches_nan(text, actual.u32) : bits && *bits == actual.u32;
    case ValueType::f64:
      return is_nan ? matches_nan(text, actual.u64) : bits && *bits == actual.u64;
    case ValueType::funcref:
      return text == "null" ? actual.function == nullptr : actual.function != nullptr;
    case ValueType::externref:
      if (text == "null") {
        return actual.pointer == nullptr;
      }
      return bits ? actual.pointer == host_reference(*bits) : actual.pointer != nullptr;
    default:
      return false;
  }
}

std::string describe(ValueType type, const abi::Cell* cells) {
  const char* const name = wasm::to_string(type);
  const abi::Cell value = *cells;
  switch (type) {
    case ValueType::v128:
      return fmt::format("{} {:#018x} {:#018x}", name, cells[0].u64, cells[1].u64);
    case ValueType::i32:
      return fmt::format("{} {}", name, value.u32);
    case ValueType::i64:
      return fmt::format("{} {}", name, value.u64);
    case ValueType::f32:
      return fmt::format("{} {} (bits {:#x})", name, value.f32, value.u32);
    case ValueType::f64:
      return fmt::format("{} {} (bits {:#x})", name, value.f64, value.u64);
    default:
      return value.bits == 0 ? fmt::format("{} null", name) : fmt::format("{} {:#x}", name, value.bits);
  }
}

std::string describe(const json& expected) {
  if (expected.is_array()) {
    std::string text;
    for (const json& value : expected) {
      text += (text.empty() ? "" : ", ") + describe(value);
    }
    return text.empty() ? "nothing" : text;
  }
  const auto type_name = expected.value("type", std::string());
  if (type_name == wasm::to_string(ValueType::v128)) {
    return fmt::format("{} {} {}", type_name, expected.value("lane_type", std::string()), expected.at("value").dump());
  }
  const auto text = expected.value("value", std::string());
  const auto type = parse_type(type_name);
  const auto bits = parse_bits(text);
  if (type && bits && !wasm::is_reference(*type)) {
    const abi::Cell cell{.u64 = *bits};
    return describe(*type, &cell);
  }
  return text.empty() ? type_name + " of any value" : type_name + " " + text;
}

}  // namespace tenon::spectest
