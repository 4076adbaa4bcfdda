#include "runtime/interruption.h"

#include <ucontext.h>

#include <mutex>

#include "base/signal_chain.h"
#include "runtime/native_code.h"
#include "runtime/thread.h"
#include "runtime/wait.h"

namespace tenon::runtime {

namespace {

struct sigaction previous_interrupt;
std::once_flag handler_installed;

const uintptr_t* words_at(uintptr_t address) {
  return reinterpret_cast<const uintptr_t*>((address + sizeof(uintptr_t) - 1) / sizeof(uintptr_t) * sizeof(uintptr_t));
}

void answer(Thread& thread, const LiveWords& words) {
  thread.interrupt.fetch_and(~uint32_t{kAnswer}, std::memory_order_relaxed);
  // Pairs with the release store of ask().
  if (Question* const question = thread.question.exchange(nullptr, std::memory_order_acquire)) {
    question->answer(thread, words);
  }
}

/// The stack of the calling thread from here on.
[[gnu::noinline]] void answer_with_stack(Thread& thread) {
  LiveWords words;
  words.stack = words_at(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  words.stack_end = words_at(thread.live_end);
  answer(thread, words);
}

// What the AMD64 ABI lets a leaf function keep below its stack pointer.
constexpr uintptr_t kRedZone = 128;

/// In the handler: answers when the state of the thread is known, and leaves it for later when not.
void answer_from_handler(Thread& thread, const ucontext_t& machine, bool in_compiled_code) {
  LiveWords words;
#if defined(__x86_64__)
  const auto& registers = machine.uc_mcontext.gregs;
  static_assert(sizeof(registers[0]) == sizeof(uintptr_t));
  const auto stack = static_cast<uintptr_t>(registers[REG_RSP]);
  const size_t register_count = NGREG;
#else
  const auto& registers = machine.uc_mcontext.regs;
  const uintptr_t stack = machine.uc_mcontext.sp;
  const size_t register_count = sizeof(registers) / sizeof(registers[0]);
#endif
  const bool is_in_linker = thread.in_linker.load(std::memory_order_relaxed);
  const bool is_in_host = thread.in_host.load(std::memory_order_relaxed);
  if (in_compiled_code || is_in_linker || (is_in_host && thread.linker_entries.load(std::memory_order_relaxed) != 0)) {
    words.position = program_counter(machine);
    words.registers = reinterpret_cast<const uintptr_t*>(registers);
    words.register_count = register_count;
    words.stack = words_at(stack - kRedZone);
    words.stack_end = words_at(thread.live_end);
  } else if (!is_in_host) {
    return;
  }
  answer(thread, words);
}

void on_interrupt(int signal_number, siginfo_t* info, void* context) {
  Thread* const thread = running_thread();
  const uint32_t asked = thread == nullptr ? 0 : thread->interrupt.load(std::memory_order_relaxed);
  if (asked == 0) {
    (void)base::call_previous_handler(previous_interrupt, signal_number, info, context);
    return;
  }
  auto& machine = *static_cast<ucontext_t*>(context);
  const bool in_compiled_code = find_native_code(program_counter(machine)) != nullptr;
  if ((asked & kAnswer) != 0) {
    answer_from_handler(*thread, machine, in_compiled_code);
  }
  // In a host function or a helper: it ends first, and what called it looks at the flag, or the signal comes again.
  if ((asked & kLeave) != 0 && in_compiled_code) {
    trap_stopped_code(*thread, machine, TrapKind::interrupted);
  }
}

void send_signal(pthread_t runner) {
  std::call_once(handler_installed, [] {
    struct sigaction action{};
    action.sa_sigaction = on_interrupt;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // no SA_RESTART: a call that waits for something comes back
    sigemptyset(&action.sa_mask);
    sigaction(kInterruptSignal, &action, &previous_interrupt);
  });
  pthread_kill(runner, kInterruptSignal);
}

}  // namespace

void interrupt(Thread& thread, pthread_t runner) {
  thread.interrupt.fetch_or(kLeave, std::memory_order_relaxed);  // the signal, or the next look, is what orders it
  wake(thread);
  send_signal(runner);
}

void accept_interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kInterruptSignal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void withdraw_interrupt(Thread& thread) {
  thread.interrupt.fetch_and(~uint32_t{kLeave}, std::memory_order_relaxed);
}

void ask(Thread& thread, pthread_t runner, Question& question) {
  thread.question.store(&question, std::memory_order_release);  // pairs with the exchange in answer()
  remind(thread, runner);
}

void remind(Thread& thread, pthread_t runner) {
  thread.interrupt.fetch_or(kAnswer, std::memory_order_relaxed);
  send_signal(runner);
}

bool withdraw(Thread& thread, Question& question) {
  Question* expected = &question;
  return thread.question.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
}

void answer_here(Thread& thread) {
  if (thread.outer_linker_entries == 0) {
    answer(thread, {});
    return;
  }
  // What the linker's frames further out have in registers goes to this frame.
  __builtin_unwind_init();
  answer_with_stack(thread);
}

void answer_outside(Thread& thread) {
  if (thread.question.load(std::memory_order_relaxed) != nullptr) {
    answer(thread, {});
  }
}

bool poll(Thread& thread) {
  const uint32_t asked = thread.interrupt.load(std::memory_order_relaxed);
  if ((asked & kAnswer) != 0) {
    answer_here(thread);
  }
  return (asked & kLeave) == 0 || thread.raise(TrapKind::interrupted);
}

}  // namespace tenon::runtime
