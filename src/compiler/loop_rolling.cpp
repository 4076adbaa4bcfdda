#include "compiler/loop_rolling.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <vector>

namespace tenon::compiler {

namespace {

using llvm::Instruction;
using llvm::PHINode;
using llvm::Value;

constexpr unsigned kMostTimes = 16;
constexpr size_t kMostAccesses = 96;
/// Bytes: what is loaded nearer behind a store of an earlier round keeps LLVM from vectorizing.
constexpr int64_t kFarBehind = 64;

/// An attempt to see a block as `times` copies of what its first part does. Copy 0 stays.
class Rolling {
 public:
  Rolling(llvm::Loop& loop, llvm::ScalarEvolution& evolution, llvm::MutableArrayRef<RolledAccess> accesses,
          unsigned times)
      : loop_(loop),
        block_(*loop.getHeader()),
        evolution_(evolution),
        accesses_(accesses),
        times_(times),
        matches_(times) {
    for (size_t n = 0; n < accesses.size(); ++n) {
      numbers_[accesses[n].instruction] = n;
    }
  }

  [[nodiscard]] bool match();
  void apply();

 private:
  [[nodiscard]] bool classify_phis();
  [[nodiscard]] bool match_stores();
  [[nodiscard]] bool match_stores_of_group(std::vector<const RolledAccess*> stores);
  [[nodiscard]] bool match_carried(PHINode& phi);
  [[nodiscard]] bool find_chain(PHINode& phi);
  [[nodiscard]] bool match(Value* first, Value* other, unsigned copy);
  [[nodiscard]] bool match_operands(const Instruction& first, const Instruction& other, unsigned copy);
  [[nodiscard]] bool match_accesses(const Instruction& first, const Instruction& other, unsigned copy) const;
  [[nodiscard]] bool covers_accesses();
  [[nodiscard]] bool keeps_order() const;
  [[nodiscard]] bool is_vectorizable() const;
  [[nodiscard]] bool is_left_by_known_values() const;
  [[nodiscard]] bool only_counts(const PHINode& phi) const;
  void note(Value* first, Value* other, unsigned copy);
  void forget_from(size_t count);

  [[nodiscard]] Instruction* in_loop(Value* value) const {
    auto* const instruction = llvm::dyn_cast<Instruction>(value);
    return instruction != nullptr && loop_.contains(instruction) ? instruction : nullptr;
  }
  [[nodiscard]] const llvm::SCEVAddRecExpr* induction(Value* value) const {
    if (!evolution_.isSCEVable(value->getType()) || !value->getType()->isIntegerTy()) {
      return nullptr;
    }
    const auto* const recurrence = llvm::dyn_cast<llvm::SCEVAddRecExpr>(evolution_.getSCEV(value));
    return recurrence != nullptr && recurrence->getLoop() == &loop_ && recurrence->isAffine() &&
                   llvm::isa<llvm::SCEVConstant>(recurrence->getStepRecurrence(evolution_))
               ? recurrence
               : nullptr;
  }
  /// The step of a value that `induction` is about, divided; nothing if it cannot be.
  [[nodiscard]] std::optional<llvm::APInt> divided_step(const llvm::SCEVAddRecExpr& recurrence) const {
    const llvm::APInt& step = llvm::cast<llvm::SCEVConstant>(recurrence.getStepRecurrence(evolution_))->getAPInt();
    const llvm::APInt times(std::max(step.getBitWidth(), 8U), times_);
    if (step.getBitWidth() < 8 || !step.srem(times).isZero()) {
      return std::nullopt;
    }
    return step.sdiv(times);
  }
  [[nodiscard]] Value* latch_value(const PHINode& phi) const { return phi.getIncomingValueForBlock(&block_); }

