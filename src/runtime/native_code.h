// Compiled code as the runtime sees it: where it is, whose it is, how it is entered and left.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <span>

#include "abi/abi.h"
#include "abi/trap_kind.h"
#include "base/reader.h"

namespace tenon::runtime {

class Executable;
class Thread;

/// The code of one module in a mapped image. Immutable but for `owner`; lives while a thread may be inside it.
struct NativeCode {
  const uint8_t* base = nullptr;  ///< what all offsets count from
  base::Bytes text;
  base::Bytes frames;                   ///< .eh_frame_hdr
  base::Bytes image;                    ///< all that is mapped: nothing of the tables leads outside of it
  std::span<const uint32_t> functions;  ///< where code starts, by defined function, and one more; ascending
  base::Bytes positions;                ///< see abi/image.h
  uint32_t imported_functions = 0;      ///< of the module: the first defined one's index
  Executable* owner = nullptr;          ///< set before any of it runs

  /// Entry of function `function`, an index in the module's function index space.
  [[nodiscard]] const void* entry(uint32_t function) const { return base + functions[function - imported_functions]; }
  /// The function that the code at `address` belongs to; outside of all of them, the first or the last one. Where no
  /// function is defined, the index that the first one would have.
  [[nodiscard]] uint32_t function_at(uintptr_t address) const;
  /// Offset in the module's bytes of the instruction that the code at `address` was made from; 0 when unknown.
  /// `body_offset`: where the function's body starts.
  [[nodiscard]] uint32_t position_of(uintptr_t address, uint32_t body_offset) const;
};

/// Makes `code` known to unwinding and to the handling of faults, unless it defines no function: then none of it runs.
/// Thread-safe.
void register_native_code(NativeCode& code);
void unregister_native_code(const NativeCode& code);
/// Whose code is at `address`; null when nobody's that is known. Async-signal-safe.
[[nodiscard]] NativeCode* find_native_code(uintptr_t address);

/// Registers of a call into compiled code, and of its return. Offsets are known to native_entry.S.
struct NativeCall {
  const void* target = nullptr;
  const void* slot = nullptr;  ///< ImportSlot or FunctionDescriptor
  abi::Instance* instance = nullptr;
  uint64_t integers[7] = {};  ///< abi::kIntegerArguments of them
  double floats[abi::kFloatArguments] = {};
  uint64_t integer_result = 0;
  double float_result = 0;
};
static_assert(sizeof(NativeCall) == 160);
static_assert(offsetof(NativeCall, integers) == 24);
static_assert(offsetof(NativeCall, floats) == 80);
static_assert(offsetof(NativeCall, integer_result) == 144);

/// Calls compiled code on this thread with the registers in `call`. `segment` lives as long as the call and is the
/// thread's innermost meanwhile. True: returned, results are in `call`. False: something is pending.
[[nodiscard]] bool enter_native(Thread& thread, NativeCall& call, abi::NativeSegment& segment);

/// What compiled code calls when the callee is not compiled, or not bound: `FunctionDescriptor::native` and
/// `ImportSlot::native` of everything else. Saves the registers and asks the function that set_call_out() was given.
[[nodiscard]] const void* native_call_out();

/// Decides about a call that left compiled code. Null: it was done, results are in `call`. Else what to jump to, with
/// the registers in `call`.
using CallOut = const void* (*)(NativeCall& call);
void set_call_out(CallOut function);

/// Leaves the innermost stretch of compiled code with what is pending in the thread: enter_native() returns false.
/// No destructor between runs: callers have nothing to destroy.
[[noreturn]] void leave_native(Thread& thread);

/// Goes on with the exception that is pending, thrown at the innermost segment's `at`: at the landing pad that takes
/// it, or, when none of that stretch does, as leave_native().
[[noreturn]] void throw_native(Thread& thread);

/// One call in progress of compiled code.
struct NativeFrame {
  NativeCode* code = nullptr;
  uintptr_t address = 0;  ///< inside the instruction that is being executed
  [[nodiscard]] uint32_t function() const { return code->function_at(address); }
};

/// Goes through the frames of one segment, innermost first, as far as they are known.
class NativeWalk {
 public:
  explicit NativeWalk(const abi::NativeSegment& segment);
  [[nodiscard]] bool at_end() const { return frame_.code == nullptr; }
  [[nodiscard]] const NativeFrame& frame() const { return frame_; }
  void next();

 private:
  void settle(bool is_return_address);
  const abi::NativeSegment& segment_;
  abi::MachineState state_;
  NativeFrame frame_;
};

/// For handlers of signals: makes the compiled code that the signal stopped trap with `kind` once the handler returns.
/// It may have been stopped at any instruction: nothing of its frames is needed but for the backtrace, whose tables
/// hold at every instruction. Async-signal-safe.
void trap_stopped_code(Thread& thread, ucontext_t& machine, abi::TrapKind kind);

[[nodiscard]] uintptr_t program_counter(const ucontext_t& machine);

/// Fills in the backtrace of the trap that is pending in `thread`, which has left compiled code or is in a host
/// function. The interpreter's; set once.
using BacktraceRecorder = void (*)(Thread& thread);
void set_backtrace_recorder(BacktraceRecorder recorder);
void record_backtrace(Thread& thread);

}  // namespace tenon::runtime
