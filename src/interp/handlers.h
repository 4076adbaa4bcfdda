// The handlers by what they do: how the translator finds the one for an operation and the places of its operands.
#pragma once

#include "interp/code.h"
#include "wasm/opcode.h"

namespace tenon::interp {

/// The three accumulators, by what they hold.
enum class Bank : uint8_t { integer, f32, f64 };

/// Where the effective address of a load or store comes from; the static offset is added to each.
enum class Address : uint8_t {
  slot,              ///< values[a]
  accumulator,       ///< i
  plus_immediate,    ///< values[a] + immediate, in 32 bits
  plus_slot,         ///< values[a] + (values[b] << c), in 32 bits
  plus_accumulator,  ///< values[a] + (i << c), in 32 bits
  constant,          ///< the third word, offset and all
  plus_global,       ///< the i32 global at `offset` in the instance, plus the third word's lower half, in 32 bits; the
                     ///< static offset is that word's upper half
};

// Each returns null for combinations that do not exist; the translator then brings an operand into a slot.
// How many words the instruction has follows from the operands; see the translator.

/// Binary numeric operations: all of TENON_BINARY_OPERATIONS and the divisions.
[[nodiscard]] const Family* binary_family(wasm::Opcode opcode, Source a, Source b);
[[nodiscard]] const Family* unary_family(wasm::Opcode opcode, Source a);
/// outer(a, inner(b, c)): an operation and the one that made its right operand. `a` and `b` are slots, or one of them
/// the accumulator. Shifts and rotations by a constant `c` (shl, shr_u, rotl) in add, and, or, xor; products with a
/// slot `c` in add and sub, of all four types.
[[nodiscard]] const Family* nested_family(wasm::Opcode outer, wasm::Opcode inner, Source a, Source b);
/// (a >> b) & c, unsigned, with constants b and c: a field of bits. `mask` is the opcode of the and.
[[nodiscard]] const Family* extract_family(wasm::Opcode mask, Source a);
[[nodiscard]] const Family* load_family(wasm::Opcode opcode, Address address, bool checked);
[[nodiscard]] Handler store_handler(wasm::Opcode opcode, Address address, Source value, bool checked);
/// A load and a store of its value in one, `width` says of how many bytes. The operands of the load's address are
/// followed by those of the store's.
[[nodiscard]] Handler transfer_handler(wasm::Immediate width, Address from, Address to, bool checked);
/// A compare and a branch taken when it holds (or when it does not: `negated`). The opcode may also be i32_and: holds
/// when the operands have a bit in common.
[[nodiscard]] Handler compare_branch_handler(wasm::Opcode opcode, Source a, Source b, bool negated, Way way);
/// Adds a constant to an i32 local, then compares it (with a slot or an immediate) and branches: the end of most loops.
[[nodiscard]] Handler count_branch_handler(wasm::Opcode compare, Source b, Way way);
/// Adds constants to two i32 locals.
[[nodiscard]] Handler count_pair_handler();
/// Of integers, what is chosen from may also be two constants of 16 bits, signed, in `a` and `b`.
[[nodiscard]] const Family* select_family(Bank bank, Source condition, Source a, Source b);
/// A compare of i32 (eq, lt, gt; or i32_and: whether there is a bit in common) and a select of integers by it: a word
/// with the operands of the select, `a` and `b`, follows those of the compare. Null unless the compare's operands are
/// two slots, slot and immediate, accumulator and immediate, or accumulator and slot.
[[nodiscard]] const Family* compare_select_family(wasm::Opcode compare, Source left, Source right, Source a, Source b);
[[nodiscard]] const Family* global_get_family(Bank bank, bool indirect);
/// A constant i32 global plus the third word, in 32 bits.
[[nodiscard]] const Family* global_sum_family();
[[nodiscard]] Handler global_set_handler(Bank bank, Source value, bool indirect);
/// Atomic operations take their operands from consecutive slots, the first in `a`, and leave the result in slot
/// `target`.
[[nodiscard]] Handler atomic_handler(wasm::Opcode opcode, bool checked);
/// Everything without accumulators: operands in consecutive slots from `a`, result in `target`; see handlers_bulk.cpp.
[[nodiscard]] Handler plain_handler(wasm::Opcode opcode);

// Vectors are in slots, two Cells each. The result, a vector unless it says otherwise, goes to slot `target`.

/// Operands in slots a, b and c. Null for an opcode of another shape.
[[nodiscard]] Handler vector_handler(wasm::Opcode opcode);
/// Vector in a; the count in slot b, in the accumulator, or b itself. Null for an opcode of another shape.
[[nodiscard]] Handler vector_shift_handler(wasm::Opcode opcode, Source count);
/// Scalar in slot a or the accumulator. Null for an opcode of another shape.
[[nodiscard]] Handler vector_splat_handler(wasm::Opcode opcode, Source a);
/// Vector in a, scalar in b, `c` is the lane. Null for an opcode of another shape.
[[nodiscard]] Handler vector_replace_handler(wasm::Opcode opcode);
/// Vector in a, `c` is the lane if there is one; the result is a scalar. Null for an opcode of another shape.
[[nodiscard]] const Family* vector_scalar_family(wasm::Opcode opcode);
/// Null for an opcode of another shape.
[[nodiscard]] Handler vector_load_handler(wasm::Opcode opcode, Address address, bool checked);
/// The value's slot is in `target`.
[[nodiscard]] Handler vector_store_handler(Address address, bool checked);
/// Loads and stores of a lane: base in a, vector in b, `c` is the lane; the offset is a third word. Null for an opcode
/// of another shape.
[[nodiscard]] Handler vector_lane_handler(wasm::Opcode opcode, bool checked);

struct VectorHandlers {
  Handler copy;
  Handler constant;    ///< two words follow
  Handler select[2];   ///< condition by Source slot, accumulator, in c
  Handler global_get;  ///< `offset`: the global's Cell in the instance
  Handler global_set;  ///< the same; from slot a
  /// By the exponent of the lanes' size in bytes. Vectors in a and b; two words with a byte for each lane follow.
  Handler shuffle[4];
};
[[nodiscard]] const VectorHandlers& vector_handlers();

struct ControlHandlers {
  Handler zero_locals;
  struct Branches {
    Handler jump;
    Handler copy64_jump;   ///< the distance follows
    Handler branch_if[2];  ///< by Source slot, accumulator: taken when not zero
    Handler branch_unless[2];
  };
  Branches branches[2];  ///< by Way
  Handler branch_table[2];
  Handler return_none;
  Handler return_one[3][3];  ///< by Bank, Source
  Handler call;
  Handler call_import;
  Handler call_indirect[2];  ///< index by Source slot, accumulator
  Handler tail_call;
  Handler tail_call_import;
  Handler tail_call_indirect;
  Handler copy64;
  Handler copy32;
  Handler copy64_pair;
  Handler store_accumulator[3];  ///< by Bank, to slot `target`
  Handler constant32;
  Handler constant_pair;  ///< of 16 bits, signed: target <- b, a <- c
  Handler constant64;
  Handler trap;  ///< kind in `a`
  Handler throw_;
  Handler rethrow;
  Handler reference_function;
  Handler check_stack;  ///< compares slot `a` with the thread's stack_low; emitted before a write of __stack_pointer
};
[[nodiscard]] const ControlHandlers& control_handlers();

}  // namespace tenon::interp
