#include "link/function_table.h"

#include <algorithm>

#include "base/align.h"

namespace tenon::link {

using base::align;

void FunctionTable::adopt(std::unique_ptr<runtime::Table> table) {
  table_ = std::move(table);
  gone_.clear();
  forgotten_ = {};
  unused_.clear();
}

Result<uint64_t> FunctionTable::reserve(uint64_t count, uint32_t alignment, std::string_view owner) {
  const std::scoped_lock lock(mutex_);
  return reserve_locked(count, alignment, owner);
}

Result<uint64_t> FunctionTable::reserve_locked(uint64_t count, uint32_t alignment, std::string_view owner) {
  if (table_ == nullptr) {
    return fail(ErrorKind::unlinkable,
                "{} needs {} table slots, but the main module has no function table to share: link it with "
                "-Wl,--export-table,--growable-table, or as a PIE",
                owner, count);
  }
  // The guest may grow the table as well, so the end is where it is found to be.
  while (true) {
    const uint64_t end = table_->size.load(std::memory_order_acquire);
    const uint64_t base = align(end == 0 ? 1 : end, alignment);  // slot 0 is the null pointer
    const int64_t before = table_->grow(base - end + count, abi::Cell{});
    if (before < 0) {
      if (const uint64_t reused = reuse_locked(count, alignment); reused != 0) {
        return reused;
      }
      return fail(ErrorKind::limit,
                  "{} needs {} table slots besides the {} there are, and the table cannot grow so far: its maximum was "
                  "given when the main module was linked (-Wl,--growable-table) or is the program's limit",
                  owner, count, end);
    }
    if (static_cast<uint64_t>(before) == end) {
      return base;
    }
  }
}

/// A range among those that are gone, of those that are gone longest; 0 when there is none.
uint64_t FunctionTable::reuse_locked(uint64_t count, uint32_t alignment) {
  while (true) {
    if (const auto base = forgotten_.take(count, alignment)) {
      count_unused_locked(*base, count, false);
      empty_locked(*base, count);  // whatever the guest may have written there
      return *base;
    }
    if (gone_.empty()) {
      return 0;
    }
    forget_oldest_locked();
  }
}

void FunctionTable::forget_oldest_locked() {
  forgotten_.give(gone_.front().base, gone_.front().count);
  gone_.pop_front();
}

void FunctionTable::count_unused_locked(uint64_t base, uint64_t count, bool unused) {
  for (const uint64_t end = base + count; base < end;) {
    const uint64_t step = base / kStep;
    const uint64_t part = std::min(end, (step + 1) * kStep) - base;
    if (step >= unused_.size()) {
      unused_.resize(step + 1);
    }
    if (!unused) {
      unused_[step] -= static_cast<uint32_t>(std::min<uint64_t>(part, unused_[step]));
    } else {
      unused_[step] += static_cast<uint32_t>(part);
      if (unused_[step] == kStep) {
        table_->discard(step * kStep, kStep);
      }
    }
    base += part;
  }
}

// The guest can overwrite any slot, and the host's functions may know one of an earlier table: then the function needs
// another one.
bool FunctionTable::holds_locked(const LinkedFunction& function) const {
  const uint32_t known = function.slot.load(std::memory_order_relaxed);
  return known != 0 && table_ != nullptr && known < table_->size.load(std::memory_order_acquire) &&
         table_->get(known).function == &function;
}

Result<uint32_t> FunctionTable::slot_of(const LinkedFunction& function, bool* is_new) {
  const std::scoped_lock lock(mutex_);
  if (holds_locked(function)) {
    return function.slot.load(std::memory_order_relaxed);
  }
  const auto slot = static_cast<uint32_t>(TENON_TRY(reserve_locked(1, 0, "a function's address")));
  table_->set(slot, abi::Cell{.function = &function});
  function.slot.store(slot, std::memory_order_relaxed);
  if (is_new != nullptr) {
    *is_new = true;
  }
  return slot;
}

Result<> FunctionTable::give_slots(std::span<const LinkedFunction* const> functions,
                                   std::vector<const LinkedFunction*>& fresh) {
  const std::scoped_lock lock(mutex_);
  const size_t first_fresh = fresh.size();
  for (const LinkedFunction* const function : functions) {
    if (!holds_locked(*function)) {
      function->slot.store(0, std::memory_order_relaxed);
      fresh.push_back(function);
    }
  }
  uint64_t next = 0;
  uint64_t left = 0;
  size_t given = first_fresh;
  for (size_t i = first_fresh; i < fresh.size(); ++i) {
    const LinkedFunction& function = *fresh[i];
    if (function.slot.load(std::memory_order_relaxed) != 0) {
      continue;  // it is there twice
    }
    if (left == 0) {
      // All at once if there is such a range. Otherwise one by one, from what is free here and there.
      left = fresh.size() - i;
      auto range = reserve_locked(left, 0, "functions' addresses");
      if (!range && left != 1) {
        left = 1;
        range = reserve_locked(left, 0, "a function's address");
      }
      if (!range) {
        fresh.resize(given);
        return std::unexpected(std::move(range).error());
      }
      next = *range;
    }
    table_->set(next, abi::Cell{.function = &function});
    function.slot.store(static_cast<uint32_t>(next), std::memory_order_relaxed);
    fresh[given++] = &function;
    ++next;
    --left;
  }
  fresh.resize(given);
  if (left != 0) {
    release_unseen_locked(next, left, "");
  }
  return {};
}

// Whoever has a slot there loses it.
void FunctionTable::empty_locked(uint64_t base, uint64_t count) {
  const uint64_t size = table_->size.load(std::memory_order_acquire);
  for (uint64_t slot = base; slot < std::min(base + count, size); ++slot) {
    if (const auto* const function = static_cast<const LinkedFunction*>(table_->get(slot).function)) {
      auto expected = static_cast<uint32_t>(slot);
      function->slot.compare_exchange_strong(expected, 0, std::memory_order_relaxed);
      table_->set(slot, abi::Cell{});
    }
  }
}

void FunctionTable::release(uint64_t base, uint64_t count, const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  if (table_ != nullptr && count != 0) {
    release_locked(base, count, owner);
  }
}

void FunctionTable::release_slot(const LinkedFunction& function, const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  if (const uint64_t slot = take_slot_locked(function); slot != 0) {
    release_locked(slot, 1, owner);
  }
}

void FunctionTable::release_locked(uint64_t base, uint64_t count, const std::string& owner) {
  empty_locked(base, count);
  count_unused_locked(base, count, true);
  if (!gone_.empty() && gone_.back().owner == owner && gone_.back().base + gone_.back().count == base) {
    gone_.back().count += count;
    return;
  }
  gone_.push_back({base, count, owner});
  if (gone_.size() > kRemembered) {
    forget_oldest_locked();
  }
}

void FunctionTable::release_unseen(uint64_t base, uint64_t count, const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  if (table_ != nullptr && count != 0) {
    release_unseen_locked(base, count, owner);
  }
}

void FunctionTable::release_unseen_slot(const LinkedFunction& function, const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  if (const uint64_t slot = take_slot_locked(function); slot != 0) {
    release_unseen_locked(slot, 1, owner);
  }
}

void FunctionTable::release_unseen_locked(uint64_t base, uint64_t count, const std::string& owner) {
  if (!table_->shrink(base + count, base)) {
    release_locked(base, count, owner);
  }
}

uint64_t FunctionTable::take_slot_locked(const LinkedFunction& function) {
  const uint32_t slot = function.slot.exchange(0, std::memory_order_relaxed);
  const bool holds = slot != 0 && table_ != nullptr && slot < table_->size.load(std::memory_order_acquire) &&
                     table_->get(slot).function == &function;
  return holds ? slot : 0;
}

std::string FunctionTable::former_owner(uint64_t slot) const {
  const std::scoped_lock lock(mutex_);
  for (auto range = gone_.rbegin(); range != gone_.rend(); ++range) {
    if (slot >= range->base && slot - range->base < range->count) {
      return range->owner;
    }
  }
  return forgotten_.contains(slot) ? "(one that was closed long ago)" : "";
}

}  // namespace tenon::link
