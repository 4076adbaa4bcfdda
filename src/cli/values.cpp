#include "cli/values.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace tenon::cli {

namespace {

using wasm::ValueType;

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint64_t number = 0;
  const char* const end = text.end();
  const auto [stopped, error] = std::from_chars(text.begin(), end, number, base);
  return error == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

/// The two's complement bits of an integer of `width` bits, given signed or unsigned.
std::optional<uint64_t> parse_integer(std::string_view text, unsigned width) {
  const bool negative = text.starts_with('-');
  const auto magnitude = parse_unsigned(negative ? text.substr(1) : text);
  const uint64_t most = UINT64_MAX >> (64 - width);
  if (!magnitude || *magnitude > (negative ? most / 2 + 1 : most)) {
    return std::nullopt;
  }
  return negative ? (0 - *magnitude) & most : *magnitude;
}

std::optional<abi::V128> parse_vector(std::string_view text) {
  constexpr size_t kDigits = 16;  // of each half
  if (!text.starts_with("0x") || text.size() == 2 || text.size() > 2 + 2 * kDigits) {
    return std::nullopt;
  }
  text.remove_prefix(2);
  const size_t split = text.size() > kDigits ? text.size() - kDigits : 0;
  const auto low = parse_unsigned("0x" + std::string(text.substr(split)));
  const auto high = split == 0 ? 0 : parse_unsigned("0x" + std::string(text.substr(0, split)));
  return low && high ? std::optional(abi::V128{*low, *high}) : std::nullopt;
}

template <class T>
std::optional<T> parse_float(const std::string& text, T (*convert)(const char*, char**)) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    return std::nullopt;
  }
  char* end = nullptr;
  const T number = convert(text.c_str(), &end);
  return end == text.c_str() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<uint64_t> parse_size(std::string_view option, std::string_view text) {
  unsigned shift = 0;
  std::string_view digits = text;
  if (!digits.empty()) {
    switch (digits.back()) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
  }
  if (shift != 0) {
    digits.remove_suffix(1);
  }
  const auto number = parse_unsigned(digits);
  if (!number || *number > UINT64_MAX >> shift) {
    return fail(ErrorKind::usage,
                "{} takes a number of bytes, or one with K, M or G for powers of 1024, such as 64M; not `{}`", option,
                text);
  }
  return *number << shift;
}

Result<> parse_value(ValueType type, const std::string& text, std::vector<abi::Cell>& cells) {
  abi::Cell cell{};
  const char* accepted;
  bool ok = false;
  switch (type) {
    case ValueType::i32:
    case ValueType::i64: {
      accepted = "an integer that fits, in decimal or with 0x";
      const auto bits = parse_integer(text, type == ValueType::i32 ? 32 : 64);
      ok = bits.has_value();
      cell.u64 = bits.value_or(0);
      break;
    }
    case ValueType::f32: {
      accepted = "a number, inf or nan";
      const auto number = parse_float(text, std::strtof);
      ok = number.has_value();
      cell.f32 = number.value_or(0);
      break;
    }
    case ValueType::f64: {
      accepted = "a number, inf or nan";
      const auto number = parse_float(text, std::strtod);
      ok = number.has_value();
      cell.f64 = number.value_or(0);
      break;
    }
    case ValueType::v128: {
      accepted = "0x and up to 32 hexadecimal digits";
      const auto vector = parse_vector(text);
      ok = vector.has_value();
      cells.push_back({.u64 = vector.value_or(abi::V128{}).low});
      cell.u64 = vector.value_or(abi::V128{}).high;
      break;
    }
    default:
      accepted = "only `null`";
      ok = text == "null";
      break;
  }
  if (!ok) {
    return fail(ErrorKind::usage, "a parameter of type {} takes {}, not `{}`", to_string(type), accepted, text);
  }
  cells.push_back(cell);
  return {};
}

std::string format_value(ValueType type, const abi::Cell* cells) {
  const abi::Cell value = *cells;
  switch (type) {
    case ValueType::v128:
      return fmt::format("0x{:016x}{:016x}", cells[1].u64, cells[0].u64);
    case ValueType::i32:
      return fmt::format("{}", value.i32);
    case ValueType::i64:
      return fmt::format("{}", value.i64);
    case ValueType::f32:
      return fmt::format("{}", value.f32);
    case ValueType::f64:
      return fmt::format("{}", value.f64);
    default:
      return value.bits == 0 ? "null" : to_string(type);
  }
}

}  // namespace tenon::cli
