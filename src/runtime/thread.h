// A thread of a program: the stack that interpreted code runs on, and what is pending when guest code is left.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "abi/abi.h"
#include "base/result.h"
#include "runtime/interruption.h"
#include "runtime/memory.h"
#include "runtime/trap.h"

namespace tenon::runtime {

class Thread : public abi::Thread {
 public:
  /// `stack_bytes`: room for frames and values of interpreted code (address space; touched pages count). Errors: limit.
  [[nodiscard]] static Result<std::unique_ptr<Thread>> create(uint64_t stack_bytes);
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  [[nodiscard]] static Thread& of(abi::Thread& thread) { return static_cast<Thread&>(thread); }

  /// Makes a trap pending. Always false, so that host functions can `return thread.raise(...)`. The backtrace is filled
  /// in by whoever unwinds guest code.
  bool raise(TrapKind kind, std::string message = {});
  bool raise_exit(uint32_t code);

  /// What is pending; valid when `pending` says so.
  Trap trap;
  uint32_t exit_code = 0;

  /// Takes what is pending as an Error (trap, or an exit as ErrorKind::trap never: see `pending`), and clears it.
  [[nodiscard]] Error take_trap();

  [[nodiscard]] abi::Cell* stack_begin() const { return stack_; }
  [[nodiscard]] abi::Frame* stack_end() const { return reinterpret_cast<abi::Frame*>(stack_ + stack_cells_); }

  /// Makes it as it was when it was created. No guest code may be in progress.
  void recycle();

  /// Tells which native stack the thread runs on: sets native_stack_limit from the calling OS thread's bounds.
  void adopt_native_stack();

  /// The first frame of the interpreter that compiled code called last: a tail call of compiled code from there is left
  /// to that code, so that the two can go on for ever.
  abi::Frame* tail_frame = nullptr;
  struct TailCall {
    const abi::Code* code = nullptr;
    abi::Instance* instance = nullptr;
  };
  TailCall tail_call;  ///< while such a call is on its way; its arguments are where the first frame's were

  // What the handler of kInterruptSignal has to know; see interruption.h. Written by the thread itself, but `question`,
  // and read by its own handler: nothing of other threads' is ordered by them, and InHost, InLinker and InGuest keep
  // the compiler from moving what they are about.
  std::atomic<Question*> question{nullptr};
  std::atomic<bool> in_host{false};
  std::atomic<bool> in_linker{false};
  std::atomic<uint32_t> linker_entries{0};  ///< how many stretches of the linker's frames the native stack has
  uint32_t outer_linker_entries = 0;        ///< of these, outside of the guest code that was entered last
  /// Where those frames on the native stack end that belong to the program. Until somebody says so, that is its end.
  uintptr_t live_end = 0;
  uintptr_t native_stack_end = 0;  ///< its highest address

  struct Waiter;
  std::mutex waiting;        ///< guards `waiter`; that of a bucket of waiters may be taken under it
  Waiter* waiter = nullptr;  ///< while the thread is in memory.atomic.wait

  /// Of who made the thread.
  void* environment = nullptr;

  // Exceptions thrown and perhaps still held by a catch clause; see interp/unwind.cpp.
  std::vector<abi::Exception*> exceptions;
  size_t exceptions_kept = 0;  ///< that were alive at the last sweep

 private:
  Thread() = default;
  void free_exceptions();
  abi::Cell* stack_ = nullptr;
  uint64_t stack_cells_ = 0;
  std::unique_ptr<abi::Cell[]> overflow_cells_;
};

/// While one of these lives, the calling thread runs a host function for the guest, whose state is stored; its frames
/// hold nothing of guest code.
class InHost {
 public:
  explicit InHost(Thread& thread) : thread_(thread), outer_(thread.in_host.load(std::memory_order_relaxed)) {
    thread.in_host.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~InHost() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.in_host.store(outer_, std::memory_order_relaxed);
  }
  InHost(const InHost&) = delete;
  InHost& operator=(const InHost&) = delete;

 private:
  Thread& thread_;
  bool outer_;
};

/// While one of these lives, the calling thread is in the linker on behalf of guest code, whose state is stored; its
/// frames on the native stack may hold anything.
class InLinker {
 public:
  /// `keeps_nothing`: when guest code runs inside, the linker's frames hold nothing that it could do without.
  explicit InLinker(Thread& thread, bool keeps_nothing = false)
      : thread_(thread), outer_(thread.in_linker.load(std::memory_order_relaxed)), entries_(keeps_nothing ? 0 : 1) {
    thread.linker_entries.fetch_add(entries_, std::memory_order_relaxed);
    thread.in_linker.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~InLinker() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.in_linker.store(outer_, std::memory_order_relaxed);
    thread_.linker_entries.fetch_sub(entries_, std::memory_order_relaxed);
  }
  InLinker(const InLinker&) = delete;
  InLinker& operator=(const InLinker&) = delete;

 private:
  Thread& thread_;
  bool outer_;
  uint32_t entries_;
};

/// While one of these lives, the calling thread runs guest code: neither of the above.
class InGuest {
 public:
  explicit InGuest(Thread& thread)
      : thread_(thread),
        host_(thread.in_host.load(std::memory_order_relaxed)),
        linker_(thread.in_linker.load(std::memory_order_relaxed)),
        outer_(std::exchange(thread.outer_linker_entries, thread.linker_entries.load(std::memory_order_relaxed))) {
    thread.in_host.store(false, std::memory_order_relaxed);
    thread.in_linker.store(false, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~InGuest() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.in_host.store(host_, std::memory_order_relaxed);
    thread_.in_linker.store(linker_, std::memory_order_relaxed);
    thread_.outer_linker_entries = outer_;
  }
  InGuest(const InGuest&) = delete;
  InGuest& operator=(const InGuest&) = delete;

 private:
  Thread& thread_;
  bool host_;
  bool linker_;
  uint32_t outer_;
};

}  // namespace tenon::runtime
