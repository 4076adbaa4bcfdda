// Traps: their kinds, the record a thread keeps of one, and how a fault of guest code becomes one.
#pragma once

#include <setjmp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "abi/trap_kind.h"

namespace tenon::runtime {

class Thread;

using abi::TrapKind;

/// The words of the official test suite for `kind`.
[[nodiscard]] const char* to_string(TrapKind kind);

/// One call in progress when a trap happened, innermost first.
struct BacktraceFrame {
  std::string module;
  std::string function;
  uint32_t function_index = 0;
  uint32_t offset = 0;  ///< of the instruction in the module's bytes; 0 when unknown (host functions)
};

struct Trap {
  TrapKind kind = TrapKind::host;
  std::string message;  ///< what beyond the kind; may be empty
  std::vector<BacktraceFrame> backtrace;
  /// A runaway recursion has hundreds of thousands of calls: so many are left out after the first half of `backtrace`.
  size_t omitted = 0;
};

/// Kind, message and backtrace as `tenon run` prints them, several lines.
[[nodiscard]] std::string to_string(const Trap& trap);

/// Machine state of a guest fault, for the room that made the faulting code to interpret.
struct Fault {
  uintptr_t address;  ///< that was accessed
  void* context;      ///< ucontext_t
};

/// A stretch of host machine code whose faults inside a memory's reservation are the guest's: the interpreter's
/// handlers. Called once, before any guest code runs.
void register_guest_code(const void* begin, const void* end);

/// While one of these lives, a fault of registered guest code on this thread, at an address inside a registered
/// reservation, leaves by siglongjmp(jump, 1) after `fault` was filled; one of compiled code traps there (see
/// native_code.h). Any other fault goes to the handler that was there before. Nests; the innermost counts.
class FaultScope {
 public:
  /// Installs the process's handlers and this thread's alternate signal stack when needed.
  FaultScope();
  ~FaultScope();
  FaultScope(const FaultScope&) = delete;
  FaultScope& operator=(const FaultScope&) = delete;

  sigjmp_buf jump;
  Fault fault{};

  /// Called in the handler, before the jump, to take what it needs from the machine state. Async-signal-safe.
  void (*on_fault)(FaultScope& scope, void* context) = nullptr;
  Thread* thread = nullptr;  ///< that runs guest code; set before any does

 private:
  FaultScope* outer_;
};

/// The thread whose guest code the calling OS thread runs; null when it runs none. Async-signal-safe.
[[nodiscard]] Thread* running_thread();

/// Makes faults in [begin, end) count as the guest's. Thread-safe.
void register_reservation(const void* begin, const void* end);
void unregister_reservation(const void* begin);

}  // namespace tenon::runtime
