// What tests have to know of the sanitizer that they run under.
#pragma once

#include <gtest/gtest.h>

namespace tenon::testing {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TENON_UNDER_THREAD_SANITIZER 1
#endif
#endif

#ifdef TENON_UNDER_THREAD_SANITIZER
/// The thread sanitizer keeps a signal that one thread sends to another back until that calls a function of libc that
/// it knows. Compiled code calls none, and who waits in a system call may wait for ever.
constexpr bool kSignalsAreKeptBack = true;
#else
constexpr bool kSignalsAreKeptBack = false;
#endif

}  // namespace tenon::testing

/// Leaves a test that needs signals to arrive at once where they do not.
#define TENON_NEEDS_SIGNALS()                                                      \
  do {                                                                             \
    if (::tenon::testing::kSignalsAreKeptBack) {                                   \
      GTEST_SKIP() << "the thread sanitizer keeps back the signals that it sends"; \
    }                                                                              \
  } while (false)
