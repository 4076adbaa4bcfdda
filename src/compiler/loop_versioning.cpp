#include "compiler/loop_versioning.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/DomTreeUpdater.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "abi/abi.h"
#include "compiler/affine_region.h"
#include "compiler/loop_rolling.h"

namespace tenon::compiler {

namespace {

using llvm::BasicBlock;
using llvm::CmpInst;
using llvm::Instruction;
using llvm::Loop;
using llvm::SCEV;
using llvm::Value;

// What is larger is hardly ever a kernel, and would be there twice.
constexpr unsigned kMostInstructions = 1000;
constexpr size_t kMostGroups = 24;
constexpr size_t kMostConditions = 32;
/// Loops that go round less often are not what a copy is made for.
constexpr unsigned kFewRounds = 8;
/// Addresses of a 32-bit memory are below it, whatever the size is said to be.
constexpr int64_t kEndOfAddresses = int64_t{1} << 32;

/// A load or store of memory 0.
struct Access {
  Instruction* instruction;
  uint64_t width;
  size_t group;
  int64_t offset;  ///< from the group's address
};

/// A branch that leaves the region for a trap when an access would not be inside the memory.
struct Check {
  llvm::BranchInst* branch;
  bool traps_if_true;
};

/// Where an access is.
struct Address {
  llvm::LoadInst* base;  ///< of the memory
  const SCEV* variable;  ///< 32 bits wide, to be extended with zeros; or 64 bits wide
  int64_t offset;        ///< to be added
};

/// Accesses whose addresses differ by constants.
struct Group {
  /// The lowest of their addresses without their static offsets: 32 bits wide, to be extended with zeros; or 64 bits
  /// wide, and then exact.
  const SCEV* address;
  int64_t end = 0;  ///< of the access that reaches furthest, from `address`
  Affine affine;    ///< 64 bits wide
  AffineRegion::Interval range{};

  [[nodiscard]] bool is_narrow() const { return address->getType()->getIntegerBitWidth() < 64; }
};

/// A region that can be versioned.
struct Plan {
  Plan(llvm::ScalarEvolution& evolution, const llvm::LoopInfo& loops, Loop& loop)
      : region(&loop), affine(evolution, loops, loop) {}

  Loop* region;
  AffineRegion affine;
  llvm::LoadInst* base = nullptr;  ///< of the memory's base
  std::vector<Access> accesses;
  std::vector<Check> checks;
  std::vector<Group> groups;
};

/// Mostly a 32-bit address, extended, and the static offset.
Address split_address(llvm::LoadInst* base, const SCEV* address) {
  const SCEV* narrow = address;
  int64_t offset = 0;
  if (const auto* const sum = llvm::dyn_cast<llvm::SCEVAddExpr>(address);
      sum != nullptr && sum->getNumOperands() == 2 && llvm::isa<llvm::SCEVConstant>(sum->getOperand(0))) {
    const llvm::APInt& constant = llvm::cast<llvm::SCEVConstant>(sum->getOperand(0))->getAPInt();
    if (constant.isNonNegative() && constant.ult(kEndOfAddresses)) {
      narrow = sum->getOperand(1);
      offset = constant.getSExtValue();
    }
  }
  const auto* const extension = llvm::dyn_cast<llvm::SCEVZeroExtendExpr>(narrow);
  if (extension != nullptr && extension->getOperand()->getType()->isIntegerTy(32)) {
    return {base, extension->getOperand(), offset};
  }
  return {base, address, 0};
}

llvm::Type* accessed_type(const Instruction& access) {
  return llvm::getLoadStoreType(const_cast<Instruction*>(&access));
}

/// An access in the copy of a region.
struct CopiedAccess {
  const Access* original;
  Instruction* instruction;  ///< null: is no longer there
  /// Where the group's address starts in the loop that the access is in, and its step there, if it is to be computed in
  /// that loop; else it is computed through all loops.
  const SCEV* start;
  const SCEV* step;
  bool stays;  ///< its address is not affine, and stays as it is
};

/// A loop in the copy of a region.
struct CopiedLoop {
  const Loop* original;
  Loop* copy;
  llvm::PHINode* round = nullptr;  ///< counts rounds
  const SCEV* rounds = nullptr;    ///< how often it goes round, 64 bits wide, if that can be computed before it
  unsigned times = 1;              ///< as many rounds as the original
};

/// The copy of a region, whose accesses become ordinary ones, at addresses that are told by how often its loops have
/// gone round.
class Copy {
 public:
  Copy(const Plan& plan, llvm::ValueToValueMapTy& values, llvm::LoopInfo& loops, llvm::ScalarEvolution& evolution,
       const llvm::DataLayout& layout);

