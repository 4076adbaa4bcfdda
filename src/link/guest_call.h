// Runs functions of the guest on behalf of the linker: start functions, data relocations, constructors.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Calls `function` of `dso`, which takes and returns nothing. Errors: trap, with what was being done. When the guest
/// asks to end, Namespace::exit_code is set and the result is good: look there before going on.
/// No lock may be held.
[[nodiscard]] Result<> call_guest(Namespace& program, GuestThread& thread, Dso& dso, uint32_t function,
                                  const char* doing);

/// Dependencies first; of a cycle, whoever was loaded first comes first, as in ld.so. `dsos` is in load order.
[[nodiscard]] std::vector<Dso*> dependency_order(std::span<Dso* const> dsos);

}  // namespace tenon::link
