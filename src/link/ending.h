// How a program ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "runtime/trap.h"

namespace tenon::link {

/// Decided once, by the thread that ends the program first. Thread-safe but for forget().
class Ending {
 public:
  /// The exit code of a program that a trap ended: that of abort().
  static constexpr uint32_t kTrapCode = 134;

  /// Whether the program has ended: no guest code is entered any more.
  explicit operator bool() const { return has_ended_.load(std::memory_order_acquire); }
  /// Its exit code, once it has ended.
  [[nodiscard]] uint32_t operator*() const { return code_.load(std::memory_order_relaxed); }
  /// The trap that ended it, if one did.
  [[nodiscard]] std::optional<runtime::Trap> trap() const {
    const std::scoped_lock lock(mutex_);
    return trap_;
  }

  /// False when it was decided before.
  bool decide(uint32_t code) {
    const std::scoped_lock lock(mutex_);
    return decide_locked(code);
  }
  bool decide(runtime::Trap trap) {
    const std::scoped_lock lock(mutex_);
    if (!decide_locked(kTrapCode)) {
      return false;
    }
    trap_ = std::move(trap);
    return true;
  }

  /// The program has not ended after all: of one whose loading failed nothing is left. No other thread is in it.
  void forget() {
    const std::scoped_lock lock(mutex_);
    trap_.reset();
    has_ended_.store(false, std::memory_order_relaxed);
  }

 private:
  bool decide_locked(uint32_t code) {
    if (has_ended_.load(std::memory_order_relaxed)) {
      return false;
    }
    code_.store(code, std::memory_order_relaxed);
    has_ended_.store(true, std::memory_order_release);  // pairs with the acquire load above; `code_` comes first
    return true;
  }

  mutable std::mutex mutex_;  ///< guards deciding and `trap_`; no other lock is taken under it
  std::atomic<bool> has_ended_{false};
  std::atomic<uint32_t> code_{0};
  std::optional<runtime::Trap> trap_;
};

}  // namespace tenon::link
