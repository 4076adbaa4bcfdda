// The symbols that a module defines, for lookup by name: of its exports (see wasm::ExportIndex) those that define
// something, and are not private to it by their names.
#pragma once

#include <cstddef>
#include <string_view>

#include "wasm/module.h"

namespace tenon::link {

using wasm::SymbolName;

class SymbolTable {
 public:
  /// Of what `module` exports and may define symbols with: functions, tags, and data addresses (immutable globals that
  /// it does not import). What is private to a module by its name (see is_private_symbol) is left out.
  explicit SymbolTable(const wasm::Module& module) : module_(module) {}

  /// The export that defines `name`, or null.
  [[nodiscard]] const wasm::Export* find(const SymbolName& name) const {
    const wasm::Export* const symbol = module_.find_export(name);
    return symbol != nullptr && defines(*symbol) ? symbol : nullptr;
  }

  /// How many there are. Not fast.
  [[nodiscard]] size_t size() const;

 private:
  [[nodiscard]] bool defines(const wasm::Export& symbol) const;

  const wasm::Module& module_;
};

/// Names that the ABI gives a meaning in each module of its own: `_initialize`, `__wasm_call_ctors`, `memory`, ... They
/// take no part in symbol lookup.
[[nodiscard]] bool is_private_symbol(std::string_view name);

}  // namespace tenon::link
