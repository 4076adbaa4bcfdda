#include "link/symbol_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <vector>

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

/// `imported`: the module's function imports by index.
bool defines_symbol(const wasm::Module& module, const std::vector<const wasm::Import*>& imported,
                    const wasm::Export& symbol) {
  switch (symbol.kind) {
    case wasm::ExternKind::function:
      // An export that only hands on what the module looks up under the same name is a reference, no definition.
      return symbol.index >= module.imported_functions || imported[symbol.index]->module != "env" ||
             imported[symbol.index]->name != symbol.name;
    case wasm::ExternKind::tag:
      return symbol.index >= module.imported_tags;
    case wasm::ExternKind::global:
      return symbol.index >= module.imported_globals;
    default:
      return false;
  }
}

}  // namespace

bool is_private_symbol(std::string_view name) {
  return name.starts_with('_') ? std::ranges::find(kPrivateSymbols, name) != kPrivateSymbols.end() : name == "memory";
}

SymbolName::SymbolName(std::string_view name) : text(name), hash(std::hash<std::string_view>{}(name)) {}

SymbolTable::SymbolTable(const wasm::Module& module) : module_(module) {
  const size_t count = module.exports.size();
  std::vector<const wasm::Import*> imported(module.imported_functions);
  for (const wasm::Import& import : module.imports) {
    if (import.kind == wasm::ExternKind::function) {
      imported[import.index] = &import;
    }
  }
  // 16 bits of the filter for each symbol: about one name in 70 passes although it is not there.
  filter_.resize(std::bit_ceil(count / 4 + 1));
  filter_mask_ = filter_.size() - 1;
  slots_.resize(std::bit_ceil(2 * count + 1));
  for (uint32_t i = 0; i < count; ++i) {
    const wasm::Export& symbol = module.exports[i];
    if (is_private_symbol(symbol.name) || !defines_symbol(module, imported, symbol)) {
      continue;
    }
    const SymbolName name(symbol.name);
    filter_[(name.hash >> 6) & filter_mask_] |=
        (uint64_t{1} << (name.hash & 63)) | (uint64_t{1} << ((name.hash >> 32) & 63));
    size_t slot = (name.hash >> 12) & (slots_.size() - 1);
    while (slots_[slot].export_index != 0) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = {static_cast<uint32_t>(name.hash >> 32), i + 1};
    ++size_;
  }
}

const wasm::Export* SymbolTable::find_in_slots(const SymbolName& name) const {
  const auto hash = static_cast<uint32_t>(name.hash >> 32);
  for (size_t slot = (name.hash >> 12) & (slots_.size() - 1); slots_[slot].export_index != 0;
       slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot].hash == hash) {
      const wasm::Export& symbol = module_.exports[slots_[slot].export_index - 1];
      if (symbol.name == name.text) {
        return &symbol;
      }
    }
  }
  return nullptr;
}

}  // namespace tenon::link
