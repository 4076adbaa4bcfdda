#include "compiler/loop_versioning.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/DomTreeUpdater.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "abi/abi.h"
#include "compiler/loop_copy.h"
#include "compiler/loop_plan.h"

namespace tenon::compiler {

namespace {

using llvm::BasicBlock;
using llvm::Instruction;
using llvm::Loop;
using llvm::Value;

/// Metadata of the branch to a copy or its original.
constexpr const char* kVersioned = "tenon.versioned";
constexpr const char* kNotUnrolled = "llvm.loop.unroll.disable";

/// The instance of `function`, if it has accesses of memory 0.
const Value* instance_of(llvm::Function& function) {
  for (const Instruction& instruction : function.getEntryBlock()) {
    if (instruction.hasMetadata("tenon.memory_base")) {
      return llvm::getLoadStorePointerOperand(&instruction);
    }
  }
  return nullptr;
}

class Versioning {
 public:
  Versioning(llvm::Function& function, llvm::FunctionAnalysisManager& analyses)
      : function_(function),
        knowledge_{analyses.getResult<llvm::LoopAnalysis>(function),
                   analyses.getResult<llvm::DominatorTreeAnalysis>(function),
                   analyses.getResult<llvm::ScalarEvolutionAnalysis>(function), function.getDataLayout()},
        assumptions_(analyses.getResult<llvm::AssumptionAnalysis>(function)),
        instance_(instance_of(function)) {}

  bool run();

 private:
  void make_subtractions();
  void consider(Loop& loop);
  void apply(const Plan& plan);
  [[nodiscard]] Value* emit_check(const Plan& plan, Instruction* before);
  void fold_checks(const Plan& plan, llvm::ValueToValueMapTy& copies);
  void join_exits(const Loop& region, llvm::ValueToValueMapTy& copies, BasicBlock& check);

