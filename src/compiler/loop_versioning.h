// Loops over linear memory at the speed of native ones.
#pragma once

#include <llvm/IR/PassManager.h>

namespace tenon::compiler {

/// Adds the pass that gives loops over linear memory a second copy, whose accesses are ordinary ones.
///
/// The emitter's accesses of linear memory are volatile, so that each traps or not exactly where WebAssembly says; LLVM
/// therefore neither vectorizes them nor keeps their values in registers. For a nest of loops whose accesses all have
/// addresses that are affine in the induction variables, the pass computes before the nest the range of addresses that
/// it can touch. If that is inside the memory, as it nearly always is, no access can trap, and when accesses happen
/// cannot be seen: a copy of the nest then runs in which they are not volatile, need no check, and have addresses that
/// LLVM understands. Otherwise the original nest runs. Innermost loops that the guest's compiler had unrolled are
/// rolled up again in the copy, because LLVM vectorizes them better that way.
///
/// To be run when loops have their final shape (rotated, invariants hoisted, induction variables simplified), shortly
/// before LoopVectorize. What it relies on: the pointer of an access of memory 0 is computed from a load with the
/// metadata `tenon.memory_base`, of the first member of the abi::Instance; memories only grow.
void add_loop_versioning(llvm::FunctionPassManager& passes);

/// Adds the pass that takes back the copies of which LLVM made nothing better. To be run after LoopVectorize and before
/// loops are unrolled. In functions that have copies it runs InstCombine, LICM and EarlyCSE first.
void add_loop_review(llvm::FunctionPassManager& passes);

}  // namespace tenon::compiler
