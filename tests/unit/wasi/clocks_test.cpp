#include <ctime>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::kNowhere;

uint64_t nanoseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

TEST(WasiClocks, TellTheHostsTimes) {
  Guest guest;
  const Address result = guest.room(8);
  constexpr std::pair<uint32_t, clockid_t> kClocks[] = {
      {clockid::realtime, CLOCK_REALTIME},
      {clockid::monotonic, CLOCK_MONOTONIC},
      {clockid::process_cputime_id, CLOCK_PROCESS_CPUTIME_ID},
      {clockid::thread_cputime_id, CLOCK_THREAD_CPUTIME_ID},
  };
  for (const auto& [id, clock] : kClocks) {
    const uint64_t before = nanoseconds(clock);
    ASSERT_EQ(guest.call("clock_time_get", id, uint64_t{0}, result), Errno::success) << id;
    const uint64_t after = nanoseconds(clock);
    EXPECT_LE(before, guest.at<uint64_t>(result)) << id;
    EXPECT_LE(guest.at<uint64_t>(result), after) << id;

    ASSERT_EQ(guest.call("clock_res_get", id, result), Errno::success) << id;
    EXPECT_GT(guest.at<uint64_t>(result), 0U) << id;
    EXPECT_LT(guest.at<uint64_t>(result), 1'000'000'000U) << id;
  }
}

TEST(WasiClocks, RefuseOtherClocksAndBadAddresses) {
  Guest guest;
  const Address result = guest.room(8);
  for (const uint32_t id : {4U, 7U, ~0U}) {
    EXPECT_EQ(guest.call("clock_time_get", id, uint64_t{0}, result), Errno::inval) << id;
    EXPECT_EQ(guest.call("clock_res_get", id, result), Errno::inval) << id;
  }
  const auto last = static_cast<Address>(guest.size() - 7);
  EXPECT_EQ(guest.call("clock_time_get", clockid::realtime, uint64_t{0}, last), Errno::fault);
  EXPECT_EQ(guest.call("clock_time_get", clockid::realtime, uint64_t{0}, kNowhere), Errno::fault);
  EXPECT_EQ(guest.call("clock_res_get", clockid::realtime, last), Errno::fault);
  EXPECT_EQ(guest.call("clock_time_get", clockid::realtime, uint64_t{0}, last - 1), Errno::success);
}

}  // namespace
}  // namespace tenon::wasi