  llvm::Function& function_;
  const LoopKnowledge knowledge_;
  llvm::AssumptionCache& assumptions_;
  const Value* const instance_;
  bool changed_ = false;
};

bool Versioning::run() {
  if (instance_ == nullptr || knowledge_.loops.empty()) {
    return false;
  }
  const std::vector<Loop*> outermost(knowledge_.loops.begin(), knowledge_.loops.end());
  for (Loop* const loop : outermost) {
    changed_ |= llvm::simplifyLoop(loop, &knowledge_.dominators, &knowledge_.loops, &knowledge_.evolution,
                                   &assumptions_, nullptr, false);
    changed_ |= llvm::formLCSSARecursively(*loop, knowledge_.dominators, &knowledge_.loops, &knowledge_.evolution);
  }
  make_subtractions();
  for (Loop* const loop : outermost) {
    consider(*loop);
  }
  return changed_;
}

/// Reversed loops that were unrolled have `x ^ -8` for `-8 - x` where x is a multiple of 8, and ScalarEvolution does
/// not see that it is affine.
void Versioning::make_subtractions() {
  for (const Loop* const loop : knowledge_.loops.getLoopsInPreorder()) {
    for (BasicBlock* const block : loop->blocks()) {
      if (knowledge_.loops.getLoopFor(block) != loop) {
        continue;
      }
      for (Instruction& instruction : llvm::make_early_inc_range(*block)) {
        const auto* const constant = llvm::dyn_cast_if_present<llvm::ConstantInt>(
            instruction.getOpcode() == Instruction::Xor ? instruction.getOperand(1) : nullptr);
        if (constant == nullptr || !constant->isNegative()) {
          continue;
        }
        const unsigned low_bits = constant->getBitWidth() - constant->getValue().countLeadingOnes();
        Value* const multiple = instruction.getOperand(0);
        if (low_bits == 0 ||
            knowledge_.evolution.getMinTrailingZeros(knowledge_.evolution.getSCEV(multiple)) < low_bits) {
          continue;
        }
        auto* const subtraction =
            llvm::BinaryOperator::CreateSub(instruction.getOperand(1), multiple, "", instruction.getIterator());
        subtraction->setDebugLoc(instruction.getDebugLoc());
        knowledge_.evolution.forgetValue(&instruction);
        instruction.replaceAllUsesWith(subtraction);
        subtraction->takeName(&instruction);
        instruction.eraseFromParent();
        changed_ = true;
      }
    }
  }
}

/// Versions the nest as a whole if it can be, so that the check is made once and holds for all of it; else what is in
/// it.
void Versioning::consider(Loop& loop) {
  if (const std::unique_ptr<Plan> plan = plan_versioning(loop, instance_, knowledge_)) {
    apply(*plan);
    changed_ = true;
    return;
  }
  const std::vector<Loop*> inner(loop.begin(), loop.end());
  for (Loop* const next : inner) {
    consider(*next);
  }
}

/// Whether no access of the region can trap.
Value* Versioning::emit_check(const Plan& plan, Instruction* before) {
  llvm::IRBuilder<> builder(before);
  llvm::SCEVExpander expander(knowledge_.evolution, knowledge_.layout, "range");
  llvm::Type* const i64 = builder.getInt64Ty();

  Value* const instance = plan.base->getPointerOperand();
  llvm::LoadInst* const memory = builder.CreateLoad(
      builder.getPtrTy(),
      builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), instance, offsetof(abi::Instance, memory)), "memory");
  memory->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(function_.getContext(), {}));
  llvm::LoadInst* const size = builder.CreateAlignedLoad(
      i64, builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), memory, offsetof(abi::Memory, size)),
      llvm::Align(alignof(uint64_t)), "size");
  size->setAtomic(llvm::AtomicOrdering::Monotonic);
  Value* const limit =
      builder.CreateBinaryIntrinsic(llvm::Intrinsic::umin, size, builder.getInt64(kEndOfAddresses), {}, "limit");

  Value* all = nullptr;
  const auto require = [&](Value* condition) { all = all == nullptr ? condition : builder.CreateAnd(all, condition); };
  for (const Condition& condition : plan.affine.conditions()) {
    Value* const left = expander.expandCodeFor(condition.left, i64, before);
    Value* const right = expander.expandCodeFor(condition.right, i64, before);
    require(builder.CreateICmp(condition.predicate, left, right));
  }
  for (const Group& group : plan.groups) {
    const llvm::SCEV* const end = knowledge_.evolution.getAddExpr(group.range.high, plan.affine.constant(group.end));
    require(builder.CreateICmpSLE(expander.expandCodeFor(end, i64, before), limit));
  }
  // Whatever LLVM believes about the values that this was computed from: there is one answer.
  return builder.CreateFreeze(all, "inside");
}

void Versioning::apply(const Plan& plan) {
  Loop& region = *plan.region;
  BasicBlock* const check = region.getLoopPreheader();
  BasicBlock* const original =
      llvm::SplitBlock(check, check->getTerminator(), &knowledge_.dominators, &knowledge_.loops);
  original->setName(region.getHeader()->getName() + ".exact");

  llvm::ValueToValueMapTy copies;
  llvm::SmallVector<BasicBlock*, 16> blocks;
  llvm::cloneLoopWithPreheader(original, check, &region, copies, ".inside", &knowledge_.loops, &knowledge_.dominators,
                               blocks);
  llvm::remapInstructionsInBlocks(blocks, copies);

  Instruction* const old = check->getTerminator();
  Value* const inside = emit_check(plan, old);
  auto* const branch = llvm::BranchInst::Create(blocks.front(), original, inside, old->getIterator());
  branch->setDebugLoc(old->getDebugLoc());
  constexpr uint32_t kUsual = 2000;
  branch->setMetadata(llvm::LLVMContext::MD_prof,
                      llvm::MDBuilder(function_.getContext()).createBranchWeights(kUsual, 1));
  old->eraseFromParent();

  branch->setMetadata(kVersioned, llvm::MDNode::get(function_.getContext(), {}));

  join_exits(region, copies, *check);
  fold_checks(plan, copies);
  LoopCopy copy(plan, copies, knowledge_);
  copy.transform();
  for (Loop* const loop : {&region, &copy.outermost()}) {
    llvm::formDedicatedExitBlocks(loop, &knowledge_.dominators, &knowledge_.loops, nullptr, true);
  }
  for (Loop* const loop : region.getLoopsInPreorder()) {
    llvm::addStringMetadataToLoop(loop, kNotUnrolled, 1);
  }
  knowledge_.evolution.forgetAllLoops();
}

