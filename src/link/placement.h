// Placement: where the data of a library goes that is not part of a PIE main's first layout: later libraries, and every
// library of a main at fixed addresses (design: Placement).
//
//   reserve   room that was left before the heap for it (--reserve)
//   heap      a block of the guest's own allocator
//   stack     the low end of the main's stack, which was linked large enough
//   grow      behind the end of memory, by memory.grow
//
// Ranges that were given back are given out again, zero as the first time.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>

#include "base/result.h"
#include "link/free_ranges.h"
#include "link/options.h"

namespace tenon::link {

class GuestThread;
struct Namespace;
struct Needs;

/// A library's data in memory.
struct MemoryRange {
  Place place = Place::automatic;  ///< automatic: it is part of the program's first layout, or empty
  uint64_t base = 0;
  uint64_t size = 0;
  uint64_t block = 0;  ///< `heap`: what the allocator gave, which has the range in it
};

/// The wasm-ld default. So much of a stack always stays a stack.
constexpr uint64_t kMinimumStack = uint64_t{64} << 10;

/// Belongs to one program. Thread-safe.
class Placement {
 public:
  /// The program has no memory any more.
  void forget_all();

  /// What is left free before the heap of a PIE, for `reserve`.
  void set_reserve(uint64_t base, uint64_t size);

  /// Room for a library's data: of the right alignment, and zero. May run the guest's allocator, so no lock may be
  /// held. Errors: limit, with what each place said; trap is none, for an allocator that traps is one that cannot be
  /// used; unlinkable when the program has no memory. Look at Namespace::ending afterwards.
  [[nodiscard]] Result<MemoryRange> take(Namespace& program, GuestThread& thread, const Needs& needs);
  /// Room that the linker itself hands out, for a thread: as above, but never by guest code. `alignment` is an exponent
  /// of two. `what` is for the message. Errors: limit.
  [[nodiscard]] Result<MemoryRange> take_block(Namespace& program, uint64_t size, uint32_t alignment,
                                               const std::string& what);
  /// Gives such a block back. Runs no guest code.
  void give_block(Namespace& program, const MemoryRange& block);

  /// Gives a range back. May run the guest's `free`; no lock may be held.
  void give(Namespace& program, GuestThread& thread, const MemoryRange& range);

 private:
  [[nodiscard]] Result<MemoryRange> from_reserve(Namespace& program, const Needs& needs);
  [[nodiscard]] Result<MemoryRange> from_heap(Namespace& program, GuestThread& thread, const Needs& needs);
  [[nodiscard]] Result<MemoryRange> from_stack(Namespace& program, GuestThread& thread, const Needs& needs);
  [[nodiscard]] Result<MemoryRange> by_growing(Namespace& program, const Needs& needs);

  mutable std::mutex mutex_;  ///< guards all below; of other locks only a memory's own is taken under it
  FreeRanges reserve_;
  FreeRanges stack_;
  FreeRanges grown_;
  uint64_t reserved_ = 0;  ///< bytes that `reserve` had at first
};

}  // namespace tenon::link
