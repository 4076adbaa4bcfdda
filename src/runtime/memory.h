// Linear memories and tables.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "abi/layout.h"
#include "base/result.h"
#include "wasm/types.h"

namespace tenon::runtime {

using abi::BoundsChecks;

/// A linear memory in one reservation: the base never moves.
class Memory : public abi::Memory {
 public:
  /// `maximum_bytes`: the program's limit, which holds besides the type's own maximum. With explicit checks, a host
  /// that has not that much address space gives a memory with a smaller maximum. Errors: limit.
  [[nodiscard]] static Result<std::unique_ptr<Memory>> create(const wasm::MemoryType& type, BoundsChecks checks,
                                                              uint64_t maximum_bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// The specification's memory.grow, in pages: the previous size, or -1. Thread-safe; new bytes are zero before the
  /// new size is published (release; pairs with the acquire loads of `size`).
  int64_t grow(uint64_t pages);

  /// Makes a range that lies in the memory zero, and gives whole pages of it back to the host.
  void clear(uint64_t address, uint64_t bytes);

  [[nodiscard]] uint64_t pages() const { return size.load(std::memory_order_acquire) / wasm::kPageSize; }
  [[nodiscard]] const wasm::MemoryType& type() const { return type_; }
  [[nodiscard]] BoundsChecks checks() const { return checks_; }
  /// The largest size in pages this memory can ever have.
  [[nodiscard]] uint64_t maximum_pages() const { return maximum_pages_; }

 private:
  Memory() = default;
  wasm::MemoryType type_;
  BoundsChecks checks_ = BoundsChecks::guard_pages;
  uint64_t maximum_pages_ = 0;
  uint64_t reserved_bytes_ = 0;
  std::mutex growing_;  ///< guards growth of `size`; no other lock is taken under it
};

/// A table of references. Elements never move: the maximum (or the program's limit) is reserved.
class Table : public abi::Table {
 public:
  /// Errors: limit.
  [[nodiscard]] static Result<std::unique_ptr<Table>> create(const wasm::TableType& type, uint64_t maximum_elements);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// The specification's table.grow: the previous size, or -1. New elements are `initial`. Thread-safe.
  int64_t grow(uint64_t elements, abi::Cell initial);

  /// Makes the table end at `elements` again, if it still ends at `from`; what was behind is null. For elements that no
  /// code has seen yet.
  bool shrink(uint64_t from, uint64_t elements);
  /// Gives the pages that lie entirely in a range of null elements back to the host.
  void discard(uint64_t index, uint64_t count);

  [[nodiscard]] const wasm::TableType& type() const { return type_; }

  [[nodiscard]] abi::Cell get(uint64_t index) const {
    return {.bits = std::atomic_ref(elements[index].bits).load(std::memory_order_acquire)};
  }
  /// Publishes an element: release; pairs with the acquire load of call_indirect and table.get in any thread.
  void set(uint64_t index, abi::Cell value) {
    std::atomic_ref(elements[index].bits).store(value.bits, std::memory_order_release);
  }

 private:
  Table() = default;
  wasm::TableType type_;
  uint64_t maximum_ = 0;
  std::mutex growing_;  ///< guards growth of `size`; no other lock is taken under it
};

/// Identity of an exception tag: two tags are the same when the pointers are.
struct Tag {
  wasm::TypeReference type;
};

}  // namespace tenon::runtime
