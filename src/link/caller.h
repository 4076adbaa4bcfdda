// Whose code calls a host function.
#pragma once

#include <string_view>

#include "link/dso.h"
#include "runtime/host.h"

namespace tenon::link {

/// The DSO whose function calls the host function; null when none does (the embedder calls it).
[[nodiscard]] Dso* calling_dso(runtime::HostCall& call);

/// The same for functions of <dlfcn.h>: when the calling function is exported under the name of one of those, it stands
/// for it, and the DSO that called it is meant.
[[nodiscard]] Dso* dlfcn_caller(runtime::HostCall& call);

}  // namespace tenon::link
