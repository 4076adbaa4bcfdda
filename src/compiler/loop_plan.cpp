#include "compiler/loop_plan.h"

#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <algorithm>
#include <cstddef>

#include "abi/abi.h"

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

class Planner {
 public:
  Planner(Loop& region, const Value* instance, const LoopKnowledge& knowledge)
      : region_(region),
        instance_(instance),
        knowledge_(knowledge),
        plan_(std::make_unique<Plan>(knowledge.evolution, knowledge.loops, region)) {}

  [[nodiscard]] std::unique_ptr<Plan> run();

 private:
  [[nodiscard]] bool add_block(BasicBlock& block);
  [[nodiscard]] bool add_access(Instruction& access);
  void add_check(llvm::BranchInst& branch);
  [[nodiscard]] size_t add_to_group(const Address& address, int64_t width);
  [[nodiscard]] bool is_worth_it() const;
  [[nodiscard]] bool finish_groups();
  [[nodiscard]] bool can_be_computed_before() const;

  Loop& region_;
  const Value* instance_;
  const LoopKnowledge& knowledge_;
  std::unique_ptr<Plan> plan_;
};

std::unique_ptr<Plan> Planner::run() {
  if (region_.getLoopPreheader() == nullptr || !region_.isSafeToClone() || !plan_->affine.bound_loops()) {
    return nullptr;
  }
  for (const Loop* const inner : region_.getLoopsInPreorder()) {
    if (inner->getLoopPreheader() == nullptr || inner->getLoopLatch() == nullptr) {
      return nullptr;
    }
  }
  unsigned count = 0;
  for (BasicBlock* const block : region_.blocks()) {
    count += static_cast<unsigned>(block->size());
    if (count > kMostInstructions || !add_block(*block) || plan_->groups.size() > kMostGroups) {
      return nullptr;
    }
  }
  if (plan_->accesses.empty() || !is_worth_it() || !finish_groups() || !can_be_computed_before()) {
    return nullptr;
  }
  return std::move(plan_);
}

bool Planner::add_block(BasicBlock& block) {
  if (block.isEHPad() || !llvm::isa<llvm::BranchInst, llvm::SwitchInst>(block.getTerminator())) {
    return false;
  }
  for (Instruction& instruction : block) {
    if (is_memory_size(&instruction, instance_)) {
      continue;
    }
    if (llvm::isa<llvm::LoadInst, llvm::StoreInst>(instruction) && instruction.isVolatile()) {
      if (!add_access(instruction)) {
        return false;
      }
    } else if (instruction.isAtomic() || llvm::isa<llvm::FenceInst>(instruction)) {
      return false;
    } else if (llvm::isa<llvm::CallBase>(instruction) && !llvm::isa<llvm::DbgInfoIntrinsic>(instruction) &&
               (instruction.mayReadOrWriteMemory() || instruction.mayHaveSideEffects())) {
      return false;
    }
  }
  auto* const branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
  if (branch != nullptr && branch->isConditional()) {
    add_check(*branch);
  }
  return true;
}

/// Whether there is a loop in the region that LLVM may make something of.
bool Planner::is_worth_it() const {
  const auto is_left_after_known_rounds = [&](const Loop& loop) {
    llvm::SmallVector<BasicBlock*, 4> exiting;
    loop.getExitingBlocks(exiting);
    return std::ranges::all_of(exiting, [&](BasicBlock* block) {
      return llvm::is_contained(llvm::map_range(plan_->checks, [](const Check& check) { return check.branch; }),
                                block->getTerminator()) ||
             !llvm::isa<llvm::SCEVCouldNotCompute>(knowledge_.evolution.getExitCount(&loop, block));
    });
  };
  return std::ranges::any_of(region_.getLoopsInPreorder(), [&](Loop* loop) {
    return loop->isInnermost() && !goes_round_few_times(*loop, knowledge_.evolution) &&
           is_left_after_known_rounds(*loop) && std::ranges::any_of(plan_->accesses, [&](const Access& access) {
             return loop->contains(access.instruction);
           });
  });
}

bool Planner::add_access(Instruction& access) {
  const llvm::TypeSize size = knowledge_.layout.getTypeStoreSize(llvm::getLoadStoreType(&access));
  if (access.isAtomic() || size.isScalable()) {
    return false;
  }
  const std::optional<Address> place = address_of(access, knowledge_);
  if (!place || (plan_->base != nullptr && plan_->base != place->base)) {
    return false;
  }
  plan_->base = place->base;
  const auto width = static_cast<int64_t>(size.getFixedValue());
  const size_t group = add_to_group(*place, width);
  // Where the group begins may have changed.
  const auto* const from_group =
      llvm::cast<llvm::SCEVConstant>(knowledge_.evolution.getMinusSCEV(place->variable, plan_->groups[group].address));
  plan_->accesses.push_back(
      {&access, size.getFixedValue(), group, from_group->getAPInt().getSExtValue() + place->offset});
  return plan_->groups.size() <= kMostGroups;
}

