// The module "spectest" that the scripts of the official test suite import from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/host.h"

namespace tenon::spectest {

/// Where the module below imports its functions from: the host module to add spectest_functions() as.
inline constexpr const char* kHostModule = "spectest_host";

/// print, print_i32, print_i64, print_f32, print_f64, print_i32_f32 and print_f64_f64: they take their arguments and do
/// nothing.
[[nodiscard]] std::span<const runtime::HostFunctionDefinition> spectest_functions();

/// The module "spectest" in the binary format: hands on the functions above, and has global_i32, global_i64 (666),
/// global_f32, global_f64 (666.6), table (funcref, 10 to 20) and memory (1 to 2 pages). The threads scripts also import
/// `shared_memory`, a shared one: since a module has one memory here, `shared` gives a module with that one instead.
[[nodiscard]] std::vector<uint8_t> spectest_module(bool shared);

}  // namespace tenon::spectest
