#include "link/lookup.h"

#include <array>
#include <mutex>
#include <shared_mutex>

#include "link/binding.h"
#include "link/describe.h"
#include "link/evaluate.h"
#include "link/load.h"
#include "link/scope.h"

namespace tenon::link {

namespace {

/// Where `name` is defined for dlsym; the link map lock is held.
Definition find_definition(Namespace& program, LookIn where, Dso& dso, const SymbolName& name) {
  switch (where) {
    case LookIn::library: {
      const std::array scopes = {dso.is_main                ? program.global_scope
                                 : dso.own_scope != nullptr ? dso.own_scope
                                                            : std::make_shared<Scope>(Scope{breadth_first(dso)})};
      return find_symbol(scopes, name, program.report);
    }
    case LookIn::default_scope:
      return find_symbol(dso.scopes, name, program.report);
    case LookIn::next:
      break;
  }
  if (dso.load_scope == nullptr) {
    return {};
  }
  const auto& dsos = dso.load_scope->dsos;
  auto next = std::ranges::find(dsos, &dso);
  if (next == dsos.end()) {
    return {};
  }
  const std::array behind = {std::make_shared<Scope>(Scope{{next + 1, dsos.end()}})};
  return find_symbol(behind, name, program.report);
}

std::string place_of(LookIn where, const Dso& dso) {
  switch (where) {
    case LookIn::library:
      return dso.is_main ? "the global scope" : dso.name + " and what it needs";
    case LookIn::default_scope:
      return "the scopes of " + dso.name;
    case LookIn::next:
      return "the libraries behind " + dso.name;
  }
  return {};
}

Result<SymbolAddress> function_address(Namespace& program, const LinkedFunction& function, std::string_view name) {
  // sandbox: whoever takes a DSO away holds the lock alone, and empties its slots once. So it has none afterwards.
  const std::shared_lock lock(program.link_map_lock);
  SymbolAddress found;
  found.function = &function;
  found.dso = function.dso == HostModules::kDso ? nullptr : program.dsos[function.dso].get();
  if (found.dso != nullptr && found.dso->state == State::gone) {
    return fail(ErrorKind::not_found, "symbol {} is of {}, which was closed", printable(name), found.dso->name);
  }
  found.address = TENON_TRY(program.functions.slot_of(function));
  return found;
}

}  // namespace

Result<SymbolAddress> find_address(Namespace& program, GuestThread& thread, LookIn where, Dso* dso,
                                   std::string_view text, SymbolKind kind) {
  if (dso == nullptr && program.main == nullptr) {
    return fail(ErrorKind::usage, "cannot look up {}: there is no main program yet", printable(text));
  }
  Dso& from = dso == nullptr ? *program.main : *dso;
  const auto missing = [&](const std::string& why) {
    return fail(ErrorKind::not_found, "undefined symbol {} in {}{}", printable(text), place_of(where, from), why);
  };
  if (where != LookIn::next && kind != SymbolKind::data) {
    if (const LinkedFunction* const ours = host_symbol(program, text, nullptr)) {
      return function_address(program, *ours, text);
    }
  }
  const SymbolName name(text);
  Definition definition;
  const LinkedFunction* function = nullptr;
  {
    const std::unique_lock lock(program.link_map_lock);
    definition = find_definition(program, where, from, name);
    if (definition && definition.symbol->kind == wasm::ExternKind::function) {
      auto bound = function_of(definition);
      if (!bound) {
        return fail(ErrorKind::not_found, "symbol {} of {} stands for another that is not there: {}", printable(text),
                    definition.dso->name, bound.error().text());
      }
      function = *bound;
    }
    // What is found outside of the caller's dependencies must not go before it.
    if (definition && where != LookIn::library) {
      note_use(from, *definition.dso);
    }
  }
  if (!definition) {
    const LinkedFunction* const host =
        where == LookIn::next || kind == SymbolKind::data ? nullptr : program.host.find("env", text);
    return host == nullptr ? Result<SymbolAddress>(missing("")) : function_address(program, *host, text);
  }
  const wasm::Module& module = definition.dso->module();
  const auto unlike = [&](const char* wanted) {
    return fail(ErrorKind::unlinkable, "symbol {} of {} is {} and not {}", printable(text), definition.dso->name,
                describe(module, *definition.symbol), wanted);
  };
  if (definition.symbol->kind == wasm::ExternKind::function) {
    if (kind == SymbolKind::data) {
      return unlike("data");
    }
    if (function == nullptr) {
      return missing(": it is weak, and nobody defines it");
    }
    return function_address(program, *function, text);
  }
  if (kind == SymbolKind::function) {
    return unlike("a function");
  }
  if (definition.symbol->kind != wasm::ExternKind::global ||
      module.globals[definition.symbol->index].type != wasm::GlobalType{}) {
    return unlike("something that has an address");
  }
  Dso& definer = *definition.dso;
  abi::Instance* const instance = definer.instance_of(thread.state(), definer.index);
  if (instance == nullptr) {
    return fail(ErrorKind::trap, "cannot give {} of {} an address: {}", printable(text), definer.name,
                thread.state().take_trap().message);
  }
  uint64_t base = definer.memory_base;
  if (definer.shared().is_thread_local(name)) {
    if (!definer.shared().tls_base) {
      return fail(ErrorKind::unlinkable, "{} of {} is thread-local, and that does not export __tls_base",
                  printable(text), definer.name);
    }
    base = global_value(definer, *instance, *definer.shared().tls_base).u32;
  }
  SymbolAddress found;
  found.dso = &definer;
  found.address = static_cast<uint32_t>(base) + global_value(definer, *instance, definition.symbol->index).u32;
  return found;
}

namespace {

/// Of the data symbols of `dso`, the nearest one not above `address`.
void nearest_data_symbol(const Dso& dso, abi::Instance& instance, uint32_t address, AddressInfo& info) {
  bool any = false;
  for (const wasm::Export& symbol : dso.module().exports) {
    if (symbol.kind != wasm::ExternKind::global || symbol.index < dso.module().imported_globals ||
        dso.module().globals[symbol.index].type != wasm::GlobalType{} || is_private_symbol(symbol.name) ||
        dso.shared().is_thread_local(SymbolName(symbol.name))) {
      continue;
    }
    const uint32_t at = static_cast<uint32_t>(dso.memory_base) + global_value(dso, instance, symbol.index).u32;
    if (at <= address && (!any || at > info.address)) {
      any = true;
      info.address = at;
      info.symbol = symbol.name;
    }
  }
}

}  // namespace

std::optional<AddressInfo> describe_address(Namespace& program, const GuestThread& thread, uint32_t address) {
  const std::shared_lock lock(program.link_map_lock);
  AddressInfo info;
  for (Dso* const dso : program.link_map) {
    const auto [base, size] = dso->data_range();
    if (address >= base && address - base < size) {
      info.dso = dso;
      if (abi::Instance* const instance = thread.instance(*dso)) {
        nearest_data_symbol(*dso, *instance, address, info);
      }
      return info;
    }
  }
  const runtime::Table* const table = program.functions.table();
  if (table == nullptr || address >= table->size.load(std::memory_order_acquire)) {
    return std::nullopt;
  }
  const abi::FunctionDescriptor* const function = table->get(address).function;
  if (function == nullptr || function->dso == HostModules::kDso || program.dsos[function->dso] == nullptr) {
    return std::nullopt;
  }
  info.dso = program.dsos[function->dso].get();
  info.is_function = true;
  info.address = address;
  for (const wasm::Export& symbol : info.dso->module().exports) {
    if (symbol.kind == wasm::ExternKind::function && symbol.index == function->function) {
      info.symbol = symbol.name;
      break;
    }
  }
  return info;
}

}  // namespace tenon::link
