// The host's clocks by the guest's numbers.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>

namespace tenon::wasi {

/// The host's clock for a clockid; none for a number that is not one.
[[nodiscard]] std::optional<clockid_t> host_clock(uint32_t id);

/// The time of one of those, in nanoseconds.
[[nodiscard]] uint64_t now(clockid_t clock);

}  // namespace tenon::wasi
