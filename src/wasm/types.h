// Value, function, table, memory, global and tag types (specification 2.3).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tenon::wasm {

/// A value type, by its byte in the binary format. `bottom` is the validator's type of unreachable operands.
enum class ValueType : uint8_t {
  i32 = 0x7f,
  i64 = 0x7e,
  f32 = 0x7d,
  f64 = 0x7c,
  v128 = 0x7b,
  funcref = 0x70,
  externref = 0x6f,
  bottom = 0x00,
};

[[nodiscard]] constexpr bool is_reference(ValueType type) {
  return type == ValueType::funcref || type == ValueType::externref;
}

/// Whether `byte` encodes a value type that this build implements.
[[nodiscard]] constexpr bool is_value_type(uint8_t byte) {
  return (byte >= 0x7b && byte <= 0x7f) || byte == 0x70 || byte == 0x6f;
}

/// The proposal that gives `byte` a meaning where a type is expected, when this build does not implement it; else null.
[[nodiscard]] const char* proposal_of_type(uint8_t byte);

/// "i32", "funcref", ... as in the text format.
[[nodiscard]] const char* to_string(ValueType type);

struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;

  bool operator==(const FunctionType&) const = default;
};

/// "(i32, i32) -> i64", for people.
[[nodiscard]] std::string to_string(const FunctionType& type);

/// A function type that is equal to another one exactly when the pointers are equal, over the whole process: so that a
/// type check of an indirect call is one comparison. Kept alive by those who hold the reference.
using TypeReference = std::shared_ptr<const FunctionType>;

/// The one TypeReference for `type`. Thread-safe.
[[nodiscard]] TypeReference intern(FunctionType type);
/// The same; nothing is copied when the type is there.
[[nodiscard]] TypeReference intern(std::span<const ValueType> parameters, std::span<const ValueType> results);

/// Sizes in pages or elements. `maximum` is absent when the module gives none.
struct Limits {
  uint64_t minimum = 0;
  std::optional<uint64_t> maximum;

  bool operator==(const Limits&) const = default;
};

struct TableType {
  ValueType element = ValueType::funcref;
  Limits limits;  ///< elements
};

struct MemoryType {
  Limits limits;  ///< pages of 64 KiB
  bool shared = false;
};

struct GlobalType {
  ValueType type = ValueType::i32;
  bool is_mutable = false;

  bool operator==(const GlobalType&) const = default;
};

constexpr uint64_t kPageSize = 65536;
constexpr uint64_t kMaximumPages32 = 65536;

}  // namespace tenon::wasm
