// `tenon maps -o`: the memory and the function table of a program, drawn to scale.
#pragma once

#include <string>

#include "link/memory_map.h"

namespace tenon::cli {

/// "stack", "data of libfoo.so": what a range is.
[[nodiscard]] std::string describe(const link::MappedRange& range);

/// Padding that is too small to be listed.
[[nodiscard]] bool is_listed(const link::MappedRange& range);

/// An SVG picture. `file` is what it is a picture of.
[[nodiscard]] std::string draw_map(const link::MemoryMap& map, const std::string& file);

}  // namespace tenon::cli
