#include "link/scope.h"

#include <unordered_set>

#include "link/namespace.h"

namespace tenon::link {

Definition find_symbol(std::span<const std::shared_ptr<Scope>> scopes, const SymbolName& name, Report& report) {
  ++report.statistics.lookups;
  uint64_t looked_in = 0;
  for (const std::shared_ptr<Scope>& scope : scopes) {
    for (Dso* const dso : scope->dsos) {
      ++looked_in;
      report.line(kDebugSymbols, "symbol={};  lookup in file={}", Printable{name.text}, dso->name);
      if (const wasm::Export* const symbol = dso->shared().symbols.find(name)) {
        report.statistics.lookups_in_dso += looked_in;
        return {dso, symbol};
      }
    }
  }
  report.statistics.lookups_in_dso += looked_in;
  return {};
}

Definition find_registered(const Namespace& program, const wasm::Import& import) {
  const auto instance = program.registered_instances.find(import.module.view());
  if (instance == program.registered_instances.end()) {
    return {};
  }
  return {instance->second, instance->second->module().find_export(import.name)};
}

std::vector<std::string> searched_names(std::span<const std::shared_ptr<Scope>> scopes) {
  std::vector<std::string> names;
  std::unordered_set<const Dso*> seen;
  for (const std::shared_ptr<Scope>& scope : scopes) {
    for (const Dso* const dso : scope->dsos) {
      if (seen.insert(dso).second) {
        names.push_back(dso->name);
      }
    }
  }
  return names;
}

}  // namespace tenon::link
