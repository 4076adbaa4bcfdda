// Errors are values: every operation that can fail returns a Result. Nothing throws.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace tenon {

/// What class of failure an Error is.
enum class ErrorKind : uint8_t {
  not_found,    ///< A file, library or symbol is not there.
  io,           ///< The host's file system refused (permission, a directory in place of a file, truncated while read).
  malformed,    ///< Bytes that are not a WebAssembly module (specification, chapter 5, Binary Format).
  invalid,      ///< A module that does not validate (specification, chapter 3, Validation).
  unsupported,  ///< Well-formed use of a proposal that this build does not implement; the message names it.
  unlinkable,   ///< A symbol is missing or of the wrong type, or an import does not match.
  limit,        ///< A limit of the engine or of the program was reached, or memory ran out.
  usage,        ///< The embedder or the user asked for something that makes no sense.
  trap,         ///< Guest code trapped; the message holds kind and backtrace.
  exit,         ///< The guest ended the program, which says with what code: Program::exit_code().
};

/// Its message is for people: what was tried, on which file and symbol, what was found, what to do.
struct Error {
  ErrorKind kind;
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

}  // namespace tenon