/// Takes the checks out of the copy, of which none can fail.
void Versioning::fold_checks(const Plan& plan, llvm::ValueToValueMapTy& copies) {
  if (plan.checks.empty()) {
    return;
  }
  llvm::DomTreeUpdater updater(knowledge_.dominators, llvm::DomTreeUpdater::UpdateStrategy::Eager);
  for (const Check& check : plan.checks) {
    auto* const branch = llvm::cast<llvm::BranchInst>(static_cast<Value*>(copies[check.branch]));
    Value* const condition = branch->getCondition();
    branch->setCondition(llvm::ConstantInt::getBool(function_.getContext(), !check.traps_if_true));
    llvm::RecursivelyDeleteTriviallyDeadInstructions(condition);
    llvm::ConstantFoldTerminator(branch->getParent(), false, nullptr, &updater);
  }
  const auto* const header = llvm::cast<BasicBlock>(copies[plan.region->getHeader()]);
  const llvm::SmallVector<BasicBlock*, 16> blocks(knowledge_.loops.getLoopFor(header)->blocks());
  for (BasicBlock* const block : blocks) {
    for (Instruction& instruction : llvm::make_early_inc_range(*block)) {
      if (is_memory_size(&instruction, instance_) && instruction.use_empty()) {
        instruction.eraseFromParent();
      }
    }
  }
  for (BasicBlock* const block : blocks) {
    llvm::MergeBlockIntoPredecessor(block, &updater, &knowledge_.loops);
  }
  knowledge_.evolution.forgetAllLoops();
}

/// Lets the copy leave to where the original leaves to.
void Versioning::join_exits(const Loop& region, llvm::ValueToValueMapTy& copies, BasicBlock& check) {
  const auto copy_of = [&](Value* value) -> Value* {
    const auto found = copies.find(value);
    return found == copies.end() ? value : static_cast<Value*>(found->second);
  };
  llvm::SmallVector<BasicBlock*, 4> exits;
  region.getUniqueExitBlocks(exits);
  for (BasicBlock* const exit : exits) {
    for (llvm::PHINode& phi : exit->phis()) {
      const unsigned count = phi.getNumIncomingValues();
      for (unsigned n = 0; n < count; ++n) {
        if (region.contains(phi.getIncomingBlock(n))) {
          phi.addIncoming(copy_of(phi.getIncomingValue(n)), llvm::cast<BasicBlock>(copy_of(phi.getIncomingBlock(n))));
        }
      }
    }
  }
  // What was dominated by a block of the region is now reached through either.
  llvm::SmallVector<BasicBlock*, 8> outside;
  for (BasicBlock* const block : region.blocks()) {
    for (const llvm::DomTreeNode* const child : *knowledge_.dominators.getNode(block)) {
      if (!region.contains(child->getBlock())) {
        outside.push_back(child->getBlock());
      }
    }
  }
  for (BasicBlock* const block : outside) {
    knowledge_.dominators.changeImmediateDominator(block, &check);
  }
  knowledge_.evolution.forgetAllLoops();
}

/// A decision to be made again, now that LLVM has done with the copy what it can.
class Review {
 public:
  Review(llvm::Function& function, llvm::FunctionAnalysisManager& analyses)
      : function_(function),
        loops_(analyses.getResult<llvm::LoopAnalysis>(function)),
        dominators_(analyses.getResult<llvm::DominatorTreeAnalysis>(function)) {}

  /// Whether something was changed.
  bool run();

 private:
  [[nodiscard]] std::vector<Loop*> loops_behind(const llvm::BranchInst& branch, unsigned successor) const;
  [[nodiscard]] bool is_better(const llvm::BranchInst& branch) const;
  void take_back(llvm::BranchInst& branch);

  llvm::Function& function_;
  llvm::LoopInfo& loops_;
  llvm::DominatorTree& dominators_;
};

