// A thread of a program: the stack that interpreted code runs on, and what is pending when guest code is left.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "abi/abi.h"
#include "base/result.h"
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

  // Exceptions thrown and perhaps still held by a catch clause; see interp/unwind.cpp.
  std::vector<abi::Exception*> exceptions;
  size_t exceptions_kept = 0;  ///< that were alive at the last sweep

 private:
  Thread() = default;
  abi::Cell* stack_ = nullptr;
  uint64_t stack_cells_ = 0;
  std::unique_ptr<abi::Cell[]> overflow_cells_;
};

}  // namespace tenon::runtime
