// Unloading (design: Unloading).
//
// A DSO lives as long as it is reachable: from main and what was loaded with it, from what is open, being loaded or
// destructed, and from destructors of threads, along `needed` and `also_uses`. What is not goes in three steps:
//
//   destruct   its own registrations run, dependents before what they need
//   take away  nobody finds its symbols any more, its table entries are empty: a call through one is a trap that names
//   it reclaim    instances, memory and the Dso itself, when no code can be inside: no frame of a thread that has an
//              instance of it, nor of a library that is gone too and refers to it
#pragma once

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Unloads what is not reachable any more. Runs destructors; no lock may be held. Errors: trap, of the first destructor
/// that trapped; everything is unloaded all the same. Inside of a destructor it only sees to it that the unloading
/// under way goes on until nothing more is unreachable, as in glibc. See Namespace::ending afterwards: then nothing
/// more is done.
[[nodiscard]] Result<> unload_unreachable(Namespace& program, GuestThread& thread);

/// Takes back a load that failed before its DSOs were published: no code has seen them.
void undo_unpublished(Namespace& program, LoadSet& load);

/// Takes back a load whose DSOs are published: nobody finds them any more, and no destructors run. Those that others
/// refer to by now stay until these go.
void retract(Namespace& program, LoadSet& load);

/// Reclaims what is gone and has no code inside by now, as far as the other threads have said so; asks them what is not
/// known yet, and does not wait (see inquiry.h): the next call goes on. Cheap when there is nothing. May run the
/// guest's allocator; no lock may be held.
void reclaim(Namespace& program, GuestThread& thread);

}  // namespace tenon::link