/// The number of the group that `address` belongs to; it now reaches to `width` bytes behind it.
size_t Planner::add_to_group(const Address& address, int64_t width) {
  for (size_t n = 0; n < plan_->groups.size(); ++n) {
    Group& group = plan_->groups[n];
    if (group.address->getType() != address.variable->getType()) {
      continue;
    }
    const auto* const difference =
        llvm::dyn_cast<llvm::SCEVConstant>(knowledge_.evolution.getMinusSCEV(address.variable, group.address));
    if (difference == nullptr || difference->getAPInt().abs().uge(kEndOfAddresses / 4)) {
      continue;
    }
    const int64_t distance = difference->getAPInt().getSExtValue();
    if (distance < 0) {
      group.address = address.variable;
      group.end -= distance;
      for (Access& other : plan_->accesses) {
        other.offset -= other.group == n ? distance : 0;
      }
    }
    group.end = std::max(group.end, std::max<int64_t>(distance, 0) + address.offset + width);
    return n;
  }
  plan_->groups.push_back({address.variable, address.offset + width, {}, {}});
  return plan_->groups.size() - 1;
}

/// If `branch` is a check: what it checks then lies in a group as an access would that needs it.
void Planner::add_check(llvm::BranchInst& branch) {
  auto* const comparison = llvm::dyn_cast<llvm::ICmpInst>(branch.getCondition());
  if (comparison == nullptr) {
    return;
  }
  const bool is_swapped = is_memory_size(comparison->getOperand(0), instance_);
  const CmpInst::Predicate predicate = is_swapped ? comparison->getSwappedPredicate() : comparison->getPredicate();
  Value* const end = comparison->getOperand(is_swapped ? 1 : 0);
  if (!is_memory_size(comparison->getOperand(is_swapped ? 0 : 1), instance_) ||
      !llvm::ICmpInst::isUnsigned(predicate)) {
    return;
  }
  const bool traps_if_true = predicate == CmpInst::ICMP_UGT || predicate == CmpInst::ICMP_UGE;
  if (region_.contains(branch.getSuccessor(traps_if_true ? 0 : 1))) {
    return;
  }
  // An end greater than the size; or, of one byte, an address not less.
  const int64_t width = predicate == CmpInst::ICMP_UGE || predicate == CmpInst::ICMP_ULT ? 1 : 0;
  const SCEV* const variable =
      knowledge_.evolution.getSCEVAtScope(end, knowledge_.loops.getLoopFor(branch.getParent()));
  (void)add_to_group(split_address(nullptr, variable), width);
  plan_->checks.push_back({&branch, traps_if_true});
}

bool Planner::finish_groups() {
  AffineRegion& region = plan_->affine;
  for (Group& group : plan_->groups) {
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

bool Planner::can_be_computed_before() const {
  const Instruction* const before = region_.getLoopPreheader()->getTerminator();
  const llvm::SCEVExpander expander(knowledge_.evolution, knowledge_.layout, "range");
  const auto can_be = [&](const SCEV* value) {
    return plan_->affine.is_invariant(value) && expander.isSafeToExpandAt(value, before);
  };
  for (const Condition& condition : plan_->affine.conditions()) {
    if (!can_be(condition.left) || !can_be(condition.right)) {
      return false;
    }
  }
  return knowledge_.dominators.dominates(plan_->base, before) &&
         std::ranges::all_of(plan_->groups, [&](const Group& group) {
           return can_be(group.range.low) && can_be(group.range.high) && can_be(group.affine.start) &&
                  std::ranges::all_of(group.affine.terms, [&](const Affine::Term& term) { return can_be(term.step); });
         });
}

}  // namespace

bool goes_round_few_times(Loop& loop, llvm::ScalarEvolution& evolution) {
  constexpr unsigned kFew = 8;
  const unsigned most = evolution.getSmallConstantMaxTripCount(&loop);
  return most != 0 && most < kFew;
}

bool is_memory_size(const llvm::Value* value, const llvm::Value* instance) {
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
  const Value* owner = nullptr;
  return value->getType()->isIntegerTy(64) && member_of(value, offsetof(abi::Memory, size), memory) &&
         member_of(memory, offsetof(abi::Instance, memory), owner) && owner == instance;
}

std::optional<Address> address_of(const llvm::Instruction& access, const LoopKnowledge& knowledge) {
  // In the loop it is in, so that what inner loops leave in variables is known.
  const Loop* const scope = knowledge.loops.getLoopFor(access.getParent());
  const SCEV* const whole =
      knowledge.evolution.getSCEVAtScope(const_cast<Value*>(llvm::getLoadStorePointerOperand(&access)), scope);
  const auto* const unknown = llvm::dyn_cast<llvm::SCEVUnknown>(knowledge.evolution.getPointerBase(whole));
  auto* const base = unknown == nullptr ? nullptr : llvm::dyn_cast<llvm::LoadInst>(unknown->getValue());
  if (base == nullptr || !base->hasMetadata("tenon.memory_base")) {
    return std::nullopt;
  }

  return split_address(base, knowledge.evolution.removePointerBase(whole));
}

std::unique_ptr<Plan> plan_versioning(Loop& region, const Value* instance, const LoopKnowledge& knowledge) {
  return Planner(region, instance, knowledge).run();
}

}  // namespace tenon::compiler
