// Where handlers find globals and the bytes they load and store; included by the files that define handlers and by
// nothing else.
#pragma once

#include "interp/handlers.h"
#include "interp/operands.h"

namespace tenon::interp {

[[nodiscard]] inline Cell& global_cell(Instance* instance, uint32_t offset) {
  return *reinterpret_cast<Cell*>(reinterpret_cast<uint8_t*>(instance) + offset);
}

/// The effective address before the bounds check, and how many words the instruction's operands take after the first.
///
/// sandbox: the sum of a 32-bit address and a 32-bit offset in 64 bits: at most 2^33 - 2, which the reservation of a
/// guarded memory covers with room for the access. Addresses are cut to 32 bits here, whatever a slot's upper half
/// holds.
template <Address kAddress>
[[nodiscard]] inline uint64_t effective_address(const Instruction* pc, const Cell* values, uint64_t i,
                                                Instance* instance) {
  const Operands& o = operands(pc);
  if constexpr (kAddress == Address::slot) {
    return uint64_t{slot<uint32_t>(values, o.a)} + o.offset;
  } else if constexpr (kAddress == Address::accumulator) {
    return uint64_t{static_cast<uint32_t>(i)} + o.offset;
  } else if constexpr (kAddress == Address::plus_immediate) {
    return uint64_t{slot<uint32_t>(values, o.a) + static_cast<uint32_t>(o.immediate)} + word<uint32_t>(pc, 2);
  } else if constexpr (kAddress == Address::plus_slot) {
    return uint64_t{slot<uint32_t>(values, o.a) + (slot<uint32_t>(values, o.b) << (o.c & 31))} + word<uint32_t>(pc, 2);
  } else if constexpr (kAddress == Address::plus_accumulator) {
    return uint64_t{slot<uint32_t>(values, o.a) + (static_cast<uint32_t>(i) << (o.c & 31))} + word<uint32_t>(pc, 2);
  } else if constexpr (kAddress == Address::plus_global) {
    const auto extra = word<uint64_t>(pc, 2);
    return uint64_t{global_cell(instance, o.offset).u32 + static_cast<uint32_t>(extra)} + (extra >> 32);
  } else {
    return word<uint64_t>(pc, 2);
  }
}

template <Address kAddress>
constexpr unsigned kAddressWords = kAddress == Address::slot || kAddress == Address::accumulator ? 2 : 3;

template <class M, bool kChecked>
[[nodiscard]] inline bool outside(uint64_t address, const Instance* instance) {
  if constexpr (kChecked) {
    // sandbox: no overflow: address is below 2^34.
    return address + sizeof(M) > instance->memory->size.load(std::memory_order_relaxed);
  } else {
    return false;
  }
}

}  // namespace tenon::interp
