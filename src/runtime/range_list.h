// Address ranges that a signal handler looks addresses up in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace tenon::runtime {

/// A list of blocks that only grows, whose entries are used again. `begin` is stored last (release) and cleared first;
/// the acquire load of `begin` in find() pairs with it, so a begin it sees has its end and its payload. An entry that
/// changes hands between the loads belongs to a range that the looking thread is not using: who removes a range makes
/// sure of that.
template <class Payload>
class RangeList {
 public:
  struct Found {
    Payload* payload = nullptr;
    bool found = false;
  };

  /// Async-signal-safe; takes no lock.
  [[nodiscard]] Found find(uintptr_t address) const {
    for (const Block* block = &first_; block != nullptr; block = block->next.load(std::memory_order_acquire)) {
      for (const Entry& entry : block->entries) {
        const uintptr_t begin = entry.begin.load(std::memory_order_acquire);
        if (begin != 0 && address >= begin && address < entry.end.load(std::memory_order_relaxed)) {
          return {entry.payload.load(std::memory_order_relaxed), true};
        }
      }
    }
    return {};
  }

  void add(const void* begin, const void* end, Payload* payload) {
    const std::scoped_lock lock(changing_);
    for (Block* block = &first_;; block = block->next.load(std::memory_order_relaxed)) {
      for (Entry& entry : block->entries) {
        if (entry.begin.load(std::memory_order_relaxed) == 0) {
          entry.end.store(reinterpret_cast<uintptr_t>(end), std::memory_order_relaxed);
          entry.payload.store(payload, std::memory_order_relaxed);
          entry.begin.store(reinterpret_cast<uintptr_t>(begin), std::memory_order_release);
          return;
        }
      }
      if (block->next.load(std::memory_order_relaxed) == nullptr) {
        block->next.store(new Block, std::memory_order_release);
      }
    }
  }

  void remove(const void* begin) {
    const std::scoped_lock lock(changing_);
    for (Block* block = &first_; block != nullptr; block = block->next.load(std::memory_order_relaxed)) {
      for (Entry& entry : block->entries) {
        if (entry.begin.load(std::memory_order_relaxed) == reinterpret_cast<uintptr_t>(begin)) {
          entry.begin.store(0, std::memory_order_release);
          return;
        }
      }
    }
  }

 private:
  struct Entry {
    std::atomic<uintptr_t> begin{0};
    std::atomic<uintptr_t> end{0};
    std::atomic<Payload*> payload{nullptr};
  };
  struct Block {
    std::array<Entry, 64> entries;
    std::atomic<Block*> next{nullptr};
  };

  Block first_;
  std::mutex changing_;  ///< guards writers; readers take no lock
};

}  // namespace tenon::runtime
