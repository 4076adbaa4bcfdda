// dlopen for guests: the host modules that their libdl, or other runtimes' guests, call.
//
//   tenon_dl     ours; docs/dlfcn.md is its contract
//   wasix_32v1   dlopen, dlsym and dl_invalid_handle, as WASIX has them
//   dyld         load_object and resolve_symbol, as toywasm has them
#pragma once

#include <span>

#include "runtime/host.h"

namespace tenon::link {

/// A module of host functions; their environment is the Namespace.
struct GuestInterface {
  const char* module;
  std::span<const runtime::HostFunctionDefinition> functions;
};

[[nodiscard]] std::span<const GuestInterface> guest_interfaces();

}  // namespace tenon::link
