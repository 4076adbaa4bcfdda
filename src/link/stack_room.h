// How large a main module's stack has to be so that libraries can be placed in it: place `stack`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "link/layout.h"

namespace tenon::link {

/// The stack size to link main with (`-z stack-size`), so that `libraries` fit into its low end in whatever order they
/// come. `own`: what the program has as its stack now, which it keeps if that is known and more than what has to stay a
/// stack. `is_first`: the stack starts at address 0, or may do so, and no library may. A multiple of 16.
[[nodiscard]] uint64_t stack_size_for(std::span<const Needs> libraries, std::optional<uint64_t> own, bool is_first);

}  // namespace tenon::link
