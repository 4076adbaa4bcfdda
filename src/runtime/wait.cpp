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

namespace tenon::runtime {

namespace {

struct Waiter {
  const void* address = nullptr;
  bool woken = false;
  std::condition_variable condition;
};

struct Bucket {
  std::mutex mutex;  // guards the list and every Waiter::woken in it; no other lock is taken under it
  std::list<Waiter*> waiters;
};

Bucket& bucket_of(const void* address) {
  static std::array<Bucket, 256> buckets;
  return buckets[std::hash<uintptr_t>()(reinterpret_cast<uintptr_t>(address) >> 2) % buckets.size()];
}

}  // namespace

template <class T>
WaitResult wait(const T* address, T expected, int64_t timeout) {
  Bucket& bucket = bucket_of(address);
  std::unique_lock lock(bucket.mutex);
  if (std::atomic_ref(*const_cast<T*>(address)).load(std::memory_order_seq_cst) != expected) {
    return WaitResult::not_equal;
  }
  Waiter waiter;
  waiter.address = address;
  const auto place = bucket.waiters.insert(bucket.waiters.end(), &waiter);
  const auto woken = [&] { return waiter.woken; };
  if (timeout < 0) {
    waiter.condition.wait(lock, woken);
    return WaitResult::woken;
  }
  const auto limit = std::chrono::nanoseconds(std::min(timeout, int64_t{1} << 60));
  if (waiter.condition.wait_for(lock, limit, woken)) {
    return WaitResult::woken;
  }
  bucket.waiters.erase(place);
  return WaitResult::timed_out;
}

template WaitResult wait<uint32_t>(const uint32_t*, uint32_t, int64_t);
template WaitResult wait<uint64_t>(const uint64_t*, uint64_t, int64_t);

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