  [[nodiscard]] std::vector<CopiedLoop>& loops() { return loops_; }
  [[nodiscard]] std::vector<CopiedAccess>& accesses() { return accesses_; }

  /// Finds out what can be rewritten, and how: the rest of what is here relies on it.
  template <class AddressOf>
  void prepare(AddressOf address_of);
  void compute_last_values();
  void roll_up_innermost();
  void rewrite();

 private:
  [[nodiscard]] CopiedLoop& loop_of(const Instruction& copied);
  [[nodiscard]] const SCEV* rounds_of(Loop& copy);
  void prepare_local(CopiedAccess& access, const std::optional<Address>& place);
  void count_rounds(CopiedLoop& loop);
  [[nodiscard]] Value* address(const CopiedAccess& access);
  [[nodiscard]] Value* separate(Value* pointer);
  [[nodiscard]] Value* group_in(size_t group, CopiedLoop* loop);
  [[nodiscard]] CopiedLoop* parent_of(const CopiedLoop& loop);
  [[nodiscard]] Value* advanced(Value* start, const SCEV* step, const CopiedLoop& loop, Instruction* before);

  const Plan& plan_;
  llvm::ScalarEvolution& evolution_;
  llvm::SCEVExpander expander_;
  llvm::IRBuilder<> builder_;
  llvm::Type* const i64_;
  llvm::Type* const i8_;
  std::vector<CopiedLoop> loops_;  ///< inner ones later
  std::vector<CopiedAccess> accesses_;
  std::map<std::pair<size_t, const Loop*>, Value*> groups_;          ///< by group and copy; null is before the region
  std::map<std::pair<const SCEV*, const Loop*>, Value*> starts_;     ///< by start and copy
  std::map<std::pair<const SCEV*, const Loop*>, Value*> distances_;  ///< by step and copy
};

Copy::Copy(const Plan& plan, llvm::ValueToValueMapTy& values, llvm::LoopInfo& loops, llvm::ScalarEvolution& evolution,
           const llvm::DataLayout& layout)
    : plan_(plan),
      evolution_(evolution),
      expander_(evolution, layout, "range"),
      builder_(evolution.getContext()),
      i64_(builder_.getInt64Ty()),
      i8_(builder_.getInt8Ty()) {
  for (const Loop* const loop : plan.region->getLoopsInPreorder()) {
    auto* const header = llvm::cast<BasicBlock>(static_cast<Value*>(values[loop->getHeader()]));
    loops_.push_back({loop, loops.getLoopFor(header)});
  }
  for (const Access& access : plan.accesses) {
    auto* const copied = llvm::cast<Instruction>(static_cast<Value*>(values[access.instruction]));
    accesses_.push_back({&access, copied, nullptr, nullptr, false});
  }
}

template <class AddressOf>
void Copy::prepare(AddressOf address_of) {
  for (CopiedLoop& loop : loops_) {
    loop.rounds = rounds_of(*loop.copy);
  }
  for (CopiedAccess& access : accesses_) {
    if (plan_.groups[access.original->group].affine.has_others()) {
      prepare_local(access, address_of(*access.instruction));
    }
  }
}

CopiedLoop& Copy::loop_of(const Instruction& copied) {
  return *std::find_if(loops_.rbegin(), loops_.rend(),
                       [&](const CopiedLoop& loop) { return loop.copy->contains(&copied); });
}

CopiedLoop* Copy::parent_of(const CopiedLoop& loop) {
  const auto parent = std::ranges::find(loops_, loop.copy->getParentLoop(), &CopiedLoop::copy);
  return parent == loops_.end() ? nullptr : &*parent;
}

/// Null, unless the latch alone leaves the loop, and it can be computed before the loop when.
const SCEV* Copy::rounds_of(Loop& copy) {
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
void Copy::prepare_local(CopiedAccess& access, const std::optional<Address>& place) {
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
void Copy::compute_last_values() {
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

void Copy::roll_up_innermost() {
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

void Copy::rewrite() {
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
    auto* const store = llvm::dyn_cast<llvm::StoreInst>(access.instruction);
    if (load != nullptr) {
      load->setVolatile(false);
    } else {
      store->setVolatile(false);
    }
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
void Copy::count_rounds(CopiedLoop& loop) {
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

Value* Copy::address(const CopiedAccess& access) {
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
Value* Copy::separate(Value* pointer) {
  return builder_.CreateFreeze(pointer);
}

/// The address of a group in a loop, or before the region.
Value* Copy::group_in(size_t group, CopiedLoop* loop) {
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
Value* Copy::advanced(Value* start, const SCEV* step, const CopiedLoop& loop, Instruction* before) {
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

class Versioning {
 public:
  Versioning(llvm::Function& function, llvm::FunctionAnalysisManager& analyses)
      : function_(function),
        layout_(function.getDataLayout()),
        loops_(analyses.getResult<llvm::LoopAnalysis>(function)),
        dominators_(analyses.getResult<llvm::DominatorTreeAnalysis>(function)),
        evolution_(analyses.getResult<llvm::ScalarEvolutionAnalysis>(function)),
        assumptions_(analyses.getResult<llvm::AssumptionAnalysis>(function)),
        memory_base_kind_(function.getContext().getMDKindID("tenon.memory_base")),
        access_kind_(function.getContext().getMDKindID("tenon.access")) {}

  bool run();

 private:
  void make_subtractions();
  void consider(Loop& loop);

  [[nodiscard]] std::unique_ptr<Plan> plan(Loop& loop);
  [[nodiscard]] bool is_worth_it(const Plan& plan) const;
  [[nodiscard]] std::optional<Address> address_of(const Instruction& access) const;
  [[nodiscard]] bool is_memory_size(const Value* value) const;
  [[nodiscard]] bool add_check(Plan& plan, llvm::BranchInst& branch);
  [[nodiscard]] size_t add_to_group(Plan& plan, const Address& address, int64_t width);
  [[nodiscard]] bool add_access(Plan& plan, Instruction& access);
  [[nodiscard]] bool finish_groups(Plan& plan);
  [[nodiscard]] bool can_be_computed_before(const Plan& plan) const;

  void apply(Plan& plan);
  [[nodiscard]] Value* emit_check(const Plan& plan, Instruction* before);
  void fold_checks(const Plan& plan, llvm::ValueToValueMapTy& copies, Loop& copy);
  void join_exits(const Loop& region, llvm::ValueToValueMapTy& copies, BasicBlock& check);

  llvm::Function& function_;
  const llvm::DataLayout& layout_;
  llvm::LoopInfo& loops_;
  llvm::DominatorTree& dominators_;
  llvm::ScalarEvolution& evolution_;
  llvm::AssumptionCache& assumptions_;
  const unsigned memory_base_kind_;
  const unsigned access_kind_;
  const Value* instance_ = nullptr;
  bool changed_ = false;
};

bool Versioning::run() {
  for (const Instruction& instruction : function_.getEntryBlock()) {
    if (instruction.hasMetadata(memory_base_kind_)) {
      instance_ = llvm::getLoadStorePointerOperand(&instruction);
    }
  }
  if (instance_ == nullptr || loops_.empty()) {
    return false;
  }
  const std::vector<Loop*> outermost(loops_.begin(), loops_.end());
  for (Loop* const loop : outermost) {
    changed_ |= llvm::simplifyLoop(loop, &dominators_, &loops_, &evolution_, &assumptions_, nullptr, false);
    changed_ |= llvm::formLCSSARecursively(*loop, dominators_, &loops_, &evolution_);
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
  for (const Loop* const loop : loops_.getLoopsInPreorder()) {
    for (BasicBlock* const block : loop->blocks()) {
      if (loops_.getLoopFor(block) != loop) {
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
        if (low_bits == 0 || evolution_.getMinTrailingZeros(evolution_.getSCEV(multiple)) < low_bits) {
          continue;
        }
        auto* const subtraction =
            llvm::BinaryOperator::CreateSub(instruction.getOperand(1), multiple, "", instruction.getIterator());
        subtraction->setDebugLoc(instruction.getDebugLoc());
        evolution_.forgetValue(&instruction);
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
  if (const std::unique_ptr<Plan> found = plan(loop)) {
    apply(*found);
    changed_ = true;
    return;
  }
  const std::vector<Loop*> inner(loop.begin(), loop.end());
  for (Loop* const next : inner) {
    consider(*next);
  }
}

std::unique_ptr<Plan> Versioning::plan(Loop& loop) {
  auto result = std::make_unique<Plan>(evolution_, loops_, loop);
  if (loop.getLoopPreheader() == nullptr || !loop.isSafeToClone() || !result->affine.bound_loops()) {
    return nullptr;
  }
  for (const Loop* const inner : loop.getLoopsInPreorder()) {
    if (inner->getLoopPreheader() == nullptr || inner->getLoopLatch() == nullptr) {
      return nullptr;
    }
  }
  unsigned count = 0;
  for (BasicBlock* const block : loop.blocks()) {
    if (block->isEHPad() || !llvm::isa<llvm::BranchInst, llvm::SwitchInst>(block->getTerminator())) {
      return nullptr;
    }
    for (Instruction& instruction : *block) {
      if (++count > kMostInstructions) {
        return nullptr;
      }
      if (llvm::isa<llvm::LoadInst, llvm::StoreInst>(instruction) && instruction.isVolatile()) {
        if (!add_access(*result, instruction)) {
          return nullptr;
        }
      } else if (is_memory_size(&instruction)) {
        continue;
      } else if (instruction.isAtomic() || llvm::isa<llvm::FenceInst>(instruction)) {
        return nullptr;
      } else if (llvm::isa<llvm::CallBase>(instruction) && !llvm::isa<llvm::DbgInfoIntrinsic>(instruction) &&
                 (instruction.mayReadOrWriteMemory() || instruction.mayHaveSideEffects())) {
        return nullptr;
      }
    }
    if (auto* const branch = llvm::dyn_cast<llvm::BranchInst>(block->getTerminator());
        branch != nullptr && branch->isConditional() && add_check(*result, *branch) &&
        result->groups.size() > kMostGroups) {
      return nullptr;
    }
  }
  if (result->accesses.empty() || !is_worth_it(*result) || !finish_groups(*result) ||
      !can_be_computed_before(*result)) {
    return nullptr;
  }
  return result;
}

/// Whether there is a loop in the region that LLVM may make something of.
bool Versioning::is_worth_it(const Plan& plan) const {
  const auto is_left_after_known_rounds = [&](const Loop& loop) {
    llvm::SmallVector<BasicBlock*, 4> exiting;
    loop.getExitingBlocks(exiting);
    return std::ranges::all_of(exiting, [&](BasicBlock* block) {
      return llvm::is_contained(llvm::map_range(plan.checks, [](const Check& check) { return check.branch; }),
                                block->getTerminator()) ||
             !llvm::isa<llvm::SCEVCouldNotCompute>(evolution_.getExitCount(&loop, block));
    });
  };
  return std::ranges::any_of(plan.region->getLoopsInPreorder(), [&](Loop* loop) {
    const unsigned most = evolution_.getSmallConstantMaxTripCount(loop);
    return loop->isInnermost() && (most == 0 || most >= kFewRounds) && is_left_after_known_rounds(*loop) &&
           std::ranges::any_of(plan.accesses, [&](const Access& access) { return loop->contains(access.instruction); });
  });
}

/// Nothing, if it is not in memory 0.
std::optional<Address> Versioning::address_of(const Instruction& access) const {
  // In the loop it is in, so that what inner loops leave in variables is known.
  const Loop* const scope = loops_.getLoopFor(access.getParent());
  const SCEV* const whole =
      evolution_.getSCEVAtScope(const_cast<Value*>(llvm::getLoadStorePointerOperand(&access)), scope);
  const auto* const unknown = llvm::dyn_cast<llvm::SCEVUnknown>(evolution_.getPointerBase(whole));
  auto* const base = unknown == nullptr ? nullptr : llvm::dyn_cast<llvm::LoadInst>(unknown->getValue());
  if (base == nullptr || !base->hasMetadata(memory_base_kind_)) {
    return std::nullopt;
  }

  return split_address(base, evolution_.removePointerBase(whole));
}

bool Versioning::add_access(Plan& plan, Instruction& access) {
  const llvm::TypeSize size = layout_.getTypeStoreSize(accessed_type(access));
  if (access.isAtomic() || size.isScalable()) {
    return false;
  }
  const std::optional<Address> place = address_of(access);
  if (!place || (plan.base != nullptr && plan.base != place->base)) {
    return false;
  }
  plan.base = place->base;
  const auto width = static_cast<int64_t>(size.getFixedValue());
  const size_t group = add_to_group(plan, *place, width);
  // Where the group begins may have changed.
  const auto* const from_group =
      llvm::cast<llvm::SCEVConstant>(evolution_.getMinusSCEV(place->variable, plan.groups[group].address));
  plan.accesses.push_back(
      {&access, size.getFixedValue(), group, from_group->getAPInt().getSExtValue() + place->offset});
  return plan.groups.size() <= kMostGroups;
}

/// The number of the group that `address` belongs to; it now reaches to `width` bytes behind it.
size_t Versioning::add_to_group(Plan& plan, const Address& address, int64_t width) {
  for (size_t n = 0; n < plan.groups.size(); ++n) {
    Group& group = plan.groups[n];
    if (group.address->getType() != address.variable->getType()) {
      continue;
    }
    const auto* const difference =
        llvm::dyn_cast<llvm::SCEVConstant>(evolution_.getMinusSCEV(address.variable, group.address));
    if (difference == nullptr || difference->getAPInt().abs().uge(kEndOfAddresses / 4)) {
      continue;
    }
    const int64_t distance = difference->getAPInt().getSExtValue();
    if (distance < 0) {
      group.address = address.variable;
      group.end -= distance;
      for (Access& other : plan.accesses) {
        other.offset -= other.group == n ? distance : 0;
      }
    }
    group.end = std::max(group.end, std::max<int64_t>(distance, 0) + address.offset + width);
    return n;
  }
  plan.groups.push_back({address.variable, address.offset + width, {}, {}});
  return plan.groups.size() - 1;
}

bool Versioning::is_memory_size(const Value* value) const {
  const auto member_of = [](const Value* loaded, size_t offset, const Value*& object) {
    const auto* const load = llvm::dyn_cast<llvm::LoadInst>(loaded);
    const auto* const member = load == nullptr ? nullptr : llvm::dyn_cast<llvm::GEPOperator>(load->getPointerOperand());
    llvm::APInt distance(64, 0);
    if (member == nullptr || load->isVolatile() || !member->accumulateConstantOffset(load->getDataLayout(), distance) ||
        distance != offset) {
      return false;
    }
    object = member->getPointerOperand();
    return true;
  };
  const Value* memory = nullptr;
  const Value* instance = nullptr;
  return value->getType()->isIntegerTy(64) && member_of(value, offsetof(abi::Memory, size), memory) &&
         member_of(memory, offsetof(abi::Instance, memory), instance) && instance == instance_;
}

/// False: `branch` is not a check. What it checks then lies in a group as an access would that needs it.
bool Versioning::add_check(Plan& plan, llvm::BranchInst& branch) {
  auto* const comparison = llvm::dyn_cast<llvm::ICmpInst>(branch.getCondition());
  if (comparison == nullptr || !comparison->getOperand(0)->getType()->isIntegerTy(64)) {
    return false;
  }
  const bool is_swapped = is_memory_size(comparison->getOperand(0));
  const CmpInst::Predicate predicate = is_swapped ? comparison->getSwappedPredicate() : comparison->getPredicate();
  Value* const end = comparison->getOperand(is_swapped ? 1 : 0);
  if (!is_memory_size(comparison->getOperand(is_swapped ? 0 : 1)) || !llvm::ICmpInst::isUnsigned(predicate)) {
    return false;
  }
  // An end greater than the size; or, of one byte, an address not less.
  const int64_t width = predicate == CmpInst::ICMP_UGE || predicate == CmpInst::ICMP_ULT ? 1 : 0;
  const SCEV* const variable = evolution_.getSCEVAtScope(end, loops_.getLoopFor(branch.getParent()));
  (void)add_to_group(plan, split_address(nullptr, variable), width);
  plan.checks.push_back({&branch, predicate == CmpInst::ICMP_UGT || predicate == CmpInst::ICMP_UGE});
  return true;
}

bool Versioning::finish_groups(Plan& plan) {
  AffineRegion& region = plan.affine;
  for (Group& group : plan.groups) {
    std::optional<AffineRegion::Interval> range;
    std::optional<Affine> affine;
    if (group.is_narrow()) {
      const std::optional<Affine> parts = region.modular(group.address);
      affine = parts ? region.widened(*parts, false) : std::nullopt;
      range = region.range_of_address(group.address);
    } else {
      affine = region.exact(group.address);
      range = affine ? region.range_of(*affine) : std::nullopt;
    }
    if (!affine || !range) {
      return false;
    }
    group.affine = *affine;
    group.range = *range;
    region.require(CmpInst::ICMP_SGE, range->low, region.constant(0));
  }
  return !region.is_impossible() && region.conditions().size() <= kMostConditions;
}

bool Versioning::can_be_computed_before(const Plan& plan) const {
  const Instruction* const before = plan.region->getLoopPreheader()->getTerminator();
  const llvm::SCEVExpander expander(evolution_, layout_, "range");
  const auto can_be = [&](const SCEV* value) {
    return plan.affine.is_invariant(value) && expander.isSafeToExpandAt(value, before);
  };
  for (const Condition& condition : plan.affine.conditions()) {
    if (!can_be(condition.left) || !can_be(condition.right)) {
      return false;
    }
  }
  return dominators_.dominates(plan.base, before) && std::ranges::all_of(plan.groups, [&](const Group& group) {
           return can_be(group.range.low) && can_be(group.range.high) && can_be(group.affine.start) &&
                  std::ranges::all_of(group.affine.terms, [&](const Affine::Term& term) { return can_be(term.step); });
         });
}

/// Whether no access of the region can trap.
Value* Versioning::emit_check(const Plan& plan, Instruction* before) {
  llvm::IRBuilder<> builder(before);
  llvm::SCEVExpander expander(evolution_, layout_, "range");
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
    const SCEV* const end = evolution_.getAddExpr(group.range.high, plan.affine.constant(group.end));
    require(builder.CreateICmpSLE(expander.expandCodeFor(end, i64, before), limit));
  }
  // Whatever LLVM believes about the values that this was computed from: there is one answer.
  return builder.CreateFreeze(all, "inside");
}

void Versioning::apply(Plan& plan) {
  Loop& region = *plan.region;
  BasicBlock* const check = region.getLoopPreheader();
  BasicBlock* const original = llvm::SplitBlock(check, check->getTerminator(), &dominators_, &loops_);
  original->setName(region.getHeader()->getName() + ".exact");

  llvm::ValueToValueMapTy copies;
  llvm::SmallVector<BasicBlock*, 16> blocks;
  llvm::cloneLoopWithPreheader(original, check, &region, copies, ".inside", &loops_, &dominators_, blocks);
  llvm::remapInstructionsInBlocks(blocks, copies);

  Instruction* const old = check->getTerminator();
  Value* const inside = emit_check(plan, old);
  auto* const branch = llvm::BranchInst::Create(blocks.front(), original, inside, old->getIterator());
  branch->setDebugLoc(old->getDebugLoc());
  constexpr uint32_t kUsual = 2000;
  branch->setMetadata(llvm::LLVMContext::MD_prof,
                      llvm::MDBuilder(function_.getContext()).createBranchWeights(kUsual, 1));
  old->eraseFromParent();

  join_exits(region, copies, *check);
  fold_checks(plan, copies, *loops_.getLoopFor(llvm::cast<BasicBlock>(copies[region.getHeader()])));
  Copy copy(plan, copies, loops_, evolution_, layout_);
  copy.prepare([&](const Instruction& access) { return address_of(access); });
  copy.compute_last_values();
  copy.roll_up_innermost();
  copy.rewrite();
  for (const CopiedAccess& access : copy.accesses()) {
    if (access.instruction != nullptr) {
      access.instruction->setMetadata(access_kind_, nullptr);
    }
  }

  for (Loop* const loop : {&region, copy.loops().front().copy}) {
    llvm::formDedicatedExitBlocks(loop, &dominators_, &loops_, nullptr, true);
  }
  for (Loop* const loop : region.getLoopsInPreorder()) {
    llvm::addStringMetadataToLoop(loop, "llvm.loop.unroll.disable", 1);
  }
  evolution_.forgetAllLoops();
}

/// Takes the checks out of the copy, of which none can fail.
void Versioning::fold_checks(const Plan& plan, llvm::ValueToValueMapTy& copies, Loop& copy) {
  if (plan.checks.empty()) {
    return;
  }
  llvm::DomTreeUpdater updater(dominators_, llvm::DomTreeUpdater::UpdateStrategy::Eager);
  for (const Check& check : plan.checks) {
    auto* const branch = llvm::cast<llvm::BranchInst>(static_cast<Value*>(copies[check.branch]));
    Value* const condition = branch->getCondition();
    branch->setCondition(llvm::ConstantInt::getBool(function_.getContext(), !check.traps_if_true));
    llvm::RecursivelyDeleteTriviallyDeadInstructions(condition);
    llvm::ConstantFoldTerminator(branch->getParent(), false, nullptr, &updater);
  }
  const llvm::SmallVector<BasicBlock*, 16> blocks(copy.blocks());
  for (BasicBlock* const block : blocks) {
    for (Instruction& instruction : llvm::make_early_inc_range(*block)) {
      if (is_memory_size(&instruction) && instruction.use_empty()) {
        instruction.eraseFromParent();
      }
    }
  }
  for (BasicBlock* const block : blocks) {
    llvm::MergeBlockIntoPredecessor(block, &updater, &loops_);
  }
  evolution_.forgetAllLoops();
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
    for (const llvm::DomTreeNode* const child : *dominators_.getNode(block)) {
      if (!region.contains(child->getBlock())) {
        outside.push_back(child->getBlock());
      }
    }
  }
  for (BasicBlock* const block : outside) {
    dominators_.changeImmediateDominator(block, &check);
  }
  evolution_.forgetAllLoops();
}

class LoopVersioningPass : public llvm::PassInfoMixin<LoopVersioningPass> {
 public:
  static llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    return Versioning(function, analyses).run() ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
  }
};

}  // namespace

void add_loop_versioning(llvm::FunctionPassManager& passes) {
  passes.addPass(LoopVersioningPass());
}

}  // namespace tenon::compiler
