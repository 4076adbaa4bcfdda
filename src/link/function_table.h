// The program's function table: who has which range, and the one slot that a function's address is.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "link/dso.h"
#include "runtime/memory.h"

namespace tenon::link {

/// Thread-safe, but for `adopt`.
class FunctionTable {
 public:
  /// Takes the table that the program uses from now on.
  void adopt(std::unique_ptr<runtime::Table> table);
  /// Null when the program has none.
  [[nodiscard]] runtime::Table* table() const { return table_.get(); }

  /// A range of `count` fresh, empty slots, never slot 0. `alignment` is an exponent of two. Errors: limit (names
  /// `owner` and the numbers), unlinkable when the program has no table.
  [[nodiscard]] Result<uint64_t> reserve(uint64_t count, uint32_t alignment, std::string_view owner);

  /// The slot of `function`: the one it has, or a new one that holds it. Errors: as above.
  [[nodiscard]] Result<uint32_t> slot_of(const LinkedFunction& function);

  /// Puts `function` into `slot` on behalf of an element segment; the first slot a function gets is its address.
  void place(const LinkedFunction& function, uint64_t slot);

 private:
  [[nodiscard]] Result<uint64_t> reserve_locked(uint64_t count, uint32_t alignment, std::string_view owner);

  std::unique_ptr<runtime::Table> table_;
  std::mutex mutex_;  ///< guards ranges and the slots kept in functions; of other locks only a table's own is under it
};

}  // namespace tenon::link
