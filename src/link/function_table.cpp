#include "link/function_table.h"

#include <algorithm>

namespace tenon::link {

namespace {

constexpr uint64_t kSlotsOfSmallestPage = (uint64_t{4} << 10) / sizeof(abi::Cell);

uint64_t align(uint64_t value, uint32_t exponent) {
  const uint64_t mask = (uint64_t{1} << exponent) - 1;
  return (value + mask) & ~mask;
}

}  // namespace

void FunctionTable::adopt(std::unique_ptr<runtime::Table> table) {
  table_ = std::move(table);
  gone_.clear();
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

/// A range among those that are gone, the one that is gone longest; 0 when none is large enough.
uint64_t FunctionTable::reuse_locked(uint64_t count, uint32_t alignment) {
  for (auto range = gone_.begin(); range != gone_.end(); ++range) {
    const uint64_t base = align(range->base, alignment);
    const uint64_t skipped = base - range->base;
    if (skipped > range->count || count > range->count - skipped) {
      continue;
    }
    const Gone behind{base + count, range->count - skipped - count, range->owner};
    range->count = skipped;
    auto next = range->count == 0 ? gone_.erase(range) : range + 1;
    if (behind.count != 0) {
      gone_.insert(next, behind);
    }
    empty_locked(base, count);  // whatever the guest may have written there
    return base;
  }
  return 0;
}

Result<uint32_t> FunctionTable::slot_of(const LinkedFunction& function, bool* is_new) {
  const std::scoped_lock lock(mutex_);
  const uint32_t known = function.slot.load(std::memory_order_relaxed);
  // The guest can overwrite any slot: then the function needs another one.
  if (known != 0 && table_ != nullptr && table_->get(known).function == &function) {
    return known;
  }
  const auto slot = static_cast<uint32_t>(TENON_TRY(reserve_locked(1, 0, "a function's address")));
  table_->set(slot, abi::Cell{.function = &function});
  function.slot.store(slot, std::memory_order_relaxed);
  if (is_new != nullptr) {
    *is_new = true;
  }
  return slot;
}

void FunctionTable::place(const LinkedFunction& function, uint64_t slot) {
  const std::scoped_lock lock(mutex_);
  table_->set(slot, abi::Cell{.function = &function});
  if (function.slot.load(std::memory_order_relaxed) == 0 && slot <= UINT32_MAX) {
    function.slot.store(static_cast<uint32_t>(slot), std::memory_order_relaxed);
  }
}

void FunctionTable::empty_locked(uint64_t base, uint64_t count) {
  const uint64_t size = table_->size.load(std::memory_order_acquire);
  for (uint64_t slot = base; slot < std::min(base + count, size); ++slot) {
    table_->set(slot, abi::Cell{});
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
  const bool is_next = !gone_.empty() && gone_.back().base + gone_.back().count == base;
  if (is_next && (gone_.back().owner == owner || gone_.size() >= kMaximumRanges)) {
    gone_.back().owner = gone_.back().owner == owner ? owner : "(one of several)";
    gone_.back().count += count;
  } else {
    gone_.push_back({base, count, owner});
  }
  // A page can only have become empty when the new part reaches the end of one.
  if (base / kSlotsOfSmallestPage == (base + count) / kSlotsOfSmallestPage) {
    return;
  }
  const Gone& range = gone_.back();
  // Only the last page before the new part can have become empty by it.
  const uint64_t from = std::max(range.base, base - std::min(base, uint64_t{kSlotsOfPages}));
  table_->discard(from, range.base + range.count - from);
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
  return {};
}

}  // namespace tenon::link
