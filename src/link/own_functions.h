// The functions that one DSO defines, as values: made when somebody asks for them, found without a lock afterwards.
//
// Most functions of a library are never asked for. So there is no array of them, and opening a library costs as much as
// its tables of function pointers have entries.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "abi/abi.h"
#include "runtime/executable.h"

namespace tenon::link {

/// A function of a DSO as a value, and the table slot it was given: so that it has one address.
struct LinkedFunction : abi::FunctionDescriptor {
  mutable std::atomic<uint32_t> slot{0};  ///< in the table; 0 while it has none. FunctionTable guards it
};

/// Memory of functions. They never move.
class FunctionPool {
 public:
  /// `with_code`: each has a Code of its own, as those of compiled modules; else Executable::code is what they have.
  explicit FunctionPool(bool with_code) : with_code_(with_code) {}

  struct Place {
    LinkedFunction* function;
    abi::Code* code;  ///< null without one of its own
  };
  /// One more, empty.
  [[nodiscard]] Place add() {
    if (chunks_.empty() || chunks_.back().used == chunks_.back().size) {
      grow();
    }
    Chunk& chunk = chunks_.back();
    const size_t place = chunk.used++;
    return {new (chunk.functions() + place) LinkedFunction,
            with_code_ ? new (chunk.codes() + place) abi::Code : nullptr};
  }
  /// Takes memory for the next `count` at once.
  void reserve(size_t count);

  /// Calls `function` with the memory of each chunk: where it begins, and its bytes.
  template <class Function>
  void for_each_chunk(Function&& function) const {
    for (const Chunk& chunk : chunks_) {
      const size_t each = sizeof(LinkedFunction) + (with_code_ ? sizeof(abi::Code) : 0);
      function(static_cast<const void*>(chunk.memory.get()), chunk.size * each);
    }
  }

  template <class Function>
  void for_each(Function&& function) const {
    for (const Chunk& chunk : chunks_) {
      for (const LinkedFunction& one : std::span(chunk.functions(), chunk.used)) {
        function(one);
      }
    }
  }

 private:
  static constexpr size_t kFirstChunk = 4;
  static constexpr size_t kLargestChunk = 64;

  /// Functions, and behind them, if they have them, their codes. Only those that are used are made.
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;
    size_t size = 0;
    size_t used = 0;

    [[nodiscard]] LinkedFunction* functions() const { return reinterpret_cast<LinkedFunction*>(memory.get()); }
    [[nodiscard]] abi::Code* codes() const { return reinterpret_cast<abi::Code*>(functions() + size); }
  };
  void grow();

  std::vector<Chunk> chunks_;
  size_t next_size_ = kFirstChunk;
  bool with_code_;
};

/// Thread-safe, but for `take`.
class OwnFunctions {
 public:
  explicit OwnFunctions(runtime::Executable& executable)
      : executable_(executable), pool_(executable.native() != nullptr) {}
  OwnFunctions(const OwnFunctions&) = delete;
  OwnFunctions& operator=(const OwnFunctions&) = delete;

  /// The one descriptor of function `function`, which the module defines; null when nobody has asked for it yet.
  [[nodiscard]] const LinkedFunction* find(uint32_t function) const {
    const Index* const index = index_.load(std::memory_order_acquire);
    if (index == nullptr) {
      return nullptr;
    }
    for (size_t i = function & index->mask;; i = (i + 1) & index->mask) {
      const LinkedFunction* const found = index->slots[i].load(std::memory_order_acquire);
      if (found == nullptr || found->function == function) {
        return found;
      }
    }
  }
  /// The same, made when it is not there. `dso`: whose it is.
  [[nodiscard]] const LinkedFunction* get(uint32_t function, uint32_t dso) {
    const LinkedFunction* const known = find(function);
    return known != nullptr ? known : make(function, dso);
  }
  /// The descriptors of many functions at once; null for those that the module does not define.
  void get_all(std::span<const uint32_t> functions, uint32_t dso, std::span<const LinkedFunction*> found);

  /// Calls `function` with each descriptor made so far. Holds the lock under which they are made.
  template <class Function>
  void for_each(Function&& function) {
    const std::scoped_lock lock(making_);
    pool_.for_each(function);
  }
  /// The same with the memory that they lie in; see FunctionPool.
  template <class Function>
  void for_each_chunk(Function&& function) {
    const std::scoped_lock lock(making_);
    pool_.for_each_chunk(function);
  }
  /// Gives the descriptors away: what may still be referred to outlives the DSO.
  [[nodiscard]] FunctionPool take() { return std::move(pool_); }

 private:
  /// A hash table by function index, at most three quarters full. A larger one takes its place; who reads the old one
  /// meanwhile may miss what is new, and then takes the lock.
  struct Index {
    explicit Index(size_t size) : mask(size - 1), slots(new std::atomic<const LinkedFunction*>[size]()) {}
    size_t mask;
    /// The release store in make_locked() pairs with the acquire load in find(): a descriptor it sees is filled in.
    std::unique_ptr<std::atomic<const LinkedFunction*>[]> slots;
  };

  const LinkedFunction* make(uint32_t function, uint32_t dso);
  const LinkedFunction* make_locked(uint32_t function, uint32_t dso);
  void reserve_locked(size_t count);
  /// How many are asked for in all likelihood when any are: those in tables, and those whose addresses are imported.
  [[nodiscard]] size_t expected() const;

  runtime::Executable& executable_;
  std::mutex making_;  ///< guards making descriptors; no other lock is taken under it
  FunctionPool pool_;
  size_t count_ = 0;  ///< of those in it
  size_t room_ = 0;   ///< so many may be in the index
  /// The release store in reserve_locked() pairs with the acquire load in find(): a table it sees has its mask, its
  /// slots and all that the table before it had, which are copied with relaxed stores.
  std::atomic<const Index*> index_{nullptr};
  std::vector<std::unique_ptr<Index>> indexes_;  ///< the last one is `index_`
};

}  // namespace tenon::link
