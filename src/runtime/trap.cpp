#include "runtime/trap.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/signal_chain.h"
#include "runtime/native_code.h"
#include "runtime/range_list.h"
#include "runtime/thread.h"

namespace tenon::runtime {

const char* to_string(TrapKind kind) {
  switch (kind) {
    case TrapKind::unreachable:
      return "unreachable";
    case TrapKind::memory_out_of_bounds:
      return "out of bounds memory access";
    case TrapKind::table_out_of_bounds:
      return "out of bounds table access";
    case TrapKind::undefined_element:
      return "undefined element";
    case TrapKind::uninitialized_element:
      return "uninitialized element";
    case TrapKind::indirect_call_type_mismatch:
      return "indirect call type mismatch";
    case TrapKind::integer_divide_by_zero:
      return "integer divide by zero";
    case TrapKind::integer_overflow:
      return "integer overflow";
    case TrapKind::invalid_conversion_to_integer:
      return "invalid conversion to integer";
    case TrapKind::call_stack_exhausted:
      return "call stack exhausted";
    case TrapKind::unaligned_atomic:
      return "unaligned atomic";
    case TrapKind::unshared_wait:
      return "expected shared memory";
    case TrapKind::uncaught_exception:
      return "uncaught exception";
    case TrapKind::unresolved_symbol:
      return "unresolved symbol";
    case TrapKind::module_changed:
      return "module changed on disk";
    case TrapKind::interrupted:
      return "interrupted";
    case TrapKind::host:
      return "host function failed";
  }
  return "unknown trap";
}

std::string to_string(const Trap& trap) {
  std::string text = fmt::format("trap: {}", to_string(trap.kind));
  if (!trap.message.empty()) {
    text += ": " + trap.message;
  }
  size_t number = 0;
  for (size_t i = 0; i < trap.backtrace.size(); ++i) {
    if (trap.omitted != 0 && i == trap.backtrace.size() / 2) {
      text += fmt::format("\n  ... {} more calls ...", trap.omitted);
      number += trap.omitted;
    }
    const BacktraceFrame& frame = trap.backtrace[i];
    text += fmt::format("\n  {:>3}: {}!{}", number++, frame.module, frame.function);
    if (frame.offset != 0) {
      text += fmt::format(" (function {}, offset 0x{:x})", frame.function_index, frame.offset);
    }
  }
  return text;
}

namespace {

constinit RangeList<void> reservations;

std::atomic<uintptr_t> guest_code_begin{0};
std::atomic<uintptr_t> guest_code_end{0};

thread_local constinit FaultScope* innermost = nullptr;

struct sigaction previous_segv;

void on_segv(int signal_number, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  auto& machine = *static_cast<ucontext_t*>(context);
  const uintptr_t code = program_counter(machine);
  // sandbox: only guest code that touches a guest memory's reservation is the guest's fault; all else is ours and stays
  // one.
  if (innermost != nullptr && reservations.find(address).found) {
    if (code >= guest_code_begin.load(std::memory_order_relaxed) &&
        code < guest_code_end.load(std::memory_order_relaxed)) {
      innermost->fault = Fault{address, context};
      if (innermost->on_fault != nullptr) {
        innermost->on_fault(*innermost, context);
      }
      base::restore_signal_mask(context);
      siglongjmp(innermost->jump, 1);
    }
    if (find_native_code(code) != nullptr) {
      trap_stopped_code(*innermost->thread, machine, TrapKind::memory_out_of_bounds);
      return;
    }
  }
  if (!base::call_previous_handler(previous_segv, signal_number, info, context)) {
    signal(signal_number, SIG_DFL);  // the instruction runs again and ends the process, as a bug should
  }
}

std::once_flag handler_installed;

// The handler needs a stack of its own: the guest may have used up the thread's.
class AlternateStack {
 public:
  AlternateStack() {
    stack_t current{};
    if (sigaltstack(nullptr, &current) == 0 && (current.ss_flags & SS_DISABLE) == 0) {
      return;  // the embedder, or a sanitizer, has one already
    }
    memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) {
      memory_ = nullptr;
      return;
    }
    stack_t ours{};
    ours.ss_sp = memory_;
    ours.ss_size = kBytes;
    sigaltstack(&ours, nullptr);
  }
  ~AlternateStack() {
    if (memory_ != nullptr) {
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
      munmap(memory_, kBytes);
    }
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static constexpr size_t kBytes = size_t{64} * 1024;
  void* memory_ = nullptr;
};

}  // namespace

void register_guest_code(const void* begin, const void* end) {
  guest_code_begin.store(reinterpret_cast<uintptr_t>(begin), std::memory_order_relaxed);
  guest_code_end.store(reinterpret_cast<uintptr_t>(end), std::memory_order_relaxed);
}

FaultScope::FaultScope() : outer_(innermost) {
  std::call_once(handler_installed, [] {
    struct sigaction action{};
    action.sa_sigaction = on_segv;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous_segv);
  });
  thread_local AlternateStack alternate;
  (void)alternate;
  innermost = this;
}

FaultScope::~FaultScope() {
  innermost = outer_;
}

Thread* running_thread() {
  return innermost == nullptr ? nullptr : innermost->thread;
}

void register_reservation(const void* begin, const void* end) {
  reservations.add(begin, end, nullptr);
}

void unregister_reservation(const void* begin) {
  reservations.remove(begin);
}

}  // namespace tenon::runtime
