// The options that decide which libraries a program gets: the same for `tenon run` and `tenon ldd`.
#pragma once

#include <vector>

#include "cli/options.h"
#include "link/options.h"

namespace tenon::cli {

/// -L, --preload and --trust-runpath, which set `options`.
[[nodiscard]] std::vector<Option> search_options(link::ProgramOptions& options);

/// Adds TENON_LIBRARY_PATH and TENON_PRELOAD after what the command line gave.
void add_search_environment(link::ProgramOptions& options);

}  // namespace tenon::cli
