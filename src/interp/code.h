// The interpreter's code: what an instruction looks like and how handlers pass control on.
//
// A function is translated at its first call to register code: instructions of two or more 64-bit words, the first of
// which is the address of the handler that executes it. A handler ends with a tail call of the next one, so the
// machine's state stays in registers (clang's preserve_none convention gives all of them to arguments):
//
//   pc        the instruction being executed
//   values    the function's slots: parameters, locals, operand stack, in one array
//   memory    base of memory 0
//   instance  the running instance
//   frame     the innermost frame of the call stack, which grows down towards the values
//   i, d, f   the accumulators: the last integer or reference, f64 and f32 result
//
// Operands come from a slot (S), the accumulator (R) or the instruction (I); results go to the accumulator (R), a slot
// (S) or both (B). Every operation has a handler for each useful combination, made by templates. Why accumulators: a
// result is usually used by the very next instruction, and going through a slot would add the latency of a store and a
// load.
#pragma once

#include <cstdint>

#include "abi/abi.h"

namespace tenon::interp {

using abi::Cell;
using abi::Code;
using abi::Frame;
using abi::Instance;
using abi::Instruction;

using Word = uint64_t;

#define TENON_HANDLER_PARAMETERS                                                                                      \
  const ::tenon::abi::Instruction *pc, ::tenon::abi::Cell *values, uint8_t *memory, ::tenon::abi::Instance *instance, \
      ::tenon::abi::Frame *frame, uint64_t i, double d, float f
#define TENON_HANDLER_ARGUMENTS pc, values, memory, instance, frame, i, d, f

/// Handlers live in a section of their own: a fault is the guest's only if it happened there (see runtime/trap.h). Each
/// has cache lines of its own: aligned by 16, how fast one runs depended on where others had pushed it, by up to a
/// quarter.
#define TENON_HANDLER __attribute__((preserve_none, section("tenon_handlers"), noinline, aligned(64))) void

using Handler = __attribute__((preserve_none)) void (*)(TENON_HANDLER_PARAMETERS);

}  // namespace tenon::interp

namespace tenon::abi {

struct Instruction {
  interp::Handler handler;
};

}  // namespace tenon::abi

namespace tenon::interp {

/// The second word of most instructions: result slot, operand slots, immediate. Instructions with one slot operand keep
/// it in `a`.
struct Operands {
  uint16_t target;
  uint16_t a;
  union {
    struct {
      uint16_t b;
      uint16_t c;
    };
    int32_t immediate;
    uint32_t offset;
  };
};
static_assert(sizeof(Operands) == 8);

[[nodiscard]] inline const Operands& operands(const Instruction* pc) {
  return *reinterpret_cast<const Operands*>(pc + 1);
}

/// Word `index` of the instruction, as T.
template <class T>
[[nodiscard]] inline const T& word(const Instruction* pc, unsigned index) {
  return *reinterpret_cast<const T*>(pc + index);
}

/// Where an operand comes from.
enum class Source : uint8_t { slot, accumulator, immediate };
/// Where a result goes.
enum class Target : uint8_t { accumulator, slot, both };

/// Where a branch goes, when it is taken.
enum class Way : uint8_t { forward, back };

/// The handlers of one operation with the same operands, by Target.
struct Family {
  Handler by_target[3];
  [[nodiscard]] Handler operator[](Target target) const { return by_target[static_cast<unsigned>(target)]; }
};

#define TENON_NEXT(words)                                                                       \
  do {                                                                                          \
    pc += (words);                                                                              \
    __attribute__((musttail)) return pc->handler(pc, values, memory, instance, frame, i, d, f); \
  } while (false)

}  // namespace tenon::interp
