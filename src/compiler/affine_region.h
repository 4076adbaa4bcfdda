// What addresses a nest of loops touches, as expressions that can be computed before it.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/InstrTypes.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace tenon::compiler {

/// start + the sum of step * (how often the loop has gone round), + the sum of step * (something else bounded).
struct Affine {
  struct Term {
    const llvm::Loop* loop;   ///< or null
    const llvm::SCEV* other;  ///< then this: changes in the region, but lies in a known interval
    const llvm::SCEV* step;
  };
  const llvm::SCEV* start = nullptr;
  llvm::SmallVector<Term, 4> terms;  ///< one per loop and per other

  [[nodiscard]] const llvm::SCEV* step(const llvm::Loop* loop) const;
  [[nodiscard]] bool has_others() const;
};

/// `left` and `right` are 64-bit expressions.
struct Condition {
  llvm::CmpInst::Predicate predicate;
  const llvm::SCEV* left;
  const llvm::SCEV* right;
};

/// A nest of loops, the region, seen from just before it. Everything is told in 64-bit integers as if there were no
/// overflow: what has to hold for that to be true comes out as conditions, to be checked before the nest. All
/// expressions are invariant in the region. No number that occurs is as large as 2^62, so that 64 bits are enough.
class AffineRegion {
 public:
  /// Both ends are values that occur, or bounds.
  struct Interval {
    const llvm::SCEV* low;
    const llvm::SCEV* high;
  };

  AffineRegion(llvm::ScalarEvolution& evolution, const llvm::LoopInfo& loops, const llvm::Loop& region);

  /// Finds how often each loop of the region can go round. False: for one there is no saying.
  [[nodiscard]] bool bound_loops();

  /// `value`, of any width up to 64 bits, as an affine expression with which it agrees modulo 2^width.
  [[nodiscard]] std::optional<Affine> modular(const llvm::SCEV* value);
  /// `value`, 64 bits wide, as an affine expression that it is equal to under the conditions.
  [[nodiscard]] std::optional<Affine> exact(const llvm::SCEV* value);

  /// Where the 32-bit `value`, an address, lies in all iterations, under the conditions. It is then equal to the sum
  /// of its affine expression's parts, zero-extended the start and sign-extended the steps.
  [[nodiscard]] std::optional<Interval> range_of_address(const llvm::SCEV* value);
  [[nodiscard]] std::optional<Interval> range_of(const Affine& affine);

  /// A 32-bit affine expression as the 64-bit one that an address is equal to if it never wraps around.
  [[nodiscard]] std::optional<Affine> widened(const Affine& affine, bool is_signed);

  void require(llvm::CmpInst::Predicate predicate, const llvm::SCEV* left, const llvm::SCEV* right);
  [[nodiscard]] llvm::ArrayRef<Condition> conditions() const { return conditions_; }
  /// Conditions that can be seen never to hold.
  [[nodiscard]] bool is_impossible() const { return is_impossible_; }

  [[nodiscard]] const llvm::SCEV* constant(int64_t value) const;
  [[nodiscard]] bool is_invariant(const llvm::SCEV* value) const;

 private:
  [[nodiscard]] const llvm::SCEV* most_rounds(const llvm::Loop& loop);
  [[nodiscard]] std::optional<Affine> bounded(const llvm::SCEV* value);
  [[nodiscard]] std::optional<Interval> interval_of_choice(const llvm::SCEV* value, bool is_signed);
  [[nodiscard]] std::optional<Interval> interval(const llvm::SCEV* value, bool is_signed);
  [[nodiscard]] std::optional<Interval> interval_of_operation(const llvm::SCEV* value, bool is_signed);
  void require_within(const Interval& interval, unsigned width, bool is_signed);
  [[nodiscard]] bool is_moderate(const llvm::SCEV* value) const;
  /// Requires that `step` is so small that products with it do not overflow. False: it is not.
  [[nodiscard]] bool require_small_step(const llvm::SCEV* step);
  [[nodiscard]] static bool add(llvm::ScalarEvolution& evolution, Affine& to, const Affine& other);

  llvm::ScalarEvolution& evolution_;
  const llvm::LoopInfo& loops_;
  const llvm::Loop& region_;
  llvm::Type* const i64_;
  llvm::DenseMap<const llvm::Loop*, const llvm::SCEV*> rounds_;  ///< the most that a loop goes round
  llvm::DenseMap<const llvm::Loop*, bool> rounds_vary_;
  llvm::DenseMap<const llvm::SCEV*, Interval> others_;  ///< of each other, as a signed number
  llvm::SmallVector<const llvm::SCEV*, 4> choices_;     ///< being looked at
  llvm::SmallVector<Condition, 16> conditions_;
  bool is_impossible_ = false;
};

}  // namespace tenon::compiler
