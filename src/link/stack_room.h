// How large a main module's stack has to be so that libraries can be placed in it: place `stack`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "link/layout.h"

namespace tenon::link {

/// The most bytes that the data of `libraries` take, from a start that is aligned to 16 on: in whatever order and
/// groups they are opened. A multiple of 16.
[[nodiscard]] uint64_t stack_room(std::span<const Needs> libraries);

/// The stack size to link main with (`-z stack-size`), for libraries that take `room` bytes of its low end. `own`: what
/// the program has as its stack now, which it keeps, if that is known and more than 64 KiB; else 64 KiB. `is_first`:
/// the stack starts at address 0, or may do so, and no library may. A multiple of 16.
[[nodiscard]] uint64_t stack_size_for(uint64_t room, std::optional<uint64_t> own, bool is_first);

}  // namespace tenon::link
