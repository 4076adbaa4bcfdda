// The guest's process: arguments, environment, random bytes, and its end.
#include "wasi/process.h"

#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/result.h"
#include "wasi/functions.h"
#include "wasi/system_call.h"

namespace tenon::wasi {

namespace {

// Writes the addresses of the strings to `pointers` and the strings to `buffer`.
Outcome<> give_list(HostCall& call, const StringList& list, Address pointers, Address buffer) {
  uint8_t* const addresses = call.span(pointers, uint64_t{list.offsets.size()} * sizeof(Address));
  uint8_t* const bytes = call.span(buffer, list.bytes.size());
  if (addresses == nullptr || bytes == nullptr) {
    return refuse(Errno::fault);
  }
  for (size_t i = 0; i < list.offsets.size(); ++i) {
    const Address address = buffer + list.offsets[i];  // in memory, as the whole buffer is
    std::memcpy(addresses + i * sizeof(Address), &address, sizeof(Address));
  }
  std::ranges::copy(list.bytes, bytes);
  return {};
}

Outcome<> give_sizes(HostCall& call, const StringList& list, Address count, Address size) {
  const auto count_result = TENON_TRY(GuestResult<uint32_t>::at(call, count));
  const auto size_result = TENON_TRY(GuestResult<uint32_t>::at(call, size));
  count_result.set(static_cast<uint32_t>(list.offsets.size()));
  size_result.set(static_cast<uint32_t>(list.bytes.size()));
  return {};
}

}  // namespace

Outcome<> args_get(Process& process, HostCall& call, Address argv, Address argv_buf) {
  return give_list(call, process.arguments, argv, argv_buf);
}

Outcome<> args_sizes_get(Process& process, HostCall& call, Address count, Address size) {
  return give_sizes(call, process.arguments, count, size);
}

Outcome<> environ_get(Process& process, HostCall& call, Address pointers, Address environ_buf) {
  return give_list(call, process.environment, pointers, environ_buf);
}

Outcome<> environ_sizes_get(Process& process, HostCall& call, Address count, Address size) {
  return give_sizes(call, process.environment, count, size);
}

Outcome<> random_get(Process& process, HostCall& call, Address buf, uint32_t buf_len) {
  // In pieces, so that a guest that asks for much can be interrupted.
  constexpr size_t kPiece = size_t{1} << 20;
  uint8_t* const bytes = call.span(buf, buf_len);
  if (bytes == nullptr) {
    return refuse(Errno::fault);
  }
  if (buf_len > process.limits.random_bytes) {
    return refuse(Errno::inval);
  }
  for (std::span rest(bytes, buf_len); !rest.empty();) {
    const ssize_t count = waiting(call, [&] { return getrandom(rest.data(), std::min(rest.size(), kPiece), 0); });
    if (count < 0) {
      return host_failure();
    }
    rest = rest.subspan(static_cast<size_t>(count));
    if (!rest.empty() && is_interrupted(call)) {
      return refuse(Errno::intr);
    }
  }
  return {};
}

Outcome<> sched_yield(Process& /*process*/, HostCall& /*call*/) {
  ::sched_yield();
  return {};
}

bool proc_exit(void* /*environment*/, HostCall& call) {
  return call.exit(call.u32(0));
}

bool proc_raise(void* /*environment*/, HostCall& call) {
  // By number, with what the interface says that each does.
  enum class Action : uint8_t { nothing, terminate, stop };
  struct Signal {
    const char* name;
    Action action;
  };
  using enum Action;
  static constexpr std::array<Signal, 31> kSignals = {{
      {"none", nothing},     {"hup", terminate},  {"int", terminate},  {"quit", terminate}, {"ill", terminate},
      {"trap", terminate},   {"abrt", terminate}, {"bus", terminate},  {"fpe", terminate},  {"kill", terminate},
      {"usr1", terminate},   {"segv", terminate}, {"usr2", terminate}, {"pipe", nothing},   {"alrm", terminate},
      {"term", terminate},   {"chld", nothing},   {"cont", nothing},   {"stop", stop},      {"tstp", stop},
      {"ttin", stop},        {"ttou", stop},      {"urg", nothing},    {"xcpu", terminate}, {"xfsz", terminate},
      {"vtalrm", terminate}, {"prof", terminate}, {"winch", nothing},  {"poll", terminate}, {"pwr", terminate},
      {"sys", terminate},
  }};
  const uint32_t number = call.u32(0);
  if (number >= kSignals.size()) {
    call.set_u32(static_cast<uint32_t>(Errno::inval));
    return true;
  }
  const Signal& signal = kSignals[number];
  switch (signal.action) {
    case terminate:
      return call.trap(fmt::format("the guest raised signal `{}` on itself (proc_raise)", signal.name));
    case stop:  // would stop the host
      call.set_u32(static_cast<uint32_t>(Errno::notsup));
      return true;
    case nothing:
      break;
  }
  call.set_u32(static_cast<uint32_t>(Errno::success));
  return true;
}

}  // namespace tenon::wasi
