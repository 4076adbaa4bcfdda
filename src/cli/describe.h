// Types of what modules import and export, in words.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "wasm/module.h"

namespace tenon::cli {

/// The file at `path` with its sections decoded. Errors: not_found, io, malformed, invalid, unsupported.
[[nodiscard]] Result<std::shared_ptr<const wasm::Module>> read_module(const std::string& path);

/// "(i32) -> i32", "mutable i32", "funcref, 10 to 20 elements", "1 to 2 pages, shared": of entry `index` of a kind.
[[nodiscard]] std::string describe_type(const wasm::Module& module, wasm::ExternKind kind, uint32_t index);

/// Names of the symbol flags of `dylink.0` that are set: "weak", "local", "hidden", "undefined", "tls".
[[nodiscard]] std::vector<std::string> flag_names(uint32_t flags);

}  // namespace tenon::cli
