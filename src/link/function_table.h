// The program's function table: who has which range, and the one slot that a function's address is.
//
// A slot that was given back is not used again while there is fresh index space: until the table has its maximum size,
// new ranges come from its end. So a pointer into a library that is gone finds an empty slot for a long time, and never
// another function; who had the ranges that went last is remembered, and the trap tells it. Only when the end is
// reached are old ranges used again, longest gone first.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "link/free_ranges.h"
#include "runtime/memory.h"

namespace tenon::link {

/// Thread-safe, but for `adopt`.
class FunctionTable {
 public:
  /// Takes the table that the program uses from now on.
  void adopt(std::unique_ptr<runtime::Table> table);
  /// Null when the program has none.
  [[nodiscard]] runtime::Table* table() const { return table_.get(); }

  /// A range of `count` empty slots, never slot 0. `alignment` is an exponent of two. Errors: limit (names
  /// `owner` and the numbers), unlinkable when the program has no table.
  [[nodiscard]] Result<uint64_t> reserve(uint64_t count, uint32_t alignment, std::string_view owner);

  /// The slot of `function`: the one it has, or a new one that holds it (then `is_new` is set). Errors: as above.
  [[nodiscard]] Result<uint32_t> slot_of(const LinkedFunction& function, bool* is_new = nullptr);
  /// The same for many: afterwards each has its slot. Those that had none before are added to `fresh`. Errors: as
  /// above, and then some of them may have been given slots.
  [[nodiscard]] Result<> give_slots(std::span<const LinkedFunction* const> functions,
                                    std::vector<const LinkedFunction*>& fresh);

  /// Puts `function` into `slot` on behalf of an element segment; the first slot a function gets is its address.
  void place(const LinkedFunction& function, uint64_t slot) {
    const std::scoped_lock lock(mutex_);
    place_locked(&function, slot);
  }
  /// The same for many, from slot `first` on; null empties a slot.
  void place(std::span<const LinkedFunction* const> functions, uint64_t first) {
    const std::scoped_lock lock(mutex_);
    for (const LinkedFunction* const function : functions) {
      place_locked(function, first++);
    }
  }

  /// Empties a range and gives it back: `owner` is gone.
  void release(uint64_t base, uint64_t count, const std::string& owner);
  /// The same for the slot of `function`, if it has one that still holds it.
  void release_slot(const LinkedFunction& function, const std::string& owner);
  /// Gives back a range that no code has seen: as if it had never been reserved, when nothing came behind it.
  void release_unseen(uint64_t base, uint64_t count, const std::string& owner);
  void release_unseen_slot(const LinkedFunction& function, const std::string& owner);

  /// Who had `slot` before it was emptied, as far as that is remembered; empty when nobody that is gone.
  [[nodiscard]] std::string former_owner(uint64_t slot) const;

 private:
  /// A stretch of slots that nobody uses. Neighbors of the same former owner are one.
  struct Gone {
    uint64_t base;
    uint64_t count;
    std::string owner;
  };

  /// So many stretches are remembered with their owners.
  static constexpr size_t kRemembered = 8192;
  /// Slots are given back to the host in steps of so many.
  static constexpr uint64_t kStep = 8192;

  [[nodiscard]] Result<uint64_t> reserve_locked(uint64_t count, uint32_t alignment, std::string_view owner);
  [[nodiscard]] uint64_t reuse_locked(uint64_t count, uint32_t alignment);
  void forget_oldest_locked();
  /// Counts slots that nobody uses, or uses again, by the step they lie in, and gives back steps that are full of them.
  void count_unused_locked(uint64_t base, uint64_t count, bool unused);
  void empty_locked(uint64_t base, uint64_t count);
  [[nodiscard]] bool holds_locked(const LinkedFunction& function) const;
  void place_locked(const LinkedFunction* function, uint64_t slot) {
    table_->set(slot, abi::Cell{.function = function});
    if (function != nullptr && function->slot.load(std::memory_order_relaxed) == 0 && slot <= UINT32_MAX) {
      function->slot.store(static_cast<uint32_t>(slot), std::memory_order_relaxed);
    }
  }
  void release_locked(uint64_t base, uint64_t count, const std::string& owner);
  void release_unseen_locked(uint64_t base, uint64_t count, const std::string& owner);
  /// The slot of a function that is losing it, 0 when it has none that still holds it.
  [[nodiscard]] uint64_t take_slot_locked(const LinkedFunction& function);

  std::unique_ptr<runtime::Table> table_;
  mutable std::mutex mutex_;  ///< guards ranges and the slots kept in functions; of other locks only a table's own is
                              ///< under it
  std::deque<Gone> gone_;     ///< longest gone first
  FreeRanges forgotten_;      ///< gone for longer than those
  std::vector<uint32_t> unused_;  ///< slots, by step
};

}  // namespace tenon::link
