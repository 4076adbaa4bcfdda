// Instances: one DSO's cells, slots and tables in one thread, and the step that makes those of a load.
//
// Order matters where modules refer to each other, also in circles: first all instances exist, then their globals have
// values, then element segments give functions their slots, then GOT cells can be filled, then data is copied, and only
// then does code of any of them (start functions) run, dependencies first.
#pragma once

#include <optional>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// The step, for DSOs that are resolved. Errors: limit, unlinkable (a segment outside of the DSO's ranges), trap (a
/// start function), io (a file that was truncated).
[[nodiscard]] Result<> instantiate(Namespace& program, LoadSet& load);

/// Instantiates a plain module that is resolved, as the specification says (4.5.4). Errors: limit, trap, io.
[[nodiscard]] Result<> instantiate_plain(Namespace& program, Dso& dso);

/// Runs `__wasm_apply_data_relocs` of the new DSOs: the step after.
[[nodiscard]] Result<> apply_data_relocations(Namespace& program, LoadSet& load);

/// What a DSO asks for in each thread for its thread-local variables. `alignment` is an exponent of two.
struct TlsNeeds {
  uint64_t size;
  uint32_t alignment;
};
/// Nothing when it has no such variables, or sets them up itself (a plain module). Errors: unlinkable, when it does not
/// export how they are set up.
[[nodiscard]] Result<std::optional<TlsNeeds>> tls_needs(const Dso& dso);

/// Binds in `thread`, which is the calling one, what DSO number `dso` imports and was bound to by other threads, as far
/// as this one has the instances.
void bind_decided(Namespace& program, GuestThread& thread, uint32_t dso);

/// The instance of DSO number `dso` in `thread`, made if it has none: what a thread that comes upon a DSO later needs.
/// Null with a trap pending. Called in the middle of guest code; no lock may be held.
[[nodiscard]] abi::Instance* instance_for_thread(Namespace& program, abi::Thread& thread, uint32_t dso);

}  // namespace tenon::link
