#include "link/symbol_table.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tenon::link {

namespace {

constexpr std::array<std::string_view, 20> kPrivateSymbols = {
    "_initialize",
    "_start",
    "__wasm_call_ctors",
    "__wasm_apply_data_relocs",
    "__wasm_apply_global_relocs",
    "__wasm_apply_global_tls_relocs",
    "__wasm_apply_tls_relocs",
    "__wasm_init_memory",
    "__wasm_init_memory_flag",
    "__wasm_init_tls",
    "__wasm_start",
    "__tls_base",
    "__tls_size",
    "__tls_align",
    "__memory_base",
    "__table_base",
    "__stack_pointer",
    "__dso_handle",
    "__indirect_function_table",
    "memory",
};

bool is_private(std::string_view name) {
  return name.starts_with('_') ? std::ranges::find(kPrivateSymbols, name) != kPrivateSymbols.end() : name == "memory";
}

/// Whether an export of an imported function only hands on what the module looks up under the same name:
/// then it is a reference, no definition.
bool hands_on(const wasm::Module& module, const wasm::Export& symbol) {
  for (const wasm::Import& import : module.imports) {
    if (import.kind == wasm::ExternKind::function && import.index == symbol.index) {
      return import.module == "env" && import.name == symbol.name;
    }
  }
  return false;
}

}  // namespace

bool is_private_symbol(std::string_view name) {
  return is_private(name);
}

bool SymbolTable::defines(const wasm::Export& symbol) const {
  if (is_private(symbol.name)) {
    return false;
  }
  switch (symbol.kind) {
    case wasm::ExternKind::function:
      return symbol.index >= module_.imported_functions || !hands_on(module_, symbol);
    case wasm::ExternKind::tag:
      return symbol.index >= module_.imported_tags;
    case wasm::ExternKind::global:
      return symbol.index >= module_.imported_globals;
    default:
      return false;
  }
}

size_t SymbolTable::size() const {
  return static_cast<size_t>(
      std::ranges::count_if(module_.exports, [&](const wasm::Export& symbol) { return defines(symbol); }));
}

}  // namespace tenon::link
