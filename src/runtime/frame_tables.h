// Unwinding of compiled code's frames by the tables that LLVM makes: call frame information and landing pads.
//
// Sources: DWARF 5 section 6.4; Linux Standard Base 5.0, "Exception Frames" (.eh_frame, .eh_frame_hdr); the layout of
// .gcc_except_table as LLVM's EHStreamer writes it. Only what LLVM emits for compiled modules is understood; anything
// else ends the walk.
#pragma once

#include <cstdint>

#include "abi/abi.h"
#include "runtime/native_code.h"

namespace tenon::runtime {

/// What the tables say about the function that an address belongs to.
class FrameTable {
 public:
  /// `address`: inside of the instruction that is executed or waited for. Async-signal-safe.
  FrameTable(const NativeCode& code, uintptr_t address);

  [[nodiscard]] bool found() const { return found_; }
  /// Makes `state` that of the caller; false when the tables do not say how.
  [[nodiscard]] bool step(abi::MachineState& state) const;
  /// Where an exception thrown at `address` goes on in this function; 0 when nowhere.
  [[nodiscard]] uintptr_t landing_pad() const;

 private:
  struct Rules;
  bool read_entry(uintptr_t entry);
  bool execute(base::Bytes instructions, Rules& rules, Rules* saved, unsigned& depth) const;

  const NativeCode& code_;
  uintptr_t address_;
  uintptr_t begin_ = 0;  ///< of the function
  base::Bytes initial_;  ///< instructions of the common entry
  base::Bytes own_;      ///< and of the function's
  uint64_t code_alignment_ = 1;
  int64_t data_alignment_ = 1;
  uint64_t return_register_ = 0;
  uintptr_t landing_table_ = 0;
  bool found_ = false;
};

}  // namespace tenon::runtime
