// What a main module would be loaded with, and where it would be placed, without running anything: `tenon ldd`,
// `tenon maps`.
#pragma once

#include "base/result.h"
#include "link/memory_map.h"
#include "link/namespace.h"
#include "link/report.h"

namespace tenon::link {

/// See Program::examine. Leaves nothing behind in `program`.
[[nodiscard]] Result<Examination> examine(Namespace& program, Found main, const std::string& name,
                                          bool resolve_symbols);

/// See Program::map_memory. Leaves nothing behind in `program`.
[[nodiscard]] Result<MemoryMap> map_memory(Namespace& program, Found main, const std::string& name);

}  // namespace tenon::link
