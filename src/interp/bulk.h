// Bulk memory and table instructions, for all callers.
#pragma once

#include <cstdint>

#include "abi/abi.h"
#include "wasm/opcode.h"

namespace tenon::interp {

/// Segment, function or table indices of an instruction, in order.
struct Indices {
  uint32_t first;
  uint32_t second;
};

/// What an operation returns when a trap is pending with a message of its own; else a TrapKind or numeric::kFine.
constexpr int kPending = -2;

/// `arguments` are the instruction's operands in order. All bounds are checked before anything is written.
[[nodiscard]] int run_bulk(wasm::Opcode opcode, abi::Instance& instance, const abi::Cell* arguments, abi::Cell& result,
                           const Indices& indices);

}  // namespace tenon::interp
