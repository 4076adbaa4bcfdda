// Reads a validated body instruction by instruction: opcodes, and immediates to be skipped.
#pragma once

#include "base/reader.h"
#include "wasm/opcode.h"

namespace tenon::compiler {

class BodyReader : public base::Reader {
 public:
  /// `offset`: of `body` in the module's bytes.
  BodyReader(base::Bytes body, uint32_t offset) : Reader(body, offset) {}

  /// Takes the next opcode; its immediates come next.
  const wasm::OpcodeRow& next_opcode();
  /// Takes the immediates of an instruction without looking at them.
  void skip_immediates(const wasm::OpcodeRow& row);
  /// Takes the declarations of locals without looking at them.
  void skip_locals();
};

/// Whether a validated body has a return_call or return_call_indirect.
[[nodiscard]] bool has_tail_calls(base::Bytes body);

}  // namespace tenon::compiler
