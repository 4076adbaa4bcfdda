// Looking symbols up by name, and addresses, while the program runs: what dlsym and dladdr are made of, for guests and
// embedders alike (IEEE Std 1003.1, <dlfcn.h>; what that leaves open is done as in glibc).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Where dlsym looks.
enum class LookIn : uint8_t {
  library,        ///< a library and what it needs, breadth first; of main, the global scope
  default_scope,  ///< RTLD_DEFAULT: where the caller's own references are looked up
  next,           ///< RTLD_NEXT: behind the caller, in the order of the load that brought it
};

/// A symbol's value, as a guest sees it.
struct SymbolAddress {
  uint32_t address = 0;  ///< in memory, or a table slot
  const LinkedFunction* function = nullptr;
  Dso* dso = nullptr;  ///< that defines it; null for a function of the host's
};

/// Which kind of symbol may be meant.
enum class SymbolKind : uint8_t { any, function, data };

/// `thread`: the calling one, whose thread-local variables are meant. `dso`: the library, or for the others the caller
/// (null: main). Gives a function a table slot when it has none. Errors: not_found (names symbol and library),
/// unlinkable (a tag, or not of `kind`), limit (the table is full).
[[nodiscard]] Result<SymbolAddress> find_address(Namespace& program, GuestThread& thread, LookIn where, Dso* dso,
                                                 std::string_view name, SymbolKind kind = SymbolKind::any);

/// What lies at an address: dladdr.
struct AddressInfo {
  Dso* dso = nullptr;
  std::string symbol;    ///< the nearest not above the address; empty when there is none
  uint32_t address = 0;  ///< of that symbol
  bool is_function = false;
};

/// Addresses of data and table slots are numbers of the same kind: one that lies in a library's data is taken for data.
/// Nothing when it lies in no library.
[[nodiscard]] std::optional<AddressInfo> describe_address(Namespace& program, const GuestThread& thread,
                                                          uint32_t address);

}  // namespace tenon::link
