// The step that binds what must be known before code can run: data, tags, tables, memories, function addresses, and
// with bind_now all functions.
#pragma once

#include <vector>

#include "base/result.h"
#include "link/namespace.h"
#include "link/report.h"

namespace tenon::link {

/// Binds all functions of DSOs that are resolved already (RTLD_NOW). Errors: unlinkable, as resolve().
[[nodiscard]] Result<> bind_functions(Namespace& program, LoadSet& load);

/// The step. Errors: unlinkable; the message lists everything that is missing or of the wrong type.
[[nodiscard]] Result<> resolve(Namespace& program, LoadSet& load);

/// Resolves the imports of one plain module by module names, functions too. Errors as above.
[[nodiscard]] Result<> resolve_plain(Namespace& program, Dso& dso);

/// Everything that cannot be resolved, functions too; nothing needs to be laid out.
[[nodiscard]] std::vector<MissingSymbol> find_missing(Namespace& program, LoadSet& load);

}  // namespace tenon::link
