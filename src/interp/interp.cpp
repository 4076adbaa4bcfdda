#include "interp/interp.h"

#include <signal.h>
#include <ucontext.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "interp/native.h"
#include "interp/operands.h"
#include "interp/translation.h"
#include "interp/unwind.h"
#include "runtime/linked_module.h"

// The bounds of the section that TENON_HANDLER names; the linker makes them.
extern "C" const char __start_tenon_handlers[];  // NOLINT(bugprone-reserved-identifier)
extern "C" const char __stop_tenon_handlers[];   // NOLINT(bugprone-reserved-identifier)

namespace tenon::interp {

namespace {

using runtime::Thread;
using runtime::TrapKind;

/// Takes the interpreter's state at a fault from the registers that handlers keep it in, and believes it only as far as
/// it fits the thread. Async-signal-safe.
void take_state(runtime::FaultScope& scope, void* context) {
#if TENON_STATE_IN_REGISTERS
  Thread& thread = *scope.thread;
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  const auto frames = static_cast<uintptr_t>(registers[REG_RDI]);
  if (frames >= reinterpret_cast<uintptr_t>(thread.stack_begin()) &&
      frames < reinterpret_cast<uintptr_t>(thread.stack_end()) &&
      (reinterpret_cast<uintptr_t>(thread.stack_end()) - frames) % sizeof(Frame) == 0) {
    thread.frames = reinterpret_cast<Frame*>(frames);
    // An instruction that loads and stores has two places in the module; a write is at the second (see `transfer`).
    constexpr uint64_t kWasWrite = 2;
    const bool wrote = (static_cast<uint64_t>(registers[REG_ERR]) & kWasWrite) != 0;
    thread.position = reinterpret_cast<const Instruction*>(registers[REG_R12]) + (wrote ? 1 : 0);
  }
#else
  (void)scope, (void)context;
#endif
}

}  // namespace

runtime::EntryStubs entry_stubs() {
  static std::once_flag registered;
  std::call_once(registered, [] {
    runtime::register_guest_code(__start_tenon_handlers, __stop_tenon_handlers);
    register_native_calls();
  });
  return stub_instructions();
}

namespace {

/// Runs `code` with its arguments, `window` slots, at thread.values. False when something is pending; then or not, the
/// thread's state is as before.
bool run(Thread& thread, Instance* instance, const Code& code, size_t window, bool from_native) {
  Cell* const values = thread.values;
  Frame* const outer_frames = thread.frames;
  const Instruction* const outer_position = thread.position;
  Frame* const outer_tail_frame = thread.tail_frame;
  abi::NativeSegment* const native = thread.native;
  Frame* const frame = outer_frames - 1;

  // sandbox: room for the arguments, the first frame, and what `enter` leaves free; and native stack for the host's
  // side.
  constexpr size_t kSlack = 128;
  if (reinterpret_cast<uintptr_t>(values + window + kSlack) > reinterpret_cast<uintptr_t>(frame) ||
      reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < thread.native_stack_limit) {
    thread.raise(TrapKind::call_stack_exhausted);
    if (from_native) {
      record_backtrace(thread, nullptr, thread.frames);
    }
    return false;
  }
  *frame = Frame{exit_instruction(), values, instance, &code};

  thread.pending = abi::Pending::none;
  const runtime::InGuest in_guest(thread);
  runtime::FaultScope scope;
  scope.thread = &thread;
  scope.on_fault = take_state;
  thread.frames = frame;
  thread.position = nullptr;
  thread.tail_frame = from_native ? frame : nullptr;
  if (sigsetjmp(scope.jump, 0) == 0) {
    const Instruction* const entry = code.entry.load(std::memory_order_acquire);
    entry->handler(entry, values, instance->memory_base, instance, frame, reinterpret_cast<uint64_t>(&code), 0.0, 0.0F);
  } else {
    thread.raise(TrapKind::memory_out_of_bounds);
    thread.native = native;
    record_backtrace(thread, thread.position, thread.frames);
  }
  thread.values = values;
  thread.frames = outer_frames;
  thread.position = outer_position;
  thread.tail_frame = outer_tail_frame;
  return thread.pending == abi::Pending::none;
}

}  // namespace

bool invoke(Thread& thread, Instance* instance, const Code& code, std::span<const Cell> arguments,
            std::span<Cell> results) {
  const size_t window = std::max(arguments.size(), results.size());
  if (reinterpret_cast<uintptr_t>(thread.values + window) < reinterpret_cast<uintptr_t>(thread.frames)) {
    std::copy(arguments.begin(), arguments.end(), thread.values);
  }
  if (!run(thread, instance, code, window, false)) {
    return false;
  }
  std::copy_n(thread.values, results.size(), results.begin());
  return true;
}

Thread::TailCall invoke_from_native(Thread& thread, Instance* instance, const Code& code) {
  thread.tail_call = {};
  if (!run(thread, instance, code, code.window, true)) {
    return {};
  }
  return std::exchange(thread.tail_call, {});
}

}  // namespace tenon::interp
