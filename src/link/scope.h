// Symbol lookup: the first definition in scope order wins, weak or not, as in ELF.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "link/dso.h"
#include "link/report.h"
#include "link/symbol_table.h"

namespace tenon::link {

/// Where a name was found: null when nowhere.
struct Definition {
  Dso* dso = nullptr;
  const wasm::Export* symbol = nullptr;

  explicit operator bool() const { return symbol != nullptr; }
};

[[nodiscard]] Definition find_symbol(std::span<const std::shared_ptr<Scope>> scopes, const SymbolName& name,
                                     Report& report);

/// The export that an import names by its module: of whatever kind it is, private ones too. Nothing when no instance is
/// registered under that name. The caller holds the link map lock.
[[nodiscard]] Definition find_registered(const Namespace& program, const wasm::Import& import);

/// The names of all DSOs that a lookup goes through, in order, each once.
[[nodiscard]] std::vector<std::string> searched_names(std::span<const std::shared_ptr<Scope>> scopes);

}  // namespace tenon::link
