// How the functions of this project make Results, and pass errors on.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

#include "tenon/result.h"

namespace tenon {

/// Makes the failure value of a Result: `return fail(ErrorKind::io, "cannot open {}: {}", path, reason);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace tenon

/// The value of a Result, or a return of its error from the enclosing function. The one macro for control flow here:
/// C++23 has no other way to say it.
#define TENON_TRY(expression)                                      \
  ({                                                               \
    auto tenon_result = (expression);                              \
    if (!tenon_result) [[unlikely]]                                \
      return ::std::unexpected(::std::move(tenon_result).error()); \
    *::std::move(tenon_result);                                    \
  })

/// The same for a Result<void>.
#define TENON_CHECK(expression)                                    \
  do {                                                             \
    auto tenon_result = (expression);                              \
    if (!tenon_result) [[unlikely]]                                \
      return ::std::unexpected(::std::move(tenon_result).error()); \
  } while (false)
