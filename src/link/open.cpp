#include "link/open.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <shared_mutex>

#include "link/binding.h"
#include "link/describe.h"
#include "link/evaluate.h"
#include "link/instantiate.h"
#include "link/layout.h"
#include "link/load.h"
#include "link/put_off.h"
#include "link/resolve.h"
#include "link/scope.h"
#include "link/unload.h"

namespace tenon::link {

namespace {

void join_global_scope(Namespace& program, const Scope& scope) {
  auto& global = program.global_scope->dsos;
  for (Dso* const dso : scope.dsos) {
    if (std::ranges::find(global, dso) == global.end()) {
      global.push_back(dso);
    }
  }
}

/// Where the new DSOs look names up: the global scope and their own, in the order that RTLD_DEEPBIND chooses.
void give_scopes(Namespace& program, LoadSet& set, OpenFlags flags) {
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : set.dsos) {
    dso->scopes = {program.global_scope, set.scope};
    if (flags.own_first) {
      std::swap(dso->scopes[0], dso->scopes[1]);
    }
    dso->load_scope = set.scope;
  }
}

/// Makes the new DSOs visible. Libraries that were there already find what is new as well, as in glibc: what needs them
/// may be what completes them.
void publish_opened(Namespace& program, LoadSet& set, OpenFlags flags) {
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : set.scope->dsos) {
    if (!dso->never_unloaded && std::ranges::find(dso->scopes, set.scope) == dso->scopes.end()) {
      dso->scopes.push_back(set.scope);
    }
  }
  publish(program, set.dsos);
  if (flags.global) {
    join_global_scope(program, *set.scope);
  }
}

/// Everything up to what other code can see.
Result<> prepare(Namespace& program, LoadSet& set, OpenFlags flags) {
  give_scopes(program, set, flags);
  for (Dso* const dso : set.dsos) {
    TENON_CHECK(make_own(program, *dso));
  }
  TENON_CHECK(timed(program.report.statistics, Step::resolve, [&] { return resolve(program, set); }));
  TENON_CHECK(load_put_off_data(program, set));
  if (!program.exit_code) {
    TENON_CHECK(timed(program.report.statistics, Step::layout, [&] { return place(program, set); }));
  }
  if (!program.exit_code) {
    choose_put_off(program, set);
    TENON_CHECK(timed(program.report.statistics, Step::instantiate, [&] { return instantiate(program, set); }));
  }
  return timed(program.report.statistics, Step::relocate, [&] { return apply_data_relocations(program, set); });
}

Error with_context(Error error, const std::string& name, const Dso* opener) {
  if (!error.message.contains(printable(name))) {  // what names it needs no more words
    error.message = fmt::format("cannot open {}{}: {}", printable(name),
                                opener == nullptr ? "" : " for " + opener->name, error.message);
  }
  return error;
}

/// What may be opened again although it is there: not main, and not what is in the middle of being loaded.
Result<> check_openable(const Dso& dso) {
  if (dso.is_main) {
    return fail(ErrorKind::unlinkable, "it is the main program, and not a shared library");
  }
  if (dso.state == State::loading) {
    return fail(ErrorKind::usage, "it is in the middle of being loaded, before its constructors could run");
  }
  return {};
}

Party party_of(const Dso* opener) {
  return opener == nullptr ? Party::embedder : Party::guest;
}

/// Takes one more reference to a DSO that is published.
Result<Dso*> add_reference(Namespace& program, Dso& dso, OpenFlags flags, Party party) {
  const std::unique_lock lock(program.link_map_lock);
  ++dso.open_count;
  dso.embedder_count += party == Party::embedder ? 1 : 0;
  dso.never_unloaded |= flags.keep;
  if (dso.own_scope == nullptr) {
    dso.own_scope = std::make_shared<Scope>(Scope{breadth_first(dso)});
  }
  if (flags.global) {
    join_global_scope(program, *dso.own_scope);
  }
  return &dso;
}

/// RTLD_NOW for a library that is there: binds all that is not bound yet, of it and what it needs.
Result<> bind_all(Namespace& program, Dso& dso) {
  LoadSet set;
  {
    const std::shared_lock lock(program.link_map_lock);
    set.dsos = breadth_first(dso);
  }
  return bind_functions(program, set);
}

void tell(const Namespace& program, const LibraryEvent& event) {
  if (program.options.on_library) {
    program.options.on_library(event);
  }
}

Result<Dso*> load_new(Namespace& program, LoadSet& set, Dso& root, OpenFlags flags) {
  if (auto prepared = prepare(program, set, flags); !prepared) {
    undo_unpublished(program, set);
    return std::unexpected(std::move(prepared).error());
  }
  if (program.exit_code) {
    return fail(ErrorKind::usage, "the program ended before it was loaded");
  }
  publish_opened(program, set, flags);
  // A reference of our own: its constructors may open and close it.
  (void)TENON_TRY(add_reference(program, root, flags, party_of(set.opener)));
  if (auto constructed = timed(program.report.statistics, Step::construct, [&] { return construct(program, set); });
      !constructed) {
    retract(program, set);
    return std::unexpected(std::move(constructed).error());
  }
  return &root;
}