  llvm::Loop& loop_;
  llvm::BasicBlock& block_;
  llvm::ScalarEvolution& evolution_;
  llvm::MutableArrayRef<RolledAccess> accesses_;
  const unsigned times_;
  llvm::DenseMap<const Value*, size_t> numbers_;         ///< of accesses
  std::vector<llvm::DenseMap<Value*, Value*>> matches_;  ///< by copy: from copy 0's
  std::vector<std::pair<unsigned, Value*>> noted_;       ///< in order
  std::vector<PHINode*> inductions_;
  std::vector<PHINode*> carried_;          ///< all other phis
  llvm::SmallPtrSet<Value*, 8> counters_;  ///< inductions that nothing but the exit needs
  /// Copy and the copy-0 access of each access, once matched.
  std::vector<std::pair<unsigned, size_t>> places_;
};

bool Rolling::classify_phis() {
  for (PHINode& phi : block_.phis()) {
    const llvm::SCEVAddRecExpr* const recurrence = induction(&phi);
    if (recurrence == nullptr) {
      if (phi.getType()->isFloatingPointTy() && !llvm::isa<llvm::LoadInst>(latch_value(phi))) {
        return false;  // a sum of floats in order, which is not vectorized
      }
      carried_.push_back(&phi);
    } else if (only_counts(phi)) {
      counters_.insert(&phi);
    } else if (divided_step(*recurrence)) {
      inductions_.push_back(&phi);
    } else {
      return false;
    }
  }
  return true;
}

bool Rolling::only_counts(const PHINode& phi) const {
  const Value* const next = latch_value(phi);
  const auto* const condition = llvm::cast<llvm::BranchInst>(block_.getTerminator())->getCondition();
  const auto counts = [&](const llvm::User* user) { return user == &phi || user == next || user == condition; };
  return std::ranges::all_of(phi.users(), counts) && std::ranges::all_of(next->users(), counts);
}

void Rolling::note(Value* first, Value* other, unsigned copy) {
  matches_[copy][first] = other;
  noted_.emplace_back(copy, first);
}

void Rolling::forget_from(size_t count) {
  for (; noted_.size() > count; noted_.pop_back()) {
    matches_[noted_.back().first].erase(noted_.back().second);
  }
}

/// Whether `other` is in copy `copy` what `first` is in copy 0.
bool Rolling::match(Value* first, Value* other, unsigned copy) {
  Instruction* const instruction = in_loop(first);
  if (instruction == nullptr) {
    return first == other;
  }
  if (const auto known = matches_[copy].find(first); known != matches_[copy].end()) {
    return known->second == other;
  }
  if (llvm::is_contained(carried_, first)) {
    note(first, other, copy);
    return true;
  }
  if (first->getType() != other->getType()) {
    return false;
  }
  if (const llvm::SCEVAddRecExpr* const recurrence = induction(first)) {
    const std::optional<llvm::APInt> step = divided_step(*recurrence);
    const auto* const difference = llvm::dyn_cast<llvm::SCEVConstant>(
        evolution_.getMinusSCEV(evolution_.getSCEV(other), evolution_.getSCEV(first)));
    if (!step || difference == nullptr || difference->getAPInt() != *step * copy) {
      return false;
    }
    note(first, other, copy);
    return true;
  }
  Instruction* const counterpart = in_loop(other);
  if (counterpart == nullptr || counterpart == instruction || llvm::isa<PHINode>(instruction) ||
      !instruction->isSameOperationAs(counterpart)) {
    return false;
  }
  note(first, other, copy);
  if (numbers_.contains(instruction)) {
    if (!match_accesses(*instruction, *counterpart, copy)) {
      return false;
    }
    auto* const store = llvm::dyn_cast<llvm::StoreInst>(instruction);
    return store == nullptr ||
           match(store->getValueOperand(), llvm::cast<llvm::StoreInst>(counterpart)->getValueOperand(), copy);
  }
  return !instruction->mayReadOrWriteMemory() && match_operands(*instruction, *counterpart, copy);
}

bool Rolling::match_operands(const Instruction& first, const Instruction& other, unsigned copy) {
  const size_t count = noted_.size();
  const auto in_order = [&] {
    for (unsigned n = 0; n < first.getNumOperands(); ++n) {
      if (!match(first.getOperand(n), other.getOperand(n), copy)) {
        return false;
      }
    }
    return true;
  };
  if (in_order()) {
    return true;
  }
  forget_from(count);
  return first.isCommutative() && first.getNumOperands() == 2 &&
         match(first.getOperand(0), other.getOperand(1), copy) && match(first.getOperand(1), other.getOperand(0), copy);
}

bool Rolling::match_accesses(const Instruction& first, const Instruction& other, unsigned copy) const {
  const auto number = numbers_.find(&other);
  if (number == numbers_.end()) {
    return false;
  }
  const RolledAccess& here = accesses_[numbers_.lookup(&first)];
  const RolledAccess& there = accesses_[number->second];
  const auto times = static_cast<int64_t>(times_);
  return here.group == there.group && here.step && *here.step % times == 0 &&
         there.offset - here.offset == *here.step / times * copy;
}

/// Of a group's stores, `each` of each copy, in pairs that correspond.
bool Rolling::match_stores_of_group(std::vector<const RolledAccess*> stores) {
  const size_t each = stores.size() / times_;
  const std::optional<int64_t> step = stores.front()->step;
  if (each * times_ != stores.size() || !step || *step % static_cast<int64_t>(times_) != 0) {
    return false;
  }
  if (*step != 0) {
    // By address, because compilers change the order of stores that do not overlap. Upwards or downwards, the copies
    // take the places between where this round and where the next one starts.
    std::ranges::sort(stores, [&](const RolledAccess* left, const RolledAccess* right) {
      return left->offset == right->offset ? left->instruction->comesBefore(right->instruction)
                                           : (left->offset < right->offset) == (*step > 0);
    });
  }
  for (unsigned copy = 1; copy < times_; ++copy) {
    for (size_t n = 0; n < each; ++n) {
      if (!match(stores[n]->instruction, stores[copy * each + n]->instruction, copy)) {
        return false;
      }
    }
  }
  return true;
}

bool Rolling::match_stores() {
  std::map<size_t, std::vector<const RolledAccess*>> groups;
  for (Instruction& instruction : block_) {
    if (llvm::isa<llvm::StoreInst>(instruction)) {
      const RolledAccess& access = accesses_[numbers_.lookup(&instruction)];
      groups[access.group].push_back(&access);
    }
  }
  return std::ranges::all_of(groups, [&](const auto& group) { return match_stores_of_group(group.second); });
}

/// Where no store tells: the copies are equal parts of the way that the value goes.
bool Rolling::find_chain(PHINode& phi) {
  Instruction* const last = in_loop(latch_value(phi));
  if (last == nullptr) {
    return false;
  }
  llvm::DenseMap<Instruction*, Instruction*> towards_last;
  std::deque<Instruction*> next{last};
  towards_last[last] = nullptr;
  while (!next.empty() && next.front() != &phi) {
    Instruction* const current = next.front();
    next.pop_front();
    if (llvm::isa<PHINode>(current)) {
      continue;
    }
    for (Value* const operand : current->operands()) {
      Instruction* const before = in_loop(operand);
      if (before != nullptr && towards_last.try_emplace(before, current).second) {
        next.push_back(before);
      }
    }
  }
  std::vector<Instruction*> chain;
  if (next.empty() || &phi == last) {
    return false;
  }
  for (Instruction* link = towards_last[&phi]; link != nullptr; link = towards_last[link]) {
    chain.push_back(link);
  }
  const size_t each = chain.size() / times_;
  if (each == 0 || each * times_ != chain.size()) {
    return false;
  }
  for (unsigned copy = 1; copy < times_; ++copy) {
    note(&phi, chain[copy * each - 1], copy);
  }
  return true;
}

/// Whether what copy 0 leaves in `phi` for copy 1 is the same that each copy leaves for the next.
bool Rolling::match_carried(PHINode& phi) {
  const auto given_to = [&](unsigned copy) { return matches_[copy].lookup(&phi); };
  if (given_to(1) == nullptr && !find_chain(phi)) {
    return false;
  }
  Value* const first = given_to(1);
  if (in_loop(first) == nullptr) {
    return false;
  }
  for (unsigned copy = 1; copy < times_; ++copy) {
    Value* const result = copy + 1 == times_ ? latch_value(phi) : given_to(copy + 1);
    if (result == nullptr || given_to(copy) == nullptr || !match(first, result, copy)) {
      return false;
    }
  }
  return true;
}

/// Whether each access belongs to one copy. Finds `places_`.
bool Rolling::covers_accesses() {
  constexpr auto kNowhere = static_cast<size_t>(-1);
  places_.assign(accesses_.size(), {0, kNowhere});
  size_t found = 0;
  const auto place = [&](const Value* access, unsigned copy, size_t first) {
    const auto number = numbers_.find(access);
    if (number == numbers_.end() || places_[number->second].second != kNowhere) {
      return false;
    }
    places_[number->second] = {copy, first};
    ++found;
    return true;
  };
  for (size_t n = 0; n < accesses_.size(); ++n) {
    if (!matches_[1].contains(accesses_[n].instruction)) {
      continue;
    }
    for (unsigned copy = 0; copy < times_; ++copy) {
      const Value* const access =
          copy == 0 ? accesses_[n].instruction : matches_[copy].lookup(accesses_[n].instruction);
      if (access == nullptr || !place(access, copy, n)) {
        return false;
      }
    }
  }
  return found == accesses_.size();
}

/// Whether no load or store changes places with a store that it may overlap.
bool Rolling::keeps_order() const {
  const auto may_overlap = [](const RolledAccess& left, const RolledAccess& right) {
    return left.group != right.group ||
           (left.offset < right.offset + right.width && right.offset < left.offset + left.width);
  };
  std::vector<size_t> order;
  for (Instruction& instruction : block_) {
    if (const auto number = numbers_.find(&instruction); number != numbers_.end()) {
      order.push_back(number->second);
    }
  }
  std::vector<size_t> position(accesses_.size());
  for (size_t n = 0; n < order.size(); ++n) {
    position[order[n]] = n;
  }
  const auto rolled = [&](size_t access) { return std::pair(places_[access].first, position[places_[access].second]); };
  for (size_t later = 0; later < order.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const RolledAccess& left = accesses_[order[earlier]];
      const RolledAccess& right = accesses_[order[later]];
      const bool matters =
          llvm::isa<llvm::StoreInst>(left.instruction) || llvm::isa<llvm::StoreInst>(right.instruction);
      if (matters && rolled(order[later]) < rolled(order[earlier]) && may_overlap(left, right)) {
        return false;
      }
    }
  }
  return true;
}

/// Whether no round loads what one shortly before it stored, and no value but a sum or the like goes from one to the
/// next. Where one does, an unrolled loop is the better one.
bool Rolling::is_vectorizable() const {
  for (const RolledAccess& store : accesses_) {
    for (const RolledAccess& load : accesses_) {
      if (!llvm::isa<llvm::StoreInst>(store.instruction) || llvm::isa<llvm::StoreInst>(load.instruction) ||
          store.group != load.group || places_[&store - accesses_.data()].first != 0 ||
          places_[&load - accesses_.data()].first != 0) {
        continue;
      }
      const int64_t behind = *store.step < 0 ? load.offset - store.offset : store.offset - load.offset;
      if (behind > 0 && behind < kFarBehind) {
        return false;
      }
    }
  }
  return std::ranges::none_of(carried_, [&](PHINode* phi) {
    Value* const first = matches_[1].lookup(phi);
    return !llvm::isa<llvm::LoadInst>(first) &&
           llvm::any_of(first->users(), [](const llvm::User* user) { return llvm::isa<llvm::StoreInst>(user); });
  });
}

/// Whether nothing is used after the loop but what will be known then: what is carried, and inductions' next values.
bool Rolling::is_left_by_known_values() const {
  const auto is_known = [&](Value* value) {
    const auto is_latch_value = [&](PHINode* phi) { return latch_value(*phi) == value; };
    return std::ranges::any_of(carried_, is_latch_value) || std::ranges::any_of(inductions_, is_latch_value);
  };
  return std::ranges::all_of(block_, [&](Instruction& instruction) {
    return is_known(&instruction) ||
           std::ranges::all_of(instruction.users(), [&](llvm::User* user) { return in_loop(user) != nullptr; });
  });
}

bool Rolling::match() {
  return classify_phis() && match_stores() &&
         std::ranges::all_of(carried_, [&](PHINode* phi) { return match_carried(*phi); }) && covers_accesses() &&
         keeps_order() && is_vectorizable() && is_left_by_known_values();
}

void Rolling::apply() {
  Instruction* const end = block_.getTerminator();
  llvm::IRBuilder<> builder(end);
  const auto replace = [&](PHINode& phi, Value* next) {
    Value* const old = latch_value(phi);
    phi.setIncomingValueForBlock(&block_, next);
    old->replaceUsesWithIf(next, [&](const llvm::Use& use) { return in_loop(use.getUser()) == nullptr; });
  };
  // A value that is carried by two phis, and an old value that is what another phi needs: all are found first.
  std::vector<std::pair<PHINode*, Value*>> next;
  for (PHINode* const phi : inductions_) {
    const llvm::APInt step = *divided_step(*induction(phi));
    next.emplace_back(phi, builder.CreateAdd(phi, llvm::ConstantInt::get(phi->getType(), step)));
  }
  for (PHINode* const phi : carried_) {
    next.emplace_back(phi, matches_[1].lookup(phi));
  }
  for (const auto& [phi, value] : next) {
    replace(*phi, value);
  }

  for (size_t n = 0; n < accesses_.size(); ++n) {
    if (places_[n].first != 0) {
      if (auto* const store = llvm::dyn_cast<llvm::StoreInst>(accesses_[n].instruction)) {
        store->eraseFromParent();
      }
      accesses_[n].instruction = nullptr;
    }
  }
  llvm::SmallPtrSet<Instruction*, 32> needed;
  llvm::SmallVector<Instruction*, 32> work{end};
  for (Instruction& instruction : block_) {
    if (llvm::isa<PHINode, llvm::StoreInst>(instruction)) {
      work.push_back(&instruction);
    }
  }
  while (!work.empty()) {
    Instruction* const instruction = work.pop_back_val();
    if (needed.insert(instruction).second) {
      for (Value* const operand : instruction->operands()) {
        if (Instruction* const before = in_loop(operand)) {
          work.push_back(before);
        }
      }
    }
  }
  for (Instruction& instruction : llvm::make_early_inc_range(llvm::reverse(block_))) {
    if (!needed.contains(&instruction)) {
      instruction.eraseFromParent();
    } else if (!llvm::isa<PHINode>(instruction)) {
      // What is true of each copy 0 need not be of the copies between.
      instruction.dropPoisonGeneratingFlags();
    }
  }
}

}  // namespace

unsigned roll_up(llvm::Loop& loop, llvm::ScalarEvolution& evolution, llvm::MutableArrayRef<RolledAccess> accesses) {
  const auto* const branch = llvm::dyn_cast<llvm::BranchInst>(loop.getHeader()->getTerminator());
  if (loop.getNumBlocks() != 1 || branch == nullptr || !branch->isConditional() || accesses.size() > kMostAccesses) {
    return 1;
  }
  // Vectors already: LLVM would not make more of them of a loop with fewer copies.
  if (llvm::any_of(*loop.getHeader(), [](const Instruction& each) { return each.getType()->isVectorTy(); })) {
    return 1;
  }
  const size_t stores = std::ranges::count_if(
      accesses, [](const RolledAccess& access) { return llvm::isa<llvm::StoreInst>(access.instruction); });
  for (unsigned times = kMostTimes; times > 1; --times) {
    if (accesses.empty() || stores % times != 0 || accesses.size() % times != 0) {
      continue;
    }
    Rolling rolling(loop, evolution, accesses, times);
    if (rolling.match()) {
      rolling.apply();
      return times;
    }
  }
  return 1;
}

}  // namespace tenon::compiler
