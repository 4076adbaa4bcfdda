// Why guest code traps: what compiled code tells the runtime, and the runtime its embedder.
#pragma once

#include <cstdint>

namespace tenon::abi {

/// Part of the ABI of compiled code: new kinds go to the end.
enum class TrapKind : uint8_t {
  unreachable,
  memory_out_of_bounds,
  table_out_of_bounds,
  undefined_element,
  uninitialized_element,
  indirect_call_type_mismatch,
  integer_divide_by_zero,
  integer_overflow,
  invalid_conversion_to_integer,
  call_stack_exhausted,
  unaligned_atomic,
  unshared_wait,
  uncaught_exception,
  unresolved_symbol,
  module_changed,  ///< a mapped module's file changed after it was validated
  interrupted,
  host,  ///< raised by a host function or an embedder; the message says what
};

}  // namespace tenon::abi
