// Whether threads are inside of libraries that are gone (design: Unloading).
//
// A thread can be inside of one when it is about to call it, in a call of it, or in the linker on its behalf. It
// answers by going through every word that it can still use: registers, native stack, and the frames of interpreted
// calls. A word that happens to look like a pointer keeps a library until the thread is asked again; nothing else does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "link/namespace.h"
#include "runtime/interruption.h"

namespace tenon::link {

class Inquiry final : public runtime::Question {
 public:
  /// About `gone`; and, `with_references`, whether threads are about to call through references to what was retired
  /// for now. Asks the other threads; `self` is the calling one, and answers at once.
  /// The caller holds Namespace::reclaiming and the link map lock alone.
  Inquiry(Namespace& program, GuestThread& self, std::vector<Dso*> gone, bool with_references);

  /// Asks those again that have not answered, but not more often than they can be expected to run. `self` answers now,
  /// if it has not.
  void remind(Namespace& program, GuestThread& self);

  [[nodiscard]] bool is_complete() const {
    return unanswered_.load(std::memory_order_acquire) == 0;  // pairs with the release of the last answer
  }

  // Once it is complete.
  [[nodiscard]] const std::vector<Dso*>& dsos() const { return dsos_; }
  [[nodiscard]] bool is_inside(size_t dso) const { return found_[dso].load(std::memory_order_relaxed); }
  /// The retired numbers that were asked about.
  [[nodiscard]] const std::vector<uint32_t>& retired() const { return retired_; }
  [[nodiscard]] bool is_referred_to(size_t retired) const {
    return found_[dsos_.size() + retired].load(std::memory_order_relaxed);
  }

  // Question
  void answer(runtime::Thread& thread, const runtime::LiveWords& words) override;

 private:
  /// Addresses that belong to a subject: DSOs first, then retired numbers.
  struct Range {
    uintptr_t begin;
    uintptr_t end;
    uint32_t subject;
  };

  void add(const void* begin, size_t bytes, size_t subject);
  void add_dso(Dso& dso, size_t subject);
  void look_at(uintptr_t word);

  std::vector<Dso*> dsos_;
  std::vector<uint32_t> retired_;
  std::vector<Range> ranges_;  ///< by begin; they may lie in each other, for DSOs of one module
  uintptr_t longest_ = 0;      ///< of them
  /// By subject. Written with no order of its own: each answer releases what it found with its step of `unanswered_`.
  std::unique_ptr<std::atomic<bool>[]> found_;
  std::atomic<uint32_t> unanswered_{1};  ///< the maker counts until all are asked
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

}  // namespace tenon::link
