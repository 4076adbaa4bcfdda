// What a main module would be loaded with, without running anything: `tenon ldd`.
#pragma once

#include "base/result.h"
#include "link/namespace.h"
#include "link/report.h"

namespace tenon::link {

/// See Program::examine. Leaves nothing behind in `program`.
[[nodiscard]] Result<Examination> examine(Namespace& program, Found main, const std::string& name,
                                          bool resolve_symbols);

}  // namespace tenon::link
