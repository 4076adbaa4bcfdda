// Threads that wait at an address of shared memory: memory.atomic.wait and notify (threads proposal).
#pragma once

#include <cstdint>

namespace tenon::runtime {

class Thread;

/// `interrupted` is the host's: something is pending in the thread then.
enum class WaitResult : uint32_t { woken = 0, not_equal = 1, timed_out = 2, interrupted = 3 };

/// Waits at `address` while the T there is `expected`, at most `timeout` nanoseconds (negative: for ever). Comparing
/// and starting to wait are one step for notify(). T: uint32_t or uint64_t. `address` is aligned and stays mapped.
/// `thread` is the calling one, whose state is stored.
template <class T>
[[nodiscard]] WaitResult wait(Thread& thread, const T* address, T expected, int64_t timeout);

/// Ends the wait that `thread` is in, if it is in one and is to be interrupted. Thread-safe.
void wake(Thread& thread);

/// Wakes up to `count` threads that wait at `address`, longest waiting first; how many were woken.
[[nodiscard]] uint32_t notify(const void* address, uint32_t count);

}  // namespace tenon::runtime
