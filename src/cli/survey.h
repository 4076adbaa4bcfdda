// What a program would be loaded with: the beginning of every command that looks at programs without running them.
#pragma once

#include <memory>
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

}  // namespace tenon::cli
