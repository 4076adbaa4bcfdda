// Opening and closing libraries while the program runs: what dlopen and dlclose are made of, for guests and embedders
// alike (IEEE Std 1003.1, <dlfcn.h>; what that leaves open is done as in glibc).
#pragma once

#include <string>

#include "base/result.h"
#include "link/namespace.h"
#include "link/open_flags.h"

namespace tenon::link {

/// The DSO that `name` means, loaded and constructed now if it was not. `opener`: whose code asks; null for the
/// embedder. On failure before constructors ran the program is as it was. See Namespace::ending afterwards: a
/// constructor may have ended the program. No lock may be held.
/// Errors: those of Program::load_main, with the names of library and opener; trap, of a constructor; usage, when there
/// is no program yet.
[[nodiscard]] Result<Dso*> open(Namespace& program, GuestThread& thread, const std::string& name, Dso* opener,
                                OpenFlags flags);

/// dlopen(NULL). Null when there is no program yet.
[[nodiscard]] Dso* open_main(Namespace& program);

/// On whose behalf a library is closed.
enum class Party : uint8_t { guest, embedder };

/// Undoes one open() of the same party; the last one unloads the library, and what only it needed. Errors: usage, when
/// it is not open; trap, of a destructor (it is closed all the same).
[[nodiscard]] Result<> close(Namespace& program, GuestThread& thread, Dso& dso, Party party);

}  // namespace tenon::link
