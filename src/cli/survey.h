// What a program would be loaded with, and what it opens later: the beginning of every command that looks at programs
// without running them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "link/engine.h"
#include "link/options.h"
#include "link/program.h"

namespace tenon::cli {

/// A program with WASI's functions, not to be run.
[[nodiscard]] Result<std::unique_ptr<link::Program>> program_to_look_at(link::Engine& engine,
                                                                        const link::ProgramOptions& options);

/// Of the file at `path`; 0 when it has none.
[[nodiscard]] uint64_t file_size(const std::string& path);

/// Whether nothing is missing.
[[nodiscard]] bool is_complete(const link::Examination& examination);

/// Whether `dependencies` have the file of `dependency`.
[[nodiscard]] bool has_file(const std::vector<link::Dependency>& dependencies, const link::Dependency& dependency);

/// A dlopen: who asked for whom, as indices into the dependencies of a Survey.
struct Opening {
  size_t requester;
  size_t library;
};

struct Survey {
  /// Main, what is there from the start, then what is opened with what that needs. No two have the same name.
  link::Examination examination;
  size_t at_start = 0;            ///< so many of the dependencies are there from the start
  std::vector<Opening> openings;  ///< each once, in the order of the trace
};

/// What loading `file` would find (see Program::examine), and what the program opened according to a trace. A library
/// of the trace that is not usable by now is one that is not found. Errors: those of Program::examine.
[[nodiscard]] Result<Survey> survey(link::Engine& engine, const link::ProgramOptions& options, const std::string& file,
                                    bool resolve_symbols, std::span<const link::LibraryEvent> trace);

}  // namespace tenon::cli
