// How handlers read operands and write results; included by the files that define handlers and by nothing else.
#pragma once

#include <bit>
#include <type_traits>

#include "interp/code.h"
#include "runtime/thread.h"
#include "runtime/trap.h"

namespace tenon::interp {

template <class T>
[[nodiscard]] inline T slot(const Cell* values, unsigned index) {
  if constexpr (std::is_same_v<T, float>) {
    return values[index].f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return values[index].f64;
  } else if constexpr (sizeof(T) == 8) {
    return static_cast<T>(values[index].u64);
  } else {
    return static_cast<T>(values[index].u32);
  }
}

template <class T>
[[nodiscard]] inline T accumulator(uint64_t i, double d, float f) {
  if constexpr (std::is_same_v<T, float>) {
    return f;
  } else if constexpr (std::is_same_v<T, double>) {
    return d;
  } else {
    return static_cast<T>(i);
  }
}

/// Integers: 32 bits of the second word, sign-extended. Floats: the third word.
template <class T>
[[nodiscard]] inline T immediate(const Instruction* pc) {
  if constexpr (std::is_floating_point_v<T>) {
    return word<T>(pc, 2);
  } else {
    return static_cast<T>(int64_t{operands(pc).immediate});
  }
}

template <class T, Source kSource>
[[nodiscard]] inline T operand(const Instruction* pc, const Cell* values, unsigned index, uint64_t i, double d,
                               float f) {
  if constexpr (kSource == Source::slot) {
    return slot<T>(values, index);
  } else if constexpr (kSource == Source::accumulator) {
    return accumulator<T>(i, d, f);
  } else {
    return immediate<T>(pc);
  }
}

/// Integers are stored in all 64 bits, so that a copy of the whole slot can be forwarded from the store.
template <class T>
inline void set_slot(Cell* values, unsigned index, T value) {
  if constexpr (std::is_same_v<T, float>) {
    values[index].f32 = value;
  } else if constexpr (std::is_same_v<T, double>) {
    values[index].f64 = value;
  } else {
    values[index].u64 = value;
  }
}

/// What a select of integers chooses: a or b, each a slot or a constant of 16 bits, signed.
template <Source A, Source B>
[[nodiscard]] inline uint64_t choose(const Operands& o, const Cell* values, bool first) {
  if constexpr (A == Source::slot && B == Source::slot) {
    return values[first ? o.a : o.b].u64;  // not a branch, which would be mispredicted
  } else {
    const auto read = [values]<Source kSource>(uint16_t index) {
      if constexpr (kSource == Source::slot) {
        return values[index].u64;
      } else {
        return static_cast<uint64_t>(int64_t{static_cast<int16_t>(index)});
      }
    };
    const uint64_t a = read.template operator()<A>(o.a);
    const uint64_t b = read.template operator()<B>(o.b);
    return first ? a : b;
  }
}

template <class T, Target kTarget>
inline void put(const Instruction* pc, Cell* values, T value, uint64_t& i, double& d, float& f) {
  if constexpr (kTarget != Target::accumulator) {
    set_slot<T>(values, operands(pc).target, value);
  }
  if constexpr (kTarget != Target::slot) {
    if constexpr (std::is_same_v<T, float>) {
      f = value;
    } else if constexpr (std::is_same_v<T, double>) {
      d = value;
    } else {
      i = value;
    }
  }
}

/// Leaves guest code with a trap of kind `i` at `pc`; a handler's tail call on its cold path.
__attribute__((preserve_none, cold)) void raise_trap(TENON_HANDLER_PARAMETERS);

/// Leaves guest code with what is pending in the thread; adds the backtrace to a trap.
__attribute__((preserve_none, cold)) void leave(TENON_HANDLER_PARAMETERS);

#define TENON_TRAP(kind)                                                                   \
  do {                                                                                     \
    i = static_cast<uint64_t>(kind);                                                       \
    __attribute__((musttail)) return ::tenon::interp::raise_trap(TENON_HANDLER_ARGUMENTS); \
  } while (false)

/// Stores where guest code is stopped, before or in the instruction at `pc`. The frame inside of its own says that its
/// instance is in use: other frames tell only of their callers'.
inline void store_state(const Instruction* pc, Cell* values, Instance* instance, Frame* frame) {
  abi::Thread& thread = *instance->thread;
  thread.values = values + frame->code->slots.load(std::memory_order_relaxed);
  thread.position = pc;
  thread.frames = frame - 1;
  thread.frames->return_to = pc + 1;
  thread.frames->caller_values = values;
  thread.frames->caller_instance = instance;
  thread.frames->code = frame->code;
}

/// Does what the thread is asked, before the instruction at `pc`, and goes on with that; or leaves guest code.
__attribute__((preserve_none, cold)) void poll_and_go_on(TENON_HANDLER_PARAMETERS);

#define TENON_POLL()                                                                             \
  do {                                                                                           \
    if (instance->thread->interrupt.load(std::memory_order_relaxed) != 0) [[unlikely]] {         \
      __attribute__((musttail)) return ::tenon::interp::poll_and_go_on(TENON_HANDLER_ARGUMENTS); \
    }                                                                                            \
  } while (false)

/// Takes a branch. Loops are interrupted at their starts.
#define TENON_BRANCH(way, distance)                      \
  do {                                                   \
    pc += (distance);                                    \
    if constexpr ((way) == ::tenon::interp::Way::back) { \
      TENON_POLL();                                      \
    }                                                    \
    TENON_NEXT(0);                                       \
  } while (false)

// Where a fault must find the machine's state. Optimised handlers keep it in the argument registers while they access
// memory, and the fault handler takes it from there; sanitizers and -O0 do not, nor does AArch64, where the address of
// the next instruction is often computed before the access. There it is stored, and stays before the access: a compiler
// that knows of no fault would merge the stores of two accesses.
#if defined(TENON_SANITIZED) || !defined(__OPTIMIZE__) || !defined(__x86_64__)
#define TENON_STATE_IN_REGISTERS 0
#define TENON_BEFORE_ACCESS()         \
  do {                                \
    instance->thread->position = pc;  \
    instance->thread->frames = frame; \
    asm volatile("" ::: "memory");    \
  } while (false)
#else
#define TENON_STATE_IN_REGISTERS 1
#define TENON_BEFORE_ACCESS() \
  do {                        \
  } while (false)
#endif

/// Unaligned access to guest memory. Not memcpy: under sanitizers that would be a call, and a fault inside of it would
/// not be in a handler.
template <class T>
struct __attribute__((packed)) Unaligned {
  T value;
};

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// What guests do to their memory is theirs. Like this the functions are not part of the handlers, but among them.
#define TENON_GUEST_ACCESS __attribute__((no_sanitize("thread"), section("tenon_handlers")))
#endif
#endif
#ifndef TENON_GUEST_ACCESS
#define TENON_GUEST_ACCESS
#endif

template <class T>
[[nodiscard]] TENON_GUEST_ACCESS inline T load_unaligned(const uint8_t* address) {
  return reinterpret_cast<const Unaligned<T>*>(address)->value;
}
template <class T>
TENON_GUEST_ACCESS inline void store_unaligned(uint8_t* address, T value) {
  reinterpret_cast<Unaligned<T>*>(address)->value = value;
}

}  // namespace tenon::interp
