// The loading sequence (design: Loading, in order).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Loads a main module and everything it needs. On failure nothing of it is left. Errors: see Program::load_main.
[[nodiscard]] Result<> load(Namespace& program, Found main, const std::string& name);

/// Fills `load` with DSOs for main, the preloads and all that they need, breadth first, each file once; decodes and
/// validates each. Errors: unlinkable (a needed library is not there), io, malformed, invalid, unsupported, limit.
[[nodiscard]] Result<> search(Namespace& program, LoadSet& load, Found main, const std::string& name);

/// Runs the constructors of the new DSOs, dependencies first; of main, unless its `_start` does. Errors: trap.
[[nodiscard]] Result<> construct(Namespace& program, LoadSet& load);

/// Takes everything back that loading a main module has made.
void undo(Namespace& program, const LoadSet& load);

}  // namespace tenon::link
