// Reads a validated body instruction by instruction: opcodes, types of blocks, and immediates to be skipped.
#pragma once

#include <array>
#include <vector>

#include "base/reader.h"
#include "wasm/module.h"
#include "wasm/opcode.h"

namespace tenon::wasm {

/// Places in kOpcodes, by the code behind the prefix.
struct OpcodeIndex {
  using Places = std::array<uint16_t, 512>;
  Places plain{};
  Places miscellaneous{};
  Places atomic{};
  Places vector{};
};

inline constexpr OpcodeIndex kOpcodeIndex = [] {
  OpcodeIndex index;
  for (size_t n = 0; n < kOpcodes.size(); ++n) {
    const OpcodeRow& row = kOpcodes[n];
    auto& table = row.prefix == 0                      ? index.plain
                  : row.prefix == kMiscellaneousPrefix ? index.miscellaneous
                  : row.prefix == kAtomicPrefix        ? index.atomic
                                                       : index.vector;
    table[row.code] = static_cast<uint16_t>(n);
  }
  return index;
}();

inline const std::vector<ValueType> kNoTypes;

/// What a block takes from the operand stack, and what it leaves there. Belongs to the module or lives for ever.
struct BlockSignature {
  const std::vector<ValueType>* parameters;
  const std::vector<ValueType>* results;
};

class BodyReader : public base::Reader {
 public:
  /// `offset`: of `body` in the module's bytes.
  BodyReader(base::Bytes body, uint32_t offset) : Reader(body, offset) {}

  /// Takes the next opcode; its immediates come next.
  const OpcodeRow& next_opcode() {
    const uint8_t first = u8();
    if (first == kMiscellaneousPrefix) {
      return kOpcodes[kOpcodeIndex.miscellaneous[u32() & 0xff]];
    }
    if (first == kAtomicPrefix) {
      return kOpcodes[kOpcodeIndex.atomic[u32() & 0xff]];
    }
    if (first == kVectorPrefix) {
      return kOpcodes[kOpcodeIndex.vector[u32() & 0x1ff]];
    }
    return kOpcodes[kOpcodeIndex.plain[first]];
  }
  /// Takes the type of a block of `module`, the module of the body.
  BlockSignature block_signature(const Module& module);
  /// Takes the immediates of an instruction without looking at them.
  void skip_immediates(const OpcodeRow& row);
  /// Takes the declarations of locals without looking at them.
  void skip_locals();
};

/// Whether a validated body has a return_call or return_call_indirect.
[[nodiscard]] bool has_tail_calls(base::Bytes body);

}  // namespace tenon::wasm
