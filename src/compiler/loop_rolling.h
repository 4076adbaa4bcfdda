// Undoes the unrolling that a guest's compiler did.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>

#include <cstdint>
#include <optional>

namespace tenon::compiler {

/// A load or store in a loop, none of which can trap.
struct RolledAccess {
  llvm::Instruction* instruction;
  size_t group;                 ///< addresses in a group differ by constants
  int64_t offset;               ///< of the address from the group's
  int64_t width;                ///< bytes
  std::optional<int64_t> step;  ///< what is added to the address each round, if that is known
};

/// Rolls up the loop `loop`, of one block, if that block does the same a number of times, on one element after another,
/// and LLVM may do something better with it when it does so once: clang unrolls loops for WebAssembly by 2 to 8, and
/// LLVM's vectorizer then sees strided accesses and gives up or shuffles.
///
/// `accesses` are all loads and stores of the loop. Returns how many rounds the loop must now go for each that it went,
/// 1 if nothing was changed. If it was: accesses of `accesses` that are still in the loop are to be given addresses
/// with so much smaller steps, and the loop an exit after so many more rounds; all else is done. The instructions of
/// `accesses` that went are null then.
[[nodiscard]] unsigned roll_up(llvm::Loop& loop, llvm::ScalarEvolution& evolution,
                               llvm::MutableArrayRef<RolledAccess> accesses);

}  // namespace tenon::compiler
