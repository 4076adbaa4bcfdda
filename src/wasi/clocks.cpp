// Clocks. The CPU time clocks are the host's: of the process that runs the guest, and of the calling thread.
#include "wasi/clocks.h"

#include <ctime>
#include <optional>

#include "base/result.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"

namespace tenon::wasi {

std::optional<clockid_t> host_clock(uint32_t id) {
  switch (id) {
    case clockid::realtime:
      return CLOCK_REALTIME;
    case clockid::monotonic:
      return CLOCK_MONOTONIC;
    case clockid::process_cputime_id:
      return CLOCK_PROCESS_CPUTIME_ID;
    case clockid::thread_cputime_id:
      return CLOCK_THREAD_CPUTIME_ID;
    default:
      return std::nullopt;
  }
}

uint64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);  // cannot fail: the clocks of host_clock() exist, the address is good
  return to_timestamp(time);
}

Outcome<> clock_res_get(Process& /*process*/, HostCall& call, uint32_t id, Address result) {
  const auto clock = host_clock(id);
  if (!clock) {
    return refuse(Errno::inval);
  }
  const auto resolution = TENON_TRY(GuestResult<uint64_t>::at(call, result));
  timespec time{};
  if (clock_getres(*clock, &time) != 0) {
    return host_failure();
  }
  resolution.set(to_timestamp(time));
  return {};
}

Outcome<> clock_time_get(Process& /*process*/, HostCall& call, uint32_t id, uint64_t /*precision*/, Address result) {
  const auto clock = host_clock(id);
  if (!clock) {
    return refuse(Errno::inval);
  }
  const auto time = TENON_TRY(GuestResult<uint64_t>::at(call, result));
  time.set(now(*clock));
  return {};
}

}  // namespace tenon::wasi
