// Whose code calls a host function.
#pragma once

#include <string_view>

#include "link/dso.h"
#include "runtime/host.h"

namespace tenon::link {

/// The DSO that compiled code of `executable` belongs to, which `thread`, the calling one, is in the middle of. There
/// may be several of one module, the others being gone: then the one that is not. Null when none of several can be told
/// to be the one: the thread may have answered already that it is not inside of another (see inquiry.h).
[[nodiscard]] Dso* running_dso(const Namespace& program, const runtime::Thread& thread,
                               const runtime::Executable& executable);

/// The DSO whose function calls the host function; null when none does (the embedder calls it).
[[nodiscard]] Dso* calling_dso(runtime::HostCall& call);

/// The same for functions of <dlfcn.h>: when the calling function is exported under the name of one of those, it stands
/// for it, and the DSO that called it is meant.
[[nodiscard]] Dso* dlfcn_caller(runtime::HostCall& call);

}  // namespace tenon::link
