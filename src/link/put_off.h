// Lazy loading: needed libraries that are instantiated only when one of their symbols is used (design: Lazy and eager).
//
// A library that is put off is found, decoded, placed, resolved and published like any other; what it has not is an
// instance. Its functions have their descriptors, so they can be bound and have addresses, and the first call of one
// finds that the thread has no instance of the library and makes it: that is where the rest of the load happens.
#pragma once

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Chooses among the DSOs of a resolved and placed load those that are put off: sets their state. Never main, a library
/// that is opened, a preload, one whose data another DSO refers to, or one whose instantiation could fail at load.
/// Unless LazyLoading::all, only those whose constructors do nothing.
void choose_put_off(Namespace& program, const LoadSet& load);

/// Does for `dso`, which is put off, what was put off, in `thread`. Runs guest code; no lock may be held. Errors: those
/// of instantiating and constructing. See Namespace::ending afterwards.
[[nodiscard]] Result<> load_put_off(Namespace& program, GuestThread& thread, Dso& dso);

/// The same for what the new DSOs of `load` take data addresses of.
[[nodiscard]] Result<> load_put_off_data(Namespace& program, const LoadSet& load);

}  // namespace tenon::link
