// The subcommands of `tenon`, one file each, and what they end with.
#pragma once

#include <span>

#include "base/result.h"

namespace tenon::cli {

/// The words after the subcommand's name.
using Words = std::span<char* const>;

// Each returns the exit code of the process.
[[nodiscard]] int run(Words words);
[[nodiscard]] int ldd(Words words);
[[nodiscard]] int graph(Words words);
[[nodiscard]] int maps(Words words);
[[nodiscard]] int nm(Words words);
[[nodiscard]] int inspect(Words words);
int compile(Words words);
int verify(Words words);

constexpr int kExitSuccess = 0;
constexpr int kExitFailure = 1;        ///< ldd, graph, maps: something is missing; all: the output could not be written
constexpr int kExitUsage = 2;          ///< options or arguments make no sense
constexpr int kExitNotLoadable = 126;  ///< the file could not be loaded or linked
constexpr int kExitNotFound = 127;     ///< the file is not there
constexpr int kExitTimeout = 124;      ///< its time was over: what timeout(1) says
constexpr int kExitTrap = 134;         ///< the guest trapped: what a shell says of a process that called abort

[[nodiscard]] constexpr int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return kExitNotFound;
    case ErrorKind::trap:
      return kExitTrap;
    default:
      return kExitNotLoadable;
  }
}

}  // namespace tenon::cli
