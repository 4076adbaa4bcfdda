// Leaving guest code before it returns: traps with their backtraces, exceptions to their handlers.
#pragma once

#include "interp/code.h"
#include "runtime/thread.h"

namespace tenon::interp {

/// Fills the pending trap's backtrace: `position` is the instruction that trapped in the innermost of `frames`.
void record_backtrace(runtime::Thread& thread, const Instruction* position, const Frame* frames);

/// Where an exception goes on: the catch clause's code and the state it runs with; `pc` null: not caught in this
/// invocation.
struct Landing {
  const Instruction* pc;
  Cell* values;
  Instance* instance;
  Frame* frame;
};

/// Finds the handler of the thread's pending exception, starting at instruction `position` of the innermost frame, down
/// to this invocation's first frame. When caught, clears what is pending and leaves the exception's values in the
/// clause's slots.
[[nodiscard]] Landing unwind(runtime::Thread& thread, const Instruction* position, Cell* values, Instance* instance,
                             Frame* frame);

/// A new exception of the thread; frees those that nothing on the stack holds when there are many. Null when out of
/// memory.
[[nodiscard]] abi::Exception* make_exception(runtime::Thread& thread, const void* tag, uint32_t count,
                                             const Cell* live_end, const Frame* frames);

/// Makes the trap pending that says that the guest's stack pointer would become `pointer`, below its stack's end.
void report_stack_overrun(runtime::Thread& thread, uint32_t pointer);

/// The instruction that an invocation's first frame returns to.
[[nodiscard]] const Instruction* exit_instruction();

}  // namespace tenon::interp
