// WebAssembly's types and values, as an embedder meets them.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "tenon/export.h"

namespace tenon {

/// By its byte in the binary format (specification 5.3).
enum class ValueType : uint8_t {
  i32 = 0x7f,
  i64 = 0x7e,
  f32 = 0x7d,
  f64 = 0x7c,
  v128 = 0x7b,
  funcref = 0x70,
  externref = 0x6f
};

struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;

  bool operator==(const FunctionType&) const = default;
};

/// "i32" and so on; "(i32, i64) -> f64".
[[nodiscard]] TENON_API std::string to_string(ValueType type);
[[nodiscard]] TENON_API std::string to_string(const FunctionType& type);

/// C++ types that stand for a number of WebAssembly's: integers and enumerations of up to 32 bits for i32, of 64 for
/// i64, float for f32, double for f64. A guest's pointer is an unsigned number of 32 bits.
template <class T>
concept Number = std::same_as<T, float> || std::same_as<T, double> ||
                 ((std::integral<T> || std::is_enum_v<T>) && sizeof(T) <= sizeof(uint64_t));

template <Number T>
[[nodiscard]] constexpr ValueType value_type() {
  if constexpr (std::same_as<T, float>) {
    return ValueType::f32;
  } else if constexpr (std::same_as<T, double>) {
    return ValueType::f64;
  } else {
    return sizeof(T) == sizeof(uint64_t) ? ValueType::i64 : ValueType::i32;
  }
}

/// A number with its type, for calls whose types are known only when the host runs.
class Value {
 public:
  template <Number T>
  Value(T number) : type_(value_type<T>()), bits_(to_bits(number)) {}  // NOLINT(google-explicit-constructor)
  /// `bits`: of a float or double as in memory; of an i32 the lower half counts.
  Value(ValueType type, uint64_t bits) : type_(type), bits_(bits) {}

  [[nodiscard]] ValueType type() const { return type_; }
  [[nodiscard]] uint64_t bits() const { return bits_; }
  /// Nothing when `T` stands for another type.
  template <Number T>
  [[nodiscard]] std::optional<T> get() const {
    return type_ == value_type<T>() ? std::optional(from_bits<T>(bits_)) : std::nullopt;
  }
  bool operator==(const Value&) const = default;

  template <Number T>
  [[nodiscard]] static uint64_t to_bits(T number) {
    if constexpr (std::same_as<T, float>) {
      return std::bit_cast<uint32_t>(number);
    } else if constexpr (std::same_as<T, double>) {
      return std::bit_cast<uint64_t>(number);
    } else if constexpr (sizeof(T) < sizeof(uint64_t)) {
      return static_cast<uint32_t>(number);
    } else {
      return static_cast<uint64_t>(number);
    }
  }
  template <Number T>
  [[nodiscard]] static T from_bits(uint64_t bits) {
    if constexpr (std::same_as<T, float>) {
      return std::bit_cast<float>(static_cast<uint32_t>(bits));
    } else if constexpr (std::same_as<T, double>) {
      return std::bit_cast<double>(bits);
    } else {
      return static_cast<T>(bits);
    }
  }

 private:
  ValueType type_;
  uint64_t bits_;
};

}  // namespace tenon
