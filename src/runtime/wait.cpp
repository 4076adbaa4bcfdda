// A table of buckets by address hash, each with a mutex and a list of waiters in order of arrival: a waiter lives on
// its own thread's stack and is taken off the list by whoever ends its waiting.
#include "runtime/wait.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>

#include "runtime/interruption.h"
#include "runtime/thread.h"

namespace tenon::runtime {

struct Thread::Waiter {
  const void* address = nullptr;
  bool woken = false;
  bool interrupted = false;
  std::condition_variable condition;
};

namespace {

using Waiter = Thread::Waiter;

struct Bucket {
  std::mutex mutex;  // guards the list and every Waiter in it; no other lock is taken under it
  std::list<Waiter*> waiters;
};

Bucket& bucket_of(const void* address) {
  static std::array<Bucket, 256> buckets;
  return buckets[std::hash<uintptr_t>()(reinterpret_cast<uintptr_t>(address) >> 2) % buckets.size()];
}

}  // namespace

namespace {

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

template <class T>
WaitResult wait_registered(Waiter& waiter, const T* address, T expected, int64_t timeout) {
  Bucket& bucket = bucket_of(address);
  std::unique_lock lock(bucket.mutex);
  if (std::atomic_ref(*const_cast<T*>(address)).load(std::memory_order_seq_cst) != expected) {
    return WaitResult::not_equal;
  }
  if (waiter.interrupted) {
    return WaitResult::interrupted;
  }
  const auto place = bucket.waiters.insert(bucket.waiters.end(), &waiter);
  const auto ended = [&] { return waiter.woken || waiter.interrupted; };
  if (timeout < 0) {
    waiter.condition.wait(lock, ended);
  } else {
    const auto limit = std::chrono::nanoseconds(std::min(timeout, int64_t{1} << 60));
    (void)waiter.condition.wait_for(lock, limit, ended);
  }
  if (waiter.woken) {
    return WaitResult::woken;
  }
  bucket.waiters.erase(place);
  return waiter.interrupted ? WaitResult::interrupted : WaitResult::timed_out;
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
    // Whoever asks it to leave from here on finds the waiter.
    if (!is_to_leave(thread)) {
      result = wait_registered(waiter, address, expected, timeout);
    }
  }
  if (result == WaitResult::interrupted) {
    thread.raise(TrapKind::interrupted);
    return result;
  }
  return poll(thread) ? result : WaitResult::interrupted;
}

template WaitResult wait<uint32_t>(Thread&, const uint32_t*, uint32_t, int64_t);
template WaitResult wait<uint64_t>(Thread&, const uint64_t*, uint64_t, int64_t);

void wake(Thread& thread) {
  const std::scoped_lock lock(thread.waiting);
  if (thread.waiter == nullptr || !is_to_leave(thread)) {
    return;
  }
  Bucket& bucket = bucket_of(thread.waiter->address);
  const std::scoped_lock in_bucket(bucket.mutex);
  thread.waiter->interrupted = true;
  thread.waiter->condition.notify_one();
}

uint32_t notify(const void* address, uint32_t count) {
  Bucket& bucket = bucket_of(address);
  const std::scoped_lock lock(bucket.mutex);
  uint32_t woken = 0;
  for (auto place = bucket.waiters.begin(); place != bucket.waiters.end() && woken < count;) {
    Waiter& waiter = **place;
    if (waiter.address != address) {
      ++place;
      continue;
    }
    place = bucket.waiters.erase(place);
    waiter.woken = true;
    waiter.condition.notify_one();
    ++woken;
  }
  return woken;
}

}  // namespace tenon::runtime
