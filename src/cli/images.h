// Options about compiled code that several subcommands take, and what the environment says about it.
#pragma once

#include <string>
#include <vector>

#include "aot/store.h"
#include "cli/options.h"

namespace tenon::cli {

/// Options of `tenon run` about images; they write into `store`, which must outlive them.
[[nodiscard]] std::vector<Option> image_options(aot::StoreOptions& store);

/// What the environment and this machine add: the cache's directory (TENON_CACHE_DIR, else below the user's caches),
/// the compiler (TENON_COMPILER, else beside this command), and TENON_COMPILE.
void add_image_environment(aot::StoreOptions& store);

/// Where `tenon-compile` is; empty when it is nowhere.
[[nodiscard]] std::string find_compiler();

/// The cache's directory; empty when there is no place for one.
[[nodiscard]] std::string cache_directory();

}  // namespace tenon::cli
