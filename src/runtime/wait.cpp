// A table of buckets by address hash, each with a mutex and a list of waiters in order of arrival. A waiter lives on
// its own thread's stack, is taken off the list by whoever ends its waiting, and sleeps on a word of its own: so nobody
// wakes up only to wait for the bucket's mutex.
#include "runtime/wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>

#include "runtime/interruption.h"
#include "runtime/thread.h"

namespace tenon::runtime {

struct Thread::Waiter {
  enum State : uint32_t { kWaiting, kWoken, kInterrupted };

  const void* address = nullptr;
  /// Written under the bucket's mutex. The release store of what ends the waiting pairs with the acquire load of who
  /// waits, who does not touch the list any more then.
  std::atomic<uint32_t> state{kWaiting};
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

namespace {

using Waiter = Thread::Waiter;

constexpr int64_t kSecond = 1'000'000'000;

struct Bucket {
  std::mutex mutex;  ///< guards the list; no other lock is taken under it
  Waiter* first = nullptr;
  Waiter* last = nullptr;

  void add(Waiter& waiter) {
    waiter.previous = last;
    (last == nullptr ? first : last->next) = &waiter;
    last = &waiter;
  }
  void remove(Waiter& waiter) {
    (waiter.previous == nullptr ? first : waiter.previous->next) = waiter.next;
    (waiter.next == nullptr ? last : waiter.next->previous) = waiter.previous;
    waiter.previous = waiter.next = nullptr;  // wake() asks whether it is in the list
  }
};

Bucket& bucket_of(const void* address) {
  static std::array<Bucket, 256> buckets;
  return buckets[std::hash<uintptr_t>()(reinterpret_cast<uintptr_t>(address) >> 2) % buckets.size()];
}

/// Returns when the word is not `kWaiting` any more, perhaps without a reason, or when the time (of CLOCK_MONOTONIC)
/// has come: false.
bool sleep_until(const std::atomic<uint32_t>& word, const std::optional<timespec>& end) {
  const long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, Waiter::kWaiting, end ? &*end : nullptr,
                              nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

/// `word` need not be there any more: then nobody sleeps on it, or somebody wakes up without a reason.
void wake_word(const std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

/// When a wait of so many nanoseconds ends; nothing when it does not.
std::optional<timespec> end_of(int64_t timeout) {
  if (timeout < 0) {
    return std::nullopt;
  }
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t nanoseconds = now.tv_nsec + timeout % kSecond;
  return timespec{.tv_sec = now.tv_sec + timeout / kSecond + nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond};
}

/// While one of these lives, wake() finds the waiter.
class Registered {
 public:
  Registered(Thread& thread, Waiter& waiter) : thread_(thread) {
    const std::scoped_lock lock(thread.waiting);
    thread.waiter = &waiter;
  }
  ~Registered() {
    const std::scoped_lock lock(thread_.waiting);
    thread_.waiter = nullptr;
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  Thread& thread_;
};

bool is_to_leave(const Thread& thread) {
  return (thread.interrupt.load(std::memory_order_relaxed) & kLeave) != 0;
}

WaitResult result_of(uint32_t state) {
  return state == Waiter::kWoken ? WaitResult::woken : WaitResult::interrupted;
}

template <class T>
WaitResult wait_registered(Thread& thread, Waiter& waiter, const T* address, T expected, int64_t timeout) {
  Bucket& bucket = bucket_of(address);
  {
    const std::scoped_lock lock(bucket.mutex);
    if (std::atomic_ref(*const_cast<T*>(address)).load(std::memory_order_seq_cst) != expected) {
      return WaitResult::not_equal;
    }
    // Whoever asks it to leave from here on finds the waiter in the list.
    if (is_to_leave(thread)) {
      return WaitResult::interrupted;
    }
    bucket.add(waiter);
  }
  const std::optional<timespec> end = end_of(timeout);
  while (true) {
    const bool has_time = sleep_until(waiter.state, end);
    const uint32_t state = waiter.state.load(std::memory_order_acquire);
    if (state != Waiter::kWaiting) {
      return result_of(state);
    }
    if (!has_time) {
      break;
    }
  }
  const std::scoped_lock lock(bucket.mutex);
  if (const uint32_t state = waiter.state.load(std::memory_order_relaxed); state != Waiter::kWaiting) {
    return result_of(state);
  }
  bucket.remove(waiter);
  return WaitResult::timed_out;
}

}  // namespace

template <class T>
WaitResult wait(Thread& thread, const T* address, T expected, int64_t timeout) {
  Waiter waiter;
  waiter.address = address;
  WaitResult result = WaitResult::interrupted;
  {
    const InHost host(thread);
    const Registered registered(thread, waiter);
    result = wait_registered(thread, waiter, address, expected, timeout);
  }
  if (result == WaitResult::interrupted) {
    thread.raise(TrapKind::interrupted);
    return result;
  }
  return thread.interrupt.load(std::memory_order_relaxed) == 0 || poll(thread) ? result : WaitResult::interrupted;
}

template WaitResult wait<uint32_t>(Thread&, const uint32_t*, uint32_t, int64_t);
template WaitResult wait<uint64_t>(Thread&, const uint64_t*, uint64_t, int64_t);

void wake(Thread& thread) {
  const std::scoped_lock lock(thread.waiting);
  Waiter* const waiter = thread.waiter;
  if (waiter == nullptr || !is_to_leave(thread)) {
    return;
  }
  Bucket& bucket = bucket_of(waiter->address);
  const std::scoped_lock in_bucket(bucket.mutex);
  const bool is_listed = waiter->previous != nullptr || waiter->next != nullptr || bucket.first == waiter;
  if (is_listed && waiter->state.load(std::memory_order_relaxed) == Waiter::kWaiting) {
    bucket.remove(*waiter);
    waiter->state.store(Waiter::kInterrupted, std::memory_order_release);
    wake_word(&waiter->state);
  }
}

uint32_t notify(const void* address, uint32_t count) {
  // So many are woken at a time, without the lock.
  constexpr size_t kAtOnce = 32;
  Bucket& bucket = bucket_of(address);
  uint32_t woken = 0;
  while (woken < count) {
    std::array<const std::atomic<uint32_t>*, kAtOnce> words;
    size_t found = 0;
    {
      const std::scoped_lock lock(bucket.mutex);
      Waiter* waiter = bucket.first;
      while (waiter != nullptr && found < words.size() && woken + found < count) {
        Waiter* const next = waiter->next;
        if (waiter->address == address) {
          bucket.remove(*waiter);
          words[found++] = &waiter->state;
          waiter->state.store(Waiter::kWoken, std::memory_order_release);
        }
        waiter = next;
      }
    }
    for (size_t i = 0; i < found; ++i) {
      wake_word(words[i]);
    }
    woken += static_cast<uint32_t>(found);
    if (found < words.size()) {
      break;
    }
  }
  return woken;
}

}  // namespace tenon::runtime
