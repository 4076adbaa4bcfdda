// What imports, exports and their types are called in messages.
#pragma once

#include <string>

#include "wasm/module.h"

namespace tenon::link {

/// "mutable global i32"
[[nodiscard]] std::string describe(const wasm::GlobalType& type);
/// "shared memory of 1 to 16 pages"
[[nodiscard]] std::string describe(const wasm::MemoryType& type);
/// "table of at least 5 funcref elements"
[[nodiscard]] std::string describe(const wasm::TableType& type);
/// Kind and type of what `module` exports: "function (i32) -> i32".
[[nodiscard]] std::string describe(const wasm::Module& module, const wasm::Export& symbol);

}  // namespace tenon::link
