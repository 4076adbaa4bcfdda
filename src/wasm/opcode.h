// The opcode table as C++: an enumerator for every row of opcodes.def, and its row.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tenon::wasm {

/// A proposal beyond the first version of WebAssembly. Modules may use those that are in `Features::kAll`.
enum class Feature : uint8_t {
  mvp,
  sign_extension,
  saturating_float_to_int,
  bulk_memory,
  reference_types,
  multi_value,
  extended_const,
  tail_calls,
  threads,
  legacy_exceptions,
  simd,
  relaxed_simd,
};

/// What follows an opcode in the binary format.
enum class Immediate : uint8_t {
  none,
  zero_byte,    ///< one byte that must be 0
  block_type,   ///< s33
  label,        ///< relative depth
  label_table,  ///< vector of depths, and the default
  function,     ///< function index
  type_table,   ///< type index, table index
  value_types,  ///< vector of value types
  local,
  global,
  table,
  tag,
  memarg8,  ///< alignment and offset; the number is the width of the access in bits
  memarg16,
  memarg32,
  memarg64,
  memarg128,
  memarg8_lane,  ///< the same, and one of the lanes of that width that a v128 has
  memarg16_lane,
  memarg32_lane,
  memarg64_lane,
  memory,         ///< memory index
  memory_memory,  ///< destination, source
  data,
  data_memory,  ///< data segment, memory
  element,
  element_table,  ///< element segment, table
  table_table,    ///< destination, source
  heap_type,      ///< of ref.null
  i32,
  i64,
  f32,
  f64,
  v128,     ///< 16 bytes
  shuffle,  ///< 16 lanes out of 32
  lane2,    ///< a lane; the number is how many there are
  lane4,
  lane8,
  lane16,
};

enum class Opcode : uint16_t {
#define OPCODE(identifier, name, prefix, code, immediates, signature, feature) identifier,
#include "wasm/opcodes.def"
#undef OPCODE
};

/// The first byte of opcodes that have more than one.
constexpr uint8_t kMiscellaneousPrefix = 0xfc;
constexpr uint8_t kVectorPrefix = 0xfd;
constexpr uint8_t kAtomicPrefix = 0xfe;

struct OpcodeRow {
  Opcode opcode;
  std::string_view name;
  uint8_t prefix;
  uint32_t code;
  Immediate immediate;
  const char* signature;  ///< see opcodes.def; null when the validator has a case of its own
  Feature feature;
};

inline constexpr auto kOpcodes = std::to_array<OpcodeRow>({
#define OPCODE(identifier, name, prefix, code, immediates, signature, feature) \
  {Opcode::identifier, name, prefix, code, Immediate::immediates, signature, Feature::feature},
#include "wasm/opcodes.def"
#undef OPCODE
});

/// The proposal that gives a one-byte opcode or a prefix its meaning, when this build does not implement it; else null.
[[nodiscard]] constexpr const char* proposal_of_opcode(uint8_t byte) {
  switch (byte) {
    case 0x0a:  // throw_ref
    case 0x1f:  // try_table
      return "exception handling with exnref";
    case 0x14:  // call_ref
    case 0x15:  // return_call_ref
    case 0xd4:  // ref.as_non_null
    case 0xd5:  // br_on_null
    case 0xd6:  // br_on_non_null
      return "typed function references";
    case 0xd3:  // ref.eq
    case 0xfb:
      return "garbage collection";
    default:
      return nullptr;
  }
}

[[nodiscard]] constexpr const OpcodeRow& row(Opcode opcode) {
  return kOpcodes[static_cast<size_t>(opcode)];
}

/// How many lanes an instruction with a lane among its immediates chooses from: that must be below it. Else 0.
[[nodiscard]] constexpr uint32_t lane_count(Immediate immediate) {
  switch (immediate) {
    case Immediate::lane2:
    case Immediate::memarg64_lane:
      return 2;
    case Immediate::lane4:
    case Immediate::memarg32_lane:
      return 4;
    case Immediate::lane8:
    case Immediate::memarg16_lane:
      return 8;
    case Immediate::lane16:
    case Immediate::memarg8_lane:
      return 16;
    default:
      return 0;
  }
}

}  // namespace tenon::wasm
