// Binding of functions: which definition an import means, decided once per DSO and import, at load or at the first
// call.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "abi/abi.h"
#include "link/dso.h"
#include "link/report.h"
#include "link/scope.h"

namespace tenon::link {

/// The function that import `import` of `importer` is bound to, resolved now if it is not yet. Null when it is weak and
/// nobody defines it. Takes the program's link map lock; thread-safe.
[[nodiscard]] std::expected<const LinkedFunction*, MissingSymbol> resolve_function(Dso& importer, uint32_t import);

/// The same for a caller that holds the link map lock, shared or alone. Does not record dependencies: see
/// note_use.
[[nodiscard]] std::expected<const LinkedFunction*, MissingSymbol> resolve_function_locked(Dso& importer,
                                                                                          uint32_t import);

/// The function that `definition`, an exported function, stands for; an export that only hands on an import is
/// followed. Holds the lock as above.
[[nodiscard]] std::expected<const LinkedFunction*, MissingSymbol> function_of(const Definition& definition);

/// The runtime's function that `name` means in every library, whatever defines it as well: those that register
/// destructors. Null for other names, and when it is not of `type`. Thread-safe.
[[nodiscard]] const LinkedFunction* host_symbol(const Namespace& program, std::string_view name,
                                                const wasm::FunctionType* type);

/// A function that the linker itself uses of the program's: libc's `malloc`, `wasi_thread_start` and the like.
struct Provided {
  const LinkedFunction* function = nullptr;
  Dso* dso = nullptr;  ///< that defines it
};

/// What `name` means in the global scope, when it is a function of `type` and of a DSO that is never unloaded: so it
/// may be used without a lock. Else why there is none. Takes the link map lock; thread-safe.
[[nodiscard]] std::expected<Provided, std::string> find_provided(Namespace& program, std::string_view name,
                                                                 const wasm::FunctionType& type);

/// Remembers that `user` refers to `used`, which must not be unloaded before it.
void note_use(Dso& user, Dso& used);

/// Points slot `import` of an instance at its target, unless that works on another memory 0 than the importer: then the
/// slot stays the binder's (see abi::ImportSlot). Only the instance's own thread does this.
void patch(abi::Instance& importer, uint32_t import, const abi::FunctionDescriptor& target, abi::Instance* instance);

/// What a call through an import that is weak and undefined says.
[[nodiscard]] std::string undefined_weak_text(const Dso& importer, uint32_t import);

}  // namespace tenon::link
