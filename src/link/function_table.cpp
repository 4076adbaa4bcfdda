#include "link/function_table.h"

namespace tenon::link {

void FunctionTable::adopt(std::unique_ptr<runtime::Table> table) {
  table_ = std::move(table);
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
  const uint64_t mask = (uint64_t{1} << alignment) - 1;
  while (true) {
    const uint64_t end = table_->size.load(std::memory_order_acquire);
    const uint64_t base = ((end == 0 ? 1 : end) + mask) & ~mask;  // slot 0 is the null pointer
    const int64_t before = table_->grow(base - end + count, abi::Cell{});
    if (before < 0) {
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

Result<uint32_t> FunctionTable::slot_of(const LinkedFunction& function) {
  const std::scoped_lock lock(mutex_);
  const uint32_t known = function.slot.load(std::memory_order_relaxed);
  // The guest can overwrite any slot: then the function needs another one.
  if (known != 0 && table_ != nullptr && table_->get(known).function == &function) {
    return known;
  }
  const auto slot = static_cast<uint32_t>(TENON_TRY(reserve_locked(1, 0, "a function's address")));
  table_->set(slot, abi::Cell{.function = &function});
  function.slot.store(slot, std::memory_order_relaxed);
  return slot;
}

void FunctionTable::place(const LinkedFunction& function, uint64_t slot) {
  const std::scoped_lock lock(mutex_);
  table_->set(slot, abi::Cell{.function = &function});
  if (function.slot.load(std::memory_order_relaxed) == 0 && slot <= UINT32_MAX) {
    function.slot.store(static_cast<uint32_t>(slot), std::memory_order_relaxed);
  }
}

}  // namespace tenon::link