Result<Dso*> open_unchecked(Namespace& program, const std::string& name, Dso* opener, OpenFlags flags, LoadSet& set) {
  set.is_first = false;
  set.opener = opener;
  set.bind_now = flags.now;
  if (flags.only_if_loaded) {
    Dso* const known = TENON_TRY(find_loaded(program, name, opener));
    if (known == nullptr) {
      return fail(ErrorKind::not_found, "it is not loaded (RTLD_NOLOAD)");
    }
    TENON_CHECK(check_openable(*known));
    return add_reference(program, *known, flags, party_of(opener));
  }
  auto found = search_opened(program, set, name, opener);
  if (!found) {
    undo_unpublished(program, set);
    return std::unexpected(std::move(found).error());
  }
  Dso& root = **found;
  if (!set.dsos.empty()) {
    return load_new(program, set, root, flags);
  }
  TENON_CHECK(check_openable(root));
  if (flags.now) {
    TENON_CHECK(bind_all(program, root));
  }
  if (root.state == State::put_off) {
    TENON_CHECK(load_put_off(program, *program.main_thread, root));
  }
  return add_reference(program, root, flags, party_of(opener));
}

}  // namespace

Result<Dso*> open(Namespace& program, const std::string& name, Dso* opener, OpenFlags flags) {
  if (program.main == nullptr || program.main->state == State::loading) {
    return fail(ErrorKind::usage, "cannot open {}: there is no main program yet", printable(name));
  }
  if (program.exit_code) {
    return fail(ErrorKind::usage, "cannot open {}: the program has ended", printable(name));
  }
  if (!program.main->shared().is_dynamic()) {
    return fail(ErrorKind::unlinkable,
                "cannot open {}: {} was linked without dynamic linking (it has no dylink.0 section), so that it shares "
                "nothing; link it as a PIE",
                printable(name), program.main->name);
  }
  reclaim(program);
  LoadSet set;
  auto opened = open_unchecked(program, name, opener, flags, set);
  const std::string by = opener == nullptr ? "" : opener->name;
  if (!opened) {
    Error error = with_context(std::move(opened).error(), name, opener);
    program.report.line(kDebugFiles, "{}", error.message);
    tell(program, {.kind = LibraryEvent::Kind::failed,
                   .requester = by,
                   .name = printable(name),
                   .path = {},
                   .message = error.message});
    return std::unexpected(std::move(error));
  }
  ++program.report.statistics.opened;
  tell(program, {.kind = LibraryEvent::Kind::opened,
                 .requester = by,
                 .name = printable(name),
                 .path = (*opened)->path,
                 .message = {}});
  for (const Dso* const dso : set.dsos) {
    if (dso != *opened) {
      tell(program, {.kind = LibraryEvent::Kind::needed,
                     .requester = dso->requester,
                     .name = dso->name,
                     .path = dso->path,
                     .message = {}});
    }
  }
  return opened;
}

Dso* open_main(Namespace& program) {
  const std::unique_lock lock(program.link_map_lock);
  if (program.main == nullptr || program.main->state == State::loading) {
    return nullptr;
  }
  ++program.main->open_count;
  return program.main;
}

Result<> close(Namespace& program, Dso& dso, Party party) {
  {
    const std::unique_lock lock(program.link_map_lock);
    // sandbox: what the embedder has open stays, however often the guest closes it.
    if ((party == Party::embedder ? dso.embedder_count : dso.open_count - dso.embedder_count) == 0) {
      return fail(ErrorKind::usage, "cannot close {}: it is not open", dso.name);
    }
    --dso.open_count;
    dso.embedder_count -= party == Party::embedder ? 1 : 0;
    if (dso.open_count != 0 || dso.never_unloaded) {
      return {};
    }
  }
  return unload_unreachable(program);
}

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

Result<SymbolAddress> function_address(Namespace& program, const LinkedFunction& function) {
  SymbolAddress found;
  found.function = &function;
  found.address = TENON_TRY(program.functions.slot_of(function));
  found.dso = function.dso == HostModules::kDso ? nullptr : program.dso(function.dso);
  return found;
}

}  // namespace

Result<SymbolAddress> find_address(Namespace& program, LookIn where, Dso* dso, std::string_view text, SymbolKind kind) {
  if (dso == nullptr && program.main == nullptr) {
    return fail(ErrorKind::usage, "cannot look up {}: there is no main program yet", printable(text));
  }
  Dso& from = dso == nullptr ? *program.main : *dso;
  const auto missing = [&](const std::string& why) {
    return fail(ErrorKind::not_found, "undefined symbol {} in {}{}", printable(text), place_of(where, from), why);
  };
  if (where != LookIn::next && kind != SymbolKind::data) {
    if (const LinkedFunction* const ours = host_symbol(program, text, nullptr)) {
      return function_address(program, *ours);
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
    return host == nullptr ? Result<SymbolAddress>(missing("")) : function_address(program, *host);
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
    return function_address(program, *function);
  }
  if (kind == SymbolKind::function) {
    return unlike("a function");
  }
  if (definition.symbol->kind != wasm::ExternKind::global ||
      module.globals[definition.symbol->index].type != wasm::GlobalType{}) {
    return unlike("something that has an address");
  }
  Dso& definer = *definition.dso;
  abi::Instance* const instance = definer.instance_of(program.main_thread->state(), definer.index);
  if (instance == nullptr) {
    return fail(ErrorKind::trap, "cannot give {} of {} an address: {}", printable(text), definer.name,
                program.main_thread->state().take_trap().message);
  }
  uint64_t base = definer.memory_base;
  if (definer.shared().is_thread_local(text)) {
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
        dso.shared().is_thread_local(symbol.name)) {
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

std::optional<AddressInfo> describe_address(Namespace& program, uint32_t address) {
  const std::shared_lock lock(program.link_map_lock);
  AddressInfo info;
  for (Dso* const dso : program.link_map) {
    const auto [base, size] = dso->data_range();
    if (address >= base && address - base < size) {
      info.dso = dso;
      if (abi::Instance* const instance = program.main_thread->instance(*dso)) {
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
