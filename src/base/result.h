// Errors are values: every operation that can fail on guest input or on the host's state returns a Result.
// An Error's message is for people: what was tried, on which file and symbol, what was found, what to do.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace tenon {

/// What class of failure an Error is. Decides the exit code of `tenon run` and what an embedder may want to do about
/// it.
enum class ErrorKind : uint8_t {
  not_found,    ///< A file or library is not there.
  io,           ///< The host's file system refused (permission, a directory in place of a file, truncated while read).
  malformed,    ///< Bytes that are not a WebAssembly module (specification, chapter 5, Binary Format).
  invalid,      ///< A module that does not validate (specification, chapter 3, Validation).
  unsupported,  ///< Well-formed use of a proposal that this build does not implement; the message names it.
  unlinkable,   ///< A symbol is missing or of the wrong type, or an import does not match.
  limit,        ///< A limit of the engine or of the program was reached, or memory ran out.
  usage,        ///< The embedder or the user asked for something that makes no sense.
  trap,         ///< Guest code trapped; the message holds kind and backtrace.
};

struct Error {
  ErrorKind kind;
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

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
