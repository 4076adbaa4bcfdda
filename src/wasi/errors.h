// What a WASI function comes to: a value, or the errno that its guest is told.
#pragma once

#include <expected>

#include "wasi/types.h"

namespace tenon::wasi {

/// Works with TENON_TRY and TENON_CHECK, like a Result.
template <class T = void>
using Outcome = std::expected<T, Errno>;

/// The WASI errno for one of the host's.
[[nodiscard]] Errno from_host(int host_errno);

/// `return refuse(Errno::badf);`
[[nodiscard]] inline std::unexpected<Errno> refuse(Errno error) {
  return std::unexpected(error);
}

/// The failure that the host's errno names: `return host_failure();` right after a system call.
[[nodiscard]] std::unexpected<Errno> host_failure();

}  // namespace tenon::wasi
