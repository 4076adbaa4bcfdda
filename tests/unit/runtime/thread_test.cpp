#include "runtime/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <thread>

namespace tenon::runtime {
namespace {

// How far above the end of the calling thread's stack, as the C library knows it, the limit lies.
int64_t limit_above_end() {
  const auto thread = Thread::create(1 << 16);
  pthread_attr_t attributes;
  void* lowest = nullptr;
  size_t bytes = 0;
  if (!thread || pthread_getattr_np(pthread_self(), &attributes) != 0 ||
      pthread_attr_getstack(&attributes, &lowest, &bytes) != 0) {
    return -1;
  }
  pthread_attr_destroy(&attributes);
  return static_cast<int64_t>((*thread)->native_stack_limit - reinterpret_cast<uintptr_t>(lowest));
}

constexpr int64_t kReserve = 256 << 10;
constexpr int64_t kPage = 4 << 10;

TEST(RuntimeThread, KnowsTheFirstThreadsStack) {
  EXPECT_NEAR(limit_above_end(), kReserve, kPage);
}

TEST(RuntimeThread, KnowsAnotherThreadsStack) {
  std::thread([] { EXPECT_NEAR(limit_above_end(), kReserve, kPage); }).join();
}

}  // namespace
}  // namespace tenon::runtime
