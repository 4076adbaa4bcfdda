#include "compiler/loop_copy.h"

#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

#include <algorithm>

#include "compiler/loop_rolling.h"

namespace tenon::compiler {

namespace {

using llvm::BasicBlock;
using llvm::CmpInst;
using llvm::Instruction;
using llvm::Loop;
using llvm::SCEV;
using llvm::Value;

}  // namespace

LoopCopy::LoopCopy(const Plan& plan, llvm::ValueToValueMapTy& values, const LoopKnowledge& knowledge)
    : plan_(plan),
      knowledge_(knowledge),
      evolution_(knowledge.evolution),
      expander_(knowledge.evolution, knowledge.layout, "range"),
      builder_(knowledge.evolution.getContext()),
      i64_(builder_.getInt64Ty()),
      i8_(builder_.getInt8Ty()) {
  for (Loop* const loop : plan.region->getLoopsInPreorder()) {
    auto* const header = llvm::cast<BasicBlock>(static_cast<Value*>(values[loop->getHeader()]));
    loops_.push_back({.original = loop,
                      .copy = knowledge.loops.getLoopFor(header),
                      .goes_round_few_times = goes_round_few_times(*loop, knowledge.evolution)});
  }
  for (const Access& access : plan.accesses) {
    auto* const copied = llvm::cast<Instruction>(static_cast<Value*>(values[access.instruction]));
    accesses_.push_back({.original = &access, .instruction = copied});
  }
}

void LoopCopy::transform() {
  prepare();
  compute_last_values();
  roll_up_innermost();
  rewrite();
  mark_loops();
}

/// Finds out what can be rewritten, and how: the rest of what is here relies on it.
void LoopCopy::prepare() {
  for (CopiedLoop& loop : loops_) {
    loop.rounds = rounds_of(*loop.copy);
  }
  for (CopiedAccess& access : accesses_) {
    if (plan_.groups[access.original->group].affine.has_others()) {
      prepare_local(access);
    }
  }
}

CopiedLoop& LoopCopy::loop_of(const Instruction& copied) {
  return *std::find_if(loops_.rbegin(), loops_.rend(),
                       [&](const CopiedLoop& loop) { return loop.copy->contains(&copied); });
}

CopiedLoop* LoopCopy::parent_of(const CopiedLoop& loop) {
  const auto parent = std::ranges::find(loops_, loop.copy->getParentLoop(), &CopiedLoop::copy);
  return parent == loops_.end() ? nullptr : &*parent;
}

/// Null, unless the latch alone leaves the loop, and it can be computed before the loop when.
const SCEV* LoopCopy::rounds_of(Loop& copy) {
  const BasicBlock* const latch = copy.getLoopLatch();
  const auto* const branch = llvm::dyn_cast<llvm::BranchInst>(latch->getTerminator());
  const SCEV* const rounds = evolution_.getBackedgeTakenCount(&copy);
  if (copy.getExitingBlock() != latch || branch == nullptr || !branch->isConditional() ||
      llvm::isa<llvm::SCEVCouldNotCompute>(rounds) || rounds->getType()->getIntegerBitWidth() > 64) {
    return nullptr;
  }
  const SCEV* const wide = evolution_.getNoopOrZeroExtend(rounds, i64_);
  const bool can_be_computed = evolution_.isLoopInvariant(wide, &copy) &&
                               expander_.isSafeToExpandAt(wide, copy.getLoopPreheader()->getTerminator());
  return can_be_computed ? wide : nullptr;
}

/// The group's address is affine in the loop that the access is in at most. Lets it start there where it starts in this
/// round of the loops around.
void LoopCopy::prepare_local(CopiedAccess& access) {
  const std::optional<Address> place = address_of(*access.instruction, knowledge_);
  access.stays = true;
  if (!place) {
    return;
  }
  const Loop* const loop = loop_of(*access.instruction).copy;
  const Instruction* const before = loop->getLoopPreheader()->getTerminator();
  const auto from_group = static_cast<uint64_t>(access.original->offset - place->offset);
  access.start =
      evolution_.getMinusSCEV(place->variable, evolution_.getConstant(place->variable->getType(), from_group, true));
  if (const auto* const recurrence = llvm::dyn_cast<llvm::SCEVAddRecExpr>(access.start);
      recurrence != nullptr && recurrence->getLoop() == loop && recurrence->isAffine()) {
    access.start = recurrence->getStart();
    access.step = evolution_.getNoopOrSignExtend(recurrence->getStepRecurrence(evolution_), i64_);
  }
  access.stays = !evolution_.isLoopInvariant(access.start, loop) || !expander_.isSafeToExpandAt(access.start, before) ||
                 (access.step != nullptr && !expander_.isSafeToExpandAt(access.step, before));
}

/// Computes before an innermost loop what its induction variables are after it, so that they are not needed in it.
void LoopCopy::compute_last_values() {
  for (CopiedLoop& loop : loops_) {
    if (!loop.copy->isInnermost() || loop.rounds == nullptr) {
      continue;
    }
    Instruction* const before = loop.copy->getLoopPreheader()->getTerminator();
    for (BasicBlock* const block : loop.copy->blocks()) {
      for (Instruction& instruction : *block) {
        const auto is_outside = [&](const llvm::Use& use) {
          return !loop.copy->contains(llvm::cast<Instruction>(use.getUser()));
        };
        if (!instruction.getType()->isIntegerTy() || llvm::none_of(instruction.uses(), is_outside)) {
          continue;
        }
        const auto* const recurrence = llvm::dyn_cast<llvm::SCEVAddRecExpr>(evolution_.getSCEV(&instruction));
        if (recurrence == nullptr || recurrence->getLoop() != loop.copy || !recurrence->isAffine()) {
          continue;
        }
        const SCEV* const last = recurrence->evaluateAtIteration(loop.rounds, evolution_);
        if (evolution_.isLoopInvariant(last, loop.copy) && expander_.isSafeToExpandAt(last, before)) {
          instruction.replaceUsesWithIf(expander_.expandCodeFor(last, instruction.getType(), before), is_outside);
        }
      }
    }
  }
}

void LoopCopy::roll_up_innermost() {
  for (CopiedLoop& loop : loops_) {
    if (!loop.copy->isInnermost() || loop.rounds == nullptr) {
      continue;
    }
    std::vector<RolledAccess> rolled;
    std::vector<CopiedAccess*> accesses;
    bool all_move = true;
    for (CopiedAccess& access : accesses_) {
      if (access.instruction == nullptr || !loop.copy->contains(access.instruction)) {
        continue;
      }
      const Affine& affine = plan_.groups[access.original->group].affine;
      const SCEV* const step = affine.has_others() ? access.step : affine.step(loop.original);
      std::optional<int64_t> known;
      if (step == nullptr || step->isZero()) {
        known = 0;
      } else if (const auto* const constant = llvm::dyn_cast<llvm::SCEVConstant>(step)) {
        known = constant->getAPInt().getSExtValue();
      }
      all_move = all_move && !access.stays;
      accesses.push_back(&access);
      rolled.push_back({access.instruction, access.original->group, access.original->offset,
                        static_cast<int64_t>(access.original->width), known});
    }
    if (!all_move) {
      continue;
    }
    loop.times = roll_up(*loop.copy, evolution_, rolled);
    for (size_t n = 0; n < rolled.size(); ++n) {
      accesses[n]->instruction = rolled[n].instruction;
    }
  }
}

void LoopCopy::rewrite() {
  for (CopiedLoop& loop : loops_) {
    BasicBlock* const header = loop.copy->getHeader();
    loop.round = llvm::PHINode::Create(i64_, 2, "round", header->begin());
    builder_.SetInsertPoint(loop.copy->getLoopLatch()->getTerminator());
    // Fewer than 2^32 rounds were checked, and each may have become a few.
    Value* const next = builder_.CreateAdd(loop.round, builder_.getInt64(1), "round.next", true, true);
    loop.round->addIncoming(builder_.getInt64(0), loop.copy->getLoopPreheader());
    loop.round->addIncoming(next, loop.copy->getLoopLatch());
    count_rounds(loop);
  }
  llvm::SmallVector<llvm::WeakTrackingVH, 16> unused;
  for (const CopiedAccess& access : accesses_) {
    if (access.instruction == nullptr) {
      continue;
    }
    auto* const load = llvm::dyn_cast<llvm::LoadInst>(access.instruction);
    if (load != nullptr) {
      load->setVolatile(false);
    } else {
      llvm::cast<llvm::StoreInst>(access.instruction)->setVolatile(false);
    }
    access.instruction->setMetadata("tenon.access", nullptr);
    if (access.stays) {
      continue;
    }
    const unsigned operand =
        load != nullptr ? llvm::LoadInst::getPointerOperandIndex() : llvm::StoreInst::getPointerOperandIndex();
    unused.emplace_back(access.instruction->getOperand(operand));
    access.instruction->setOperand(operand, address(access));
  }
  llvm::RecursivelyDeleteTriviallyDeadInstructionsPermissive(unused);
  for (const CopiedLoop& loop : loops_) {
    llvm::DeleteDeadPHIs(loop.copy->getHeader());
  }
}

/// Lets the loop be left by the count of its rounds, so that it needs no other induction variable.
void LoopCopy::count_rounds(CopiedLoop& loop) {
  if (loop.rounds == nullptr) {
    return;
  }
  auto* const branch = llvm::cast<llvm::BranchInst>(loop.copy->getLoopLatch()->getTerminator());
  const SCEV* rounds = loop.rounds;
  if (loop.times > 1) {
    // Each round is `times` now, and the last, which does not go back, is too.
    const SCEV* const times = evolution_.getConstant(i64_, loop.times);
    rounds = evolution_.getMinusSCEV(
        evolution_.getMulExpr(evolution_.getAddExpr(rounds, evolution_.getOne(i64_)), times), evolution_.getOne(i64_));
  }
  Value* const count = expander_.expandCodeFor(rounds, i64_, loop.copy->getLoopPreheader()->getTerminator());
  builder_.SetInsertPoint(branch);
  const bool leaves_if_true = !loop.copy->contains(branch->getSuccessor(0));
  Value* const old = branch->getCondition();
  branch->setCondition(
      builder_.CreateICmp(leaves_if_true ? CmpInst::ICMP_EQ : CmpInst::ICMP_NE, loop.round, count, "last"));
  llvm::RecursivelyDeleteTriviallyDeadInstructions(old);
}

Value* LoopCopy::address(const CopiedAccess& access) {
  CopiedLoop& loop = loop_of(*access.instruction);
  Value* group = nullptr;
  if (access.start == nullptr) {
    group = group_in(access.original->group, &loop);
  } else {
    Instruction* const before = loop.copy->getLoopPreheader()->getTerminator();
    Value*& start = starts_[{access.start, loop.copy}];
    if (start == nullptr) {
      Value* const distance = expander_.expandCodeFor(evolution_.getNoopOrZeroExtend(access.start, i64_), i64_, before);
      builder_.SetInsertPoint(before);
      start = separate(builder_.CreateInBoundsGEP(i8_, plan_.base, distance));
    }
    group = advanced(start, access.step, loop, access.instruction);
  }
  if (access.original->offset == 0) {
    return group;
  }
  builder_.SetInsertPoint(access.instruction);
  return builder_.CreateInBoundsGEP(i8_, group, builder_.getInt64(static_cast<uint64_t>(access.original->offset)));
}

/// A pointer that LLVM takes for one into an object of its own, which may overlap others. Of two pointers into one
/// object it wants to know at compile time how far they are from each other, of others it finds out at run time.
Value* LoopCopy::separate(Value* pointer) {
  return builder_.CreateFreeze(pointer);
}

/// The address of a group in a loop, or before the region.
Value* LoopCopy::group_in(size_t group, CopiedLoop* loop) {
  Value*& known = groups_[{group, loop == nullptr ? nullptr : loop->copy}];
  if (known != nullptr) {
    return known;
  }
  const Affine& affine = plan_.groups[group].affine;
  if (loop == nullptr) {
    Instruction* const before = loops_.front().copy->getLoopPreheader()->getTerminator();
    Value* const start = expander_.expandCodeFor(affine.start, i64_, before);
    builder_.SetInsertPoint(before);
    return known = separate(builder_.CreateInBoundsGEP(i8_, plan_.base, start));
  }
  Value* const outside = group_in(group, parent_of(*loop));
  return known =
             advanced(outside, affine.step(loop->original), *loop, &*loop->copy->getHeader()->getFirstInsertionPt());
}

/// `start`, after the rounds that `loop` has gone. `before` is in the loop.
Value* LoopCopy::advanced(Value* start, const SCEV* step, const CopiedLoop& loop, Instruction* before) {
  if (step == nullptr || step->isZero()) {
    return start;
  }
  BasicBlock* const header = loop.copy->getHeader();
  Value*& distance = distances_[{step, loop.copy}];
  if (distance == nullptr) {
    Value* factor = expander_.expandCodeFor(step, i64_, loop.copy->getLoopPreheader()->getTerminator());
    if (loop.times > 1) {
      factor = llvm::ConstantInt::getSigned(
          i64_, llvm::cast<llvm::ConstantInt>(factor)->getSExtValue() / static_cast<int64_t>(loop.times));
    }
    builder_.SetInsertPoint(header, header->getFirstInsertionPt());
    distance = builder_.CreateMul(loop.round, factor, "distance", evolution_.isKnownNonNegative(step), true);
  }
  builder_.SetInsertPoint(before);
  if (auto* const computed = llvm::dyn_cast<Instruction>(distance);
      computed != nullptr && computed->getParent() == before->getParent() &&
      (before == computed || before->comesBefore(computed))) {
    builder_.SetInsertPoint(computed->getNextNode());
  }
  return builder_.CreateInBoundsGEP(i8_, start, distance);
}

/// What later passes want to know.
void LoopCopy::mark_loops() {
  for (const CopiedLoop& loop : loops_) {
    if (loop.times > 1) {
      llvm::addStringMetadataToLoop(loop.copy, kRolled, 1);
    }
    if (loop.goes_round_few_times) {
      // What clang leaves beside an unrolled loop, for example.
      llvm::addStringMetadataToLoop(loop.copy, "llvm.loop.vectorize.enable", 0);
      llvm::addStringMetadataToLoop(loop.copy, "llvm.loop.unroll.disable", 1);
    }
  }
}

}  // namespace tenon::compiler