bool Review::run() {
  std::vector<llvm::BranchInst*> idle;
  for (BasicBlock& block : function_) {
    auto* const branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
    if (branch != nullptr && branch->hasMetadata(kVersioned) && branch->isConditional() && !is_better(*branch)) {
      idle.push_back(branch);
    }
  }
  for (llvm::BranchInst* const branch : idle) {
    take_back(*branch);
  }
  if (idle.empty()) {
    return false;
  }
  llvm::EliminateUnreachableBlocks(function_);
  const Value* const instance = instance_of(function_);
  for (BasicBlock& block : function_) {
    for (Instruction& instruction : llvm::make_early_inc_range(block)) {
      if (instruction.use_empty() && is_memory_size(&instruction, instance)) {
        instruction.eraseFromParent();  // LLVM itself keeps atomic loads
      }
    }
  }
  return true;
}

/// The loops that are only entered by way of one of the branch's successors.
std::vector<Loop*> Review::loops_behind(const llvm::BranchInst& branch, unsigned successor) const {
  const llvm::BasicBlockEdge edge(branch.getParent(), branch.getSuccessor(successor));
  std::vector<Loop*> result;
  for (Loop* const loop : loops_.getLoopsInPreorder()) {
    if (dominators_.dominates(edge, loop->getHeader())) {
      result.push_back(loop);
    }
  }
  return result;
}

/// Whether the copy has been vectorized somewhere, or makes fewer accesses.
bool Review::is_better(const llvm::BranchInst& branch) const {
  const std::vector<Loop*> copy = loops_behind(branch, 0);
  if (std::ranges::any_of(
          copy, [](const Loop* loop) { return llvm::getBooleanLoopAttribute(loop, "llvm.loop.isvectorized"); })) {
    return true;
  }
  if (std::ranges::any_of(copy, [](const Loop* loop) { return llvm::getBooleanLoopAttribute(loop, kRolled); })) {
    return false;  // the guest's compiler knew why it unrolled it
  }
  // Those in inner loops are made more often.
  const auto accesses = [&](const std::vector<Loop*>& loops) {
    uint64_t result = 0;
    for (const Loop* const loop : loops) {
      for (const BasicBlock* const block : loop->blocks()) {
        result += std::ranges::count_if(*block,
                                        [](const Instruction& instruction) {
                                          return llvm::isa<llvm::LoadInst, llvm::StoreInst>(instruction) &&
                                                 !instruction.isAtomic();
                                        }) *
                  (loop->isInnermost() ? 8 : 1);
      }
    }
    return result;
  };
  return accesses(copy) < accesses(loops_behind(branch, 1));
}

void Review::take_back(llvm::BranchInst& branch) {
  for (Loop* const loop : loops_behind(branch, 1)) {
    if (llvm::MDNode* const attributes = loop->getLoopID()) {
      loop->setLoopID(llvm::makePostTransformationMetadata(function_.getContext(), attributes, {kNotUnrolled}, {}));
    }
  }
  Value* const condition = branch.getCondition();
  branch.setCondition(llvm::ConstantInt::getFalse(function_.getContext()));
  llvm::RecursivelyDeleteTriviallyDeadInstructions(condition);
  llvm::ConstantFoldTerminator(branch.getParent());
}

class LoopVersioningPass : public llvm::PassInfoMixin<LoopVersioningPass> {
 public:
  static llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    return Versioning(function, analyses).run() ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
  }
};

class LoopReviewPass : public llvm::PassInfoMixin<LoopReviewPass> {
 public:
  LoopReviewPass() {
    before_.addPass(llvm::InstCombinePass());
    before_.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
    before_.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  }

  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    const bool is_versioned = std::ranges::any_of(
        function, [](const BasicBlock& block) { return block.getTerminator()->hasMetadata(kVersioned); });
    if (!is_versioned) {
      return llvm::PreservedAnalyses::all();
    }
    llvm::PreservedAnalyses preserved = before_.run(function, analyses);
    if (Review(function, analyses).run()) {
      preserved = llvm::PreservedAnalyses::none();
    }
    return preserved;
  }

 private:
  llvm::FunctionPassManager before_;
};

}  // namespace

void add_loop_versioning(llvm::FunctionPassManager& passes) {
  passes.addPass(LoopVersioningPass());
}

void add_loop_review(llvm::FunctionPassManager& passes) {
  passes.addPass(LoopReviewPass());
}

}  // namespace tenon::compiler
