#include "compiler/affine_region.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>

#include <algorithm>

namespace tenon::compiler {

namespace {

using llvm::CmpInst;
using llvm::ScalarEvolution;
using llvm::SCEV;
using llvm::SCEVAddRecExpr;
using llvm::SCEVConstant;

// What keeps every number below 2^62: at most kMostTerms products of a step and a count of rounds, below 2^(24 + 32)
// each, and a start below 2^40.
constexpr int64_t kLargestStep = int64_t{1} << 24;
constexpr int64_t kModerate = int64_t{1} << 40;
constexpr size_t kMostTerms = 16;
constexpr int64_t kAllOf32Bits = int64_t{1} << 32;

unsigned width_of(const SCEV* value) {
  return value->getType()->isIntegerTy() ? value->getType()->getIntegerBitWidth() : 0;
}

}  // namespace

const SCEV* Affine::step(const llvm::Loop* loop) const {
  const auto* const term = std::ranges::find(terms, loop, &Term::loop);
  return term == terms.end() ? nullptr : term->step;
}

bool Affine::has_others() const {
  return std::ranges::any_of(terms, [](const Term& term) { return term.loop == nullptr; });
}

AffineRegion::AffineRegion(ScalarEvolution& evolution, const llvm::LoopInfo& loops, const llvm::Loop& region)
    : evolution_(evolution), loops_(loops), region_(region), i64_(llvm::Type::getInt64Ty(evolution.getContext())) {}

const SCEV* AffineRegion::constant(int64_t value) const {
  return evolution_.getConstant(i64_, static_cast<uint64_t>(value), true);
}

bool AffineRegion::is_invariant(const SCEV* value) const {
  return evolution_.isLoopInvariant(value, &region_);
}

bool AffineRegion::is_moderate(const SCEV* value) const {
  const llvm::ConstantRange range = evolution_.getSignedRange(value);
  return range.getSignedMin().sge(-kModerate) && range.getSignedMax().sle(kModerate);
}

void AffineRegion::require(CmpInst::Predicate predicate, const SCEV* left, const SCEV* right) {
  if (evolution_.isKnownPredicate(predicate, left, right)) {
    return;
  }
  if (evolution_.isKnownPredicate(CmpInst::getInversePredicate(predicate), left, right)) {
    is_impossible_ = true;
  }
  const auto is_same = [&](const Condition& known) {
    return known.predicate == predicate && known.left == left && known.right == right;
  };
  if (std::ranges::none_of(conditions_, is_same)) {
    conditions_.push_back({predicate, left, right});
  }
}

void AffineRegion::require_within(const Interval& interval, unsigned width, bool is_signed) {
  if (width >= 64) {
    if (!is_signed) {
      require(CmpInst::ICMP_SGE, interval.low, constant(0));
    }
    return;
  }
  const int64_t first = is_signed ? -(int64_t{1} << (width - 1)) : 0;
  const int64_t last = first + (int64_t{1} << width) - 1;
  require(CmpInst::ICMP_SGE, interval.low, constant(first));
  require(CmpInst::ICMP_SLE, interval.high, constant(last));
}

bool AffineRegion::require_small_step(const SCEV* step) {
  if (const auto* const known = llvm::dyn_cast<SCEVConstant>(step)) {
    return known->getAPInt().abs().ule(kLargestStep);
  }
  require(CmpInst::ICMP_SLE, step, constant(kLargestStep));
  require(CmpInst::ICMP_SGE, step, constant(-kLargestStep));
  return true;
}

bool AffineRegion::add(ScalarEvolution& evolution, Affine& to, const Affine& other) {
  to.start = evolution.getAddExpr(to.start, other.start);
  for (const Affine::Term& term : other.terms) {
    auto* const same = std::ranges::find_if(
        to.terms, [&](const Affine::Term& known) { return known.loop == term.loop && known.other == term.other; });
    if (same == to.terms.end()) {
      to.terms.push_back(term);
    } else {
      same->step = evolution.getAddExpr(same->step, term.step);
    }
  }
  return to.terms.size() <= kMostTerms;
}

std::optional<Affine> AffineRegion::modular(const SCEV* value) {
  if (is_invariant(value)) {
    return Affine{value, {}};
  }
  switch (value->getSCEVType()) {
    case llvm::scAddRecExpr: {
      const auto* const recurrence = llvm::cast<SCEVAddRecExpr>(value);
      if (!recurrence->isAffine() || !region_.contains(recurrence->getLoop())) {
        return std::nullopt;
      }
      const SCEV* const step = recurrence->getStepRecurrence(evolution_);
      std::optional<Affine> result = modular(recurrence->getStart());
      if (!result || !is_invariant(step) ||
          !add(evolution_, *result, {evolution_.getZero(step->getType()), {{recurrence->getLoop(), nullptr, step}}})) {
        return std::nullopt;
      }
      return result;
    }
    case llvm::scAddExpr: {
      Affine result{evolution_.getZero(value->getType()), {}};
      for (const SCEV* const operand : value->operands()) {
        const std::optional<Affine> part = modular(operand);
        if (!part || !add(evolution_, result, *part)) {
          return std::nullopt;
        }
      }
      return result;
    }
    case llvm::scMulExpr: {
      const SCEV* factor = evolution_.getOne(value->getType());
      std::optional<Affine> result;  // of the operand that varies
      for (const SCEV* const operand : value->operands()) {
        if (is_invariant(operand)) {
          factor = evolution_.getMulExpr(factor, operand);
        } else if (result) {
          return std::nullopt;
        } else if (result = modular(operand); !result) {
          return std::nullopt;
        }
      }
      if (result) {
        result->start = evolution_.getMulExpr(result->start, factor);
        for (Affine::Term& term : result->terms) {
          term.step = evolution_.getMulExpr(term.step, factor);
        }
      }
      return result;
    }
    case llvm::scTruncate: {
      std::optional<Affine> result = modular(llvm::cast<llvm::SCEVTruncateExpr>(value)->getOperand());
      if (result) {
        result->start = evolution_.getTruncateExpr(result->start, value->getType());
        for (Affine::Term& term : result->terms) {
          term.step = evolution_.getTruncateExpr(term.step, value->getType());
        }
      }
      return result;
    }
    default:
      return bounded(value);
  }
}

/// `value` itself as the only term.
std::optional<Affine> AffineRegion::bounded(const SCEV* value) {
  if (!others_.contains(value)) {
    const std::optional<Interval> range = interval_of_choice(value, true);
    if (!range) {
      return std::nullopt;
    }
    require(CmpInst::ICMP_SGE, range->low, constant(-kAllOf32Bits));
    require(CmpInst::ICMP_SLE, range->high, constant(kAllOf32Bits));
    others_.insert({value, *range});
  }
  return Affine{evolution_.getZero(value->getType()), {{nullptr, value, evolution_.getOne(value->getType())}}};
}

/// The interval of a value that LLVM's expressions say nothing about: of a few bits, or one of several others.
std::optional<AffineRegion::Interval> AffineRegion::interval_of_choice(const SCEV* value, bool is_signed) {
  const unsigned width = width_of(value);
  if (width == 0 || width > 64) {
    return std::nullopt;
  }
  constexpr unsigned kNarrow = 24;
  const llvm::ConstantRange known = is_signed ? evolution_.getSignedRange(value) : evolution_.getUnsignedRange(value);
  const auto is_narrow = [&](const llvm::APInt& end) {
    return is_signed ? end.getSignificantBits() <= kNarrow : end.getActiveBits() < kNarrow;
  };
  const llvm::APInt low = is_signed ? known.getSignedMin() : known.getUnsignedMin();
  const llvm::APInt high = is_signed ? known.getSignedMax() : known.getUnsignedMax();
  if (is_narrow(low) && is_narrow(high)) {
    return Interval{constant(low.getSExtValue()), constant(high.getSExtValue())};
  }

  constexpr size_t kMostNested = 4;
  const auto* const unknown = llvm::dyn_cast<llvm::SCEVUnknown>(value);
  auto* const instruction = unknown == nullptr ? nullptr : llvm::dyn_cast<llvm::Instruction>(unknown->getValue());
  if (instruction == nullptr || choices_.size() > kMostNested || llvm::is_contained(choices_, value)) {
    return std::nullopt;
  }
  llvm::SmallVector<llvm::Value*, 4> alternatives;
  if (auto* const phi = llvm::dyn_cast<llvm::PHINode>(instruction);
      phi != nullptr && !loops_.isLoopHeader(phi->getParent())) {
    for (llvm::Value* const incoming : phi->incoming_values()) {
      alternatives.push_back(incoming);
    }
  } else if (auto* const select = llvm::dyn_cast<llvm::SelectInst>(instruction)) {
    alternatives = {select->getTrueValue(), select->getFalseValue()};
  }
  std::optional<Interval> result;
  choices_.push_back(value);
  for (llvm::Value* const alternative : alternatives) {
    const SCEV* const there = evolution_.getSCEVAtScope(alternative, loops_.getLoopFor(instruction->getParent()));
    const std::optional<Interval> part = interval(there, is_signed);
    if (!part) {
      result.reset();
      break;
    }
    result = result ? Interval{evolution_.getSMinExpr(result->low, part->low),
                               evolution_.getSMaxExpr(result->high, part->high)}
                    : *part;
  }
  choices_.pop_back();
  return result;
}

std::optional<Affine> AffineRegion::widened(const Affine& affine, bool is_signed) {
  Affine result;
  result.start =
      is_signed ? evolution_.getSignExtendExpr(affine.start, i64_) : evolution_.getZeroExtendExpr(affine.start, i64_);
  for (const Affine::Term& term : affine.terms) {
    const SCEV* const step = evolution_.getSignExtendExpr(term.step, i64_);
    if (!require_small_step(step)) {
      return std::nullopt;
    }
    result.terms.push_back({term.loop, term.other, step});
  }
  return result;
}

std::optional<Affine> AffineRegion::exact(const SCEV* value) {
  switch (value->getSCEVType()) {
    case llvm::scAddRecExpr: {
      const auto* const recurrence = llvm::cast<SCEVAddRecExpr>(value);
      if (is_invariant(value)) {
        break;
      }
      if (!recurrence->isAffine() || !region_.contains(recurrence->getLoop())) {
        return std::nullopt;
      }
      const SCEV* const step = recurrence->getStepRecurrence(evolution_);
      std::optional<Affine> result = exact(recurrence->getStart());
      if (!result || !is_invariant(step) || !require_small_step(step) ||
          !add(evolution_, *result, {constant(0), {{recurrence->getLoop(), nullptr, step}}})) {
        return std::nullopt;
      }
      return result;
    }
    case llvm::scAddExpr: {
      Affine result{constant(0), {}};
      for (const SCEV* const operand : value->operands()) {
        const std::optional<Affine> part = exact(operand);
        if (!part || !add(evolution_, result, *part)) {
          return std::nullopt;
        }
      }
      return is_moderate(result.start) ? std::optional(result) : std::nullopt;
    }
    case llvm::scMulExpr: {
      const auto* const factor = llvm::dyn_cast<SCEVConstant>(value->operands().front());
      if (is_invariant(value)) {
        break;
      }
      if (factor == nullptr || value->operands().size() != 2 || factor->getAPInt().abs().ugt(kLargestStep)) {
        return std::nullopt;
      }
      std::optional<Affine> result = exact(value->operands().back());
      if (!result) {
        return std::nullopt;
      }
      // The factor of what is moderate need not be; and a sum of products that each might be too large is not computed.
      result->start = evolution_.getMulExpr(result->start, factor);
      for (Affine::Term& term : result->terms) {
        term.step = evolution_.getMulExpr(term.step, factor);
        if (!llvm::isa<SCEVConstant>(term.step) || !require_small_step(term.step)) {
          return std::nullopt;
        }
      }
      return is_moderate(result->start) ? result : std::nullopt;
    }
    case llvm::scZeroExtend:
    case llvm::scSignExtend: {
      const SCEV* const narrow = llvm::cast<llvm::SCEVCastExpr>(value)->getOperand();
      const bool is_signed = value->getSCEVType() == llvm::scSignExtend;
      if (is_invariant(value)) {
        break;
      }
      const std::optional<Affine> parts = modular(narrow);
      std::optional<Affine> result = parts ? widened(*parts, is_signed) : std::nullopt;
      if (!result) {
        return std::nullopt;
      }
      const std::optional<Interval> range = range_of(*result);
      if (!range) {
        return std::nullopt;
      }
      require_within(*range, width_of(narrow), is_signed);
      return result;
    }
    default:
      break;
  }
  if (is_invariant(value) && is_moderate(value)) {
    return Affine{value, {}};
  }
  return std::nullopt;
}

std::optional<AffineRegion::Interval> AffineRegion::range_of(const Affine& affine) {
  Interval result{affine.start, affine.start};
  for (const Affine::Term& term : affine.terms) {
    if (term.loop == nullptr) {
      const Interval other = others_.lookup(term.other);
      const SCEV* const first = evolution_.getMulExpr(term.step, other.low);
      const SCEV* const second = evolution_.getMulExpr(term.step, other.high);
      result.low = evolution_.getAddExpr(result.low, evolution_.getSMinExpr(first, second));
      result.high = evolution_.getAddExpr(result.high, evolution_.getSMaxExpr(first, second));
      continue;
    }
    const auto rounds = rounds_.find(term.loop);
    if (rounds == rounds_.end()) {
      return std::nullopt;
    }
    const SCEV* const distance = evolution_.getMulExpr(term.step, rounds->second);
    if (evolution_.isKnownNonNegative(term.step)) {
      result.high = evolution_.getAddExpr(result.high, distance);
    } else if (evolution_.isKnownNonPositive(term.step)) {
      result.low = evolution_.getAddExpr(result.low, distance);
    } else {
      result.high = evolution_.getAddExpr(result.high, evolution_.getSMaxExpr(distance, constant(0)));
      result.low = evolution_.getAddExpr(result.low, evolution_.getSMinExpr(distance, constant(0)));
    }
  }
  return result;
}

std::optional<AffineRegion::Interval> AffineRegion::range_of_address(const SCEV* value) {
  const std::optional<Affine> parts = modular(value);
  const std::optional<Affine> wide = parts ? widened(*parts, false) : std::nullopt;
  const std::optional<Interval> box = wide ? range_of(*wide) : std::nullopt;
  if (!box) {
    return std::nullopt;
  }
  const auto* const recurrence = llvm::dyn_cast<SCEVAddRecExpr>(value);
  const bool varies =
      std::ranges::any_of(parts->terms, [&](const Affine::Term& term) { return rounds_vary_.lookup(term.loop); });
  if (!varies || recurrence == nullptr || !region_.contains(recurrence->getLoop())) {
    return box;
  }
  // The loop goes round more or less often in different rounds of the loops around it, and the box has it always go
  // round as often as it ever does. If the address does not wrap around even so, it is nowhere beyond its first and its
  // last value in each round.
  const SCEV* const rounds = evolution_.getSymbolicMaxBackedgeTakenCount(recurrence->getLoop());
  const SCEV* const last = recurrence->evaluateAtIteration(rounds, evolution_);
  if (!modular(last)) {
    return box;
  }
  const std::optional<Interval> at_first = range_of_address(recurrence->getStart());
  const std::optional<Interval> at_last = range_of_address(last);
  if (!at_first || !at_last) {
    return box;
  }
  require_within(*box, 32, false);
  return Interval{evolution_.getSMinExpr(at_first->low, at_last->low),
                  evolution_.getSMaxExpr(at_first->high, at_last->high)};
}

bool AffineRegion::bound_loops() {
  for (const llvm::Loop* const loop : region_.getLoopsInPreorder()) {
    const SCEV* const rounds = most_rounds(*loop);
    if (rounds == nullptr) {
      return false;
    }
    rounds_[loop] = rounds;
  }
  return !is_impossible_;
}

const SCEV* AffineRegion::most_rounds(const llvm::Loop& loop) {
  const SCEV* const rounds = evolution_.getSymbolicMaxBackedgeTakenCount(&loop);
  const unsigned width = llvm::isa<llvm::SCEVCouldNotCompute>(rounds) ? 0 : width_of(rounds);
  if (width == 0 || width > 64) {
    return nullptr;
  }
  rounds_vary_[&loop] = !is_invariant(rounds);
  // An inner loop may not be entered at all, which a count of -1 rounds, or another negative one, would tell. Then the
  // guard before the loop is about that, and nothing is lost by taking 0 for it.
  const SCEV* const zero = evolution_.getZero(rounds->getType());
  const bool is_guarded =
      &loop != &region_ && evolution_.isLoopEntryGuardedByCond(&loop, CmpInst::ICMP_SGE, rounds, zero);
  if (is_invariant(rounds)) {
    const SCEV* entered = rounds;
    if (is_guarded) {
      entered = evolution_.getSMaxExpr(rounds, zero);
    } else if (&loop != &region_ && evolution_.isLoopEntryGuardedByCond(&loop, CmpInst::ICMP_NE, rounds,
                                                                        evolution_.getMinusOne(rounds->getType()))) {
      const SCEV* const one = evolution_.getOne(rounds->getType());
      entered = evolution_.getMinusSCEV(evolution_.getUMaxExpr(evolution_.getAddExpr(rounds, one), one), one);
    }
    const SCEV* const wide = evolution_.getNoopOrZeroExtend(entered, i64_);
    require(CmpInst::ICMP_ULT, wide, constant(kAllOf32Bits));
    return wide;
  }
  const std::optional<Interval> range = interval(rounds, is_guarded);
  if (!range) {
    return nullptr;
  }
  const SCEV* const most = is_guarded ? evolution_.getSMaxExpr(range->high, constant(0)) : range->high;
  require(CmpInst::ICMP_ULT, most, constant(kAllOf32Bits));
  return most;
}

std::optional<AffineRegion::Interval> AffineRegion::interval(const SCEV* value, bool is_signed) {
  const unsigned width = width_of(value);
  if (width == 0 || width > 64) {
    return std::nullopt;
  }
  if (width == 64 || is_invariant(value)) {
    const SCEV* const wide =
        is_signed ? evolution_.getNoopOrSignExtend(value, i64_) : evolution_.getNoopOrZeroExtend(value, i64_);
    if (const std::optional<Affine> affine = exact(wide)) {
      const std::optional<Interval> range = range_of(*affine);
      if (range) {
        require_within(*range, width, is_signed);
        return range;
      }
    }
  } else if (const std::optional<Affine> parts = modular(value)) {
    const std::optional<Affine> wide = widened(*parts, is_signed);
    const std::optional<Interval> range = wide ? range_of(*wide) : std::nullopt;
    if (range) {
      require_within(*range, width, is_signed);
      return range;
    }
  }
  return interval_of_operation(value, is_signed);
}

std::optional<AffineRegion::Interval> AffineRegion::interval_of_operation(const SCEV* value, bool is_signed) {
  const llvm::SCEVTypes kind = value->getSCEVType();
  std::optional<Interval> result;
  bool result_is_signed = is_signed;
  switch (kind) {
    case llvm::scAddExpr:
      result = Interval{constant(0), constant(0)};
      for (const SCEV* const operand : value->operands()) {
        const std::optional<Interval> part = interval(operand, is_signed || llvm::isa<SCEVConstant>(operand));
        if (!part || value->operands().size() > kMostTerms) {
          return std::nullopt;
        }
        require(CmpInst::ICMP_SGE, part->low, constant(-kModerate));
        require(CmpInst::ICMP_SLE, part->high, constant(kModerate));
        result->low = evolution_.getAddExpr(result->low, part->low);
        result->high = evolution_.getAddExpr(result->high, part->high);
      }
      break;
    case llvm::scUMaxExpr:
    case llvm::scSMaxExpr:
    case llvm::scUMinExpr:
    case llvm::scSMinExpr:
      result_is_signed = kind == llvm::scSMaxExpr || kind == llvm::scSMinExpr;
      for (const SCEV* const operand : value->operands()) {
        const std::optional<Interval> part = interval(operand, result_is_signed);
        if (!part) {
          return std::nullopt;
        }
        if (!result) {
          result = part;
        } else if (kind == llvm::scUMaxExpr || kind == llvm::scSMaxExpr) {
          result = {evolution_.getSMaxExpr(result->low, part->low), evolution_.getSMaxExpr(result->high, part->high)};
        } else {
          result = {evolution_.getSMinExpr(result->low, part->low), evolution_.getSMinExpr(result->high, part->high)};
        }
      }
      break;
    case llvm::scZeroExtend:
    case llvm::scSignExtend:
      result_is_signed = kind == llvm::scSignExtend;
      result = interval(llvm::cast<llvm::SCEVCastExpr>(value)->getOperand(), result_is_signed);
      break;
    case llvm::scUDivExpr: {
      const auto* const division = llvm::cast<llvm::SCEVUDivExpr>(value);
      const auto* const divisor = llvm::dyn_cast<SCEVConstant>(division->getRHS());
      result_is_signed = false;
      if (divisor == nullptr || divisor->getAPInt().ugt(kLargestStep) || divisor->getAPInt().isZero()) {
        return std::nullopt;
      }
      result = interval(division->getLHS(), false);
      if (result) {
        const SCEV* const wide = constant(static_cast<int64_t>(divisor->getAPInt().getZExtValue()));
        result = {evolution_.getUDivExpr(result->low, wide), evolution_.getUDivExpr(result->high, wide)};
      }
      break;
    }
    case llvm::scMulExpr: {
      const auto* const factor = llvm::dyn_cast<SCEVConstant>(value->operands().front());
      if (factor == nullptr || value->operands().size() != 2 || !factor->getAPInt().isStrictlyPositive() ||
          factor->getAPInt().ugt(1U << 16)) {
        return std::nullopt;
      }
      result = interval(value->operands().back(), is_signed);
      if (result) {
        // What is multiplied is a number of at most 32 bits.
        require_within(*result, 32, is_signed);
        const SCEV* const wide = constant(static_cast<int64_t>(factor->getAPInt().getZExtValue()));
        result = {evolution_.getMulExpr(result->low, wide), evolution_.getMulExpr(result->high, wide)};
      }
      break;
    }
    default:
      break;
  }
  if (!result) {
    result_is_signed = is_signed;
    result = interval_of_choice(value, is_signed);
  }
  if (result) {
    require_within(*result, width_of(value), is_signed);
    if (result_is_signed != is_signed) {
      require_within(*result, width_of(value), result_is_signed);
    }
  }
  return result;
}

}  // namespace tenon::compiler
