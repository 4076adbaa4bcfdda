// The options that decide which libraries a program gets, and how large things are in its memory: the same for
// `tenon run` and for the commands that look at what it would do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "link/options.h"

namespace tenon::cli {

/// -L, --preload and --trust-runpath, which set `options`.
[[nodiscard]] std::vector<Option> search_options(link::ProgramOptions& options);

/// --max-memory, --stack-size, --reserve and --place.
[[nodiscard]] std::vector<Option> size_options(link::ProgramOptions& options);

/// --trace, of the commands that read one.
[[nodiscard]] Option trace_option(std::string& file);

/// -o of the commands that draw.
[[nodiscard]] Option output_option(std::string& file, std::string_view help);

/// Adds TENON_LIBRARY_PATH and TENON_PRELOAD after what the command line gave.
void add_search_environment(link::ProgramOptions& options);

}  // namespace tenon::cli
