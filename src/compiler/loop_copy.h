// The second copy of a nest of loops: what becomes of its accesses and its induction variables.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>
#include <llvm/Transforms/Utils/ValueMapper.h>

#include <map>
#include <optional>
#include <vector>

#include "compiler/loop_plan.h"

namespace tenon::compiler {

/// The name of the attribute of loops that were rolled up.
constexpr const char* kRolled = "tenon.rolled";

/// An access in the copy of a region.
struct CopiedAccess {
  const Access* original = nullptr;
  llvm::Instruction* instruction = nullptr;  ///< null: is no longer there
  /// Where the group's address starts in the loop that the access is in, and its step there, if it is to be computed in
  /// that loop; else it is computed through all loops.
  const llvm::SCEV* start = nullptr;
  const llvm::SCEV* step = nullptr;
  bool stays = false;  ///< its address is not affine, and stays as it is
};

/// A loop in the copy of a region.
struct CopiedLoop {
  const llvm::Loop* original = nullptr;
  llvm::Loop* copy = nullptr;
  llvm::PHINode* round = nullptr;      ///< counts rounds
  const llvm::SCEV* rounds = nullptr;  ///< how often it goes round, 64 bits wide, if that can be computed before it
  unsigned times = 1;                  ///< as many rounds as the original
  bool goes_round_few_times = false;
};

/// The copy of a region, whose accesses become ordinary ones, at addresses that are told by how often its loops have
/// gone round.
class LoopCopy {
 public:
  /// `values`: from the region's blocks and instructions to those of the copy.
  LoopCopy(const Plan& plan, llvm::ValueToValueMapTy& values, const LoopKnowledge& knowledge);

  [[nodiscard]] llvm::Loop& outermost() const { return *loops_.front().copy; }

  /// Does all that there is to do. Once.
  void transform();

 private:
  void prepare();
  void compute_last_values();
  void roll_up_innermost();
  void rewrite();
  void mark_loops();
  [[nodiscard]] CopiedLoop& loop_of(const llvm::Instruction& copied);
  [[nodiscard]] const llvm::SCEV* rounds_of(llvm::Loop& copy);
  void prepare_local(CopiedAccess& access);
  void count_rounds(CopiedLoop& loop);
  [[nodiscard]] llvm::Value* address(const CopiedAccess& access);
  [[nodiscard]] llvm::Value* separate(llvm::Value* pointer);
  [[nodiscard]] llvm::Value* group_in(size_t group, CopiedLoop* loop);
  [[nodiscard]] CopiedLoop* parent_of(const CopiedLoop& loop);
  [[nodiscard]] llvm::Value* advanced(llvm::Value* start, const llvm::SCEV* step, const CopiedLoop& loop,
                                      llvm::Instruction* before);

  const Plan& plan_;
  const LoopKnowledge& knowledge_;
  llvm::ScalarEvolution& evolution_;
  llvm::SCEVExpander expander_;
  llvm::IRBuilder<> builder_;
  llvm::Type* const i64_;
  llvm::Type* const i8_;
  std::vector<CopiedLoop> loops_;  ///< inner ones later
  std::vector<CopiedAccess> accesses_;
  std::map<std::pair<size_t, const llvm::Loop*>, llvm::Value*>
      groups_;  ///< by group and copy; null is before the region
  std::map<std::pair<const llvm::SCEV*, const llvm::Loop*>, llvm::Value*> starts_;     ///< by start and copy
  std::map<std::pair<const llvm::SCEV*, const llvm::Loop*>, llvm::Value*> distances_;  ///< by step and copy
};

}  // namespace tenon::compiler
