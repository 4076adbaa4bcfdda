#include "value.h"

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
  for (const ValueType type :
       {ValueType::i32, ValueType::i64, ValueType::f32, ValueType::f64, ValueType::funcref, ValueType::externref}) {
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

}  // namespace

Result<abi::Cell> parse_value(const json& value) {
  const auto type = parse_type(value.at("type").get_ref<const std::string&>());
  const auto text = value.value("value", std::string());
  if (!type) {
    return fail(ErrorKind::usage, "cannot make a value of {}", value.dump());
  }
  abi::Cell cell{};
  if (wasm::is_reference(*type) && text == "null") {
    return cell;
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
  return cell;
}

Result<bool> matches(const json& expected, ValueType type, abi::Cell actual) {
  const auto expected_type = parse_type(expected.at("type").get_ref<const std::string&>());
  if (!expected_type) {
    return fail(ErrorKind::usage, "cannot compare with {}", expected.dump());
  }
  if (*expected_type != type) {
    return false;
  }
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

std::string describe(ValueType type, abi::Cell value) {
  const char* const name = wasm::to_string(type);
  switch (type) {
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
  const auto text = expected.value("value", std::string());
  const auto type = parse_type(type_name);
  const auto bits = parse_bits(text);
  if (type && bits && !wasm::is_reference(*type)) {
    return describe(*type, abi::Cell{.u64 = *bits});
  }
  return text.empty() ? type_name + " of any value" : type_name + " " + text;
}

}  // namespace tenon::spectest
