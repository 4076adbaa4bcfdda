#include "link/resolve.h"

#include <algorithm>
#include <mutex>
#include <string_view>

#include "link/binding.h"
#include "link/describe.h"
#include "link/scope.h"

namespace tenon::link {

namespace {

using wasm::ExternKind;

/// So many missing symbols are listed.
constexpr size_t kMaximumMissing = 1000;

/// Whether something of size `size` and declared maximum `has` may stand where `wanted` is imported (specification
/// 4.5.3, import matching of limits).
bool limits_match(uint64_t size, const std::optional<uint64_t>& has, const wasm::Limits& wanted) {
  return size >= wanted.minimum && (!wanted.maximum || (has && *has <= *wanted.maximum));
}

uint64_t found_pages(const runtime::Memory* memory) {
  return memory == nullptr ? 0 : memory->pages();
}

/// Resolves all imports of one DSO, and collects what is missing.
class Resolver {
 public:
  Resolver(Namespace& program, Dso& dso, std::vector<MissingSymbol>& missing)
      : program_(program), dso_(dso), missing_(missing) {}

  void resolve_all(bool all_functions) {
    for (uint32_t i = 0; i < dso_.shared().globals.size(); ++i) {
      dso_.globals[i] = global(dso_.shared().globals[i]);
    }
    for (uint32_t i = 0; i < dso_.shared().tags.size(); ++i) {
      dso_.tags[i] = tag(*dso_.shared().tags[i]);
    }
    for (uint32_t i = 0; i < dso_.shared().memories.size(); ++i) {
      dso_.memories[i] = memory(*dso_.shared().memories[i]);
    }
    for (uint32_t i = 0; i < dso_.module().tables.size(); ++i) {
      dso_.tables[i] = table(i);
    }
    for (uint32_t i = 0; i < dso_.shared().functions.size(); ++i) {
      if (all_functions || dso_.shared().functions[i].placed) {
        function(i);
      }
    }
  }

  void resolve_functions() {
    for (uint32_t i = 0; i < dso_.shared().functions.size(); ++i) {
      if (dso_.functions[i].load(std::memory_order_acquire) == nullptr) {
        function(i);
      }
    }
  }

  std::vector<std::string> new_tags;

 private:
  void add_missing(MissingSymbol symbol) {
    if (missing_.size() < kMaximumMissing) {
      missing_.push_back(std::move(symbol));
    }
  }

  /// Notes an import as missing, or as found to be something else.
  void missing(const wasm::Import& import, std::string expected, std::string found = {}, std::string found_in = {}) {
    if (missing_.size() >= kMaximumMissing) {
      return;
    }
    MissingSymbol symbol;
    symbol.importer = dso_.name;
    symbol.module = import.module;
    symbol.symbol = import.name;
    symbol.expected = std::move(expected);
    symbol.found = std::move(found);
    symbol.found_in = std::move(found_in);
    if (symbol.found.empty()) {
      if (is_symbol(import)) {
        symbol.searched = searched_names(dso_.scopes);
      } else if (!program_.registered_instances.contains(import.module.view())) {
        symbol.searched = {fmt::format("any module named {}: there is none", printable(import.module))};
      }
    }
    add_missing(std::move(symbol));
  }

  [[nodiscard]] static bool is_symbol(const wasm::Import& import) {
    return import.module == "env" || import.module == "GOT.mem" || import.module == "GOT.func";
  }

  void bound(const Definition& definition, std::string_view name) {
    note_use(dso_, *definition.dso);
    program_.report.line(kDebugBindings, "binding file {} to {}: normal symbol `{}'", dso_.name, definition.dso->name,
                         Printable{name});
  }

  void mismatch(const wasm::Import& import, std::string expected, const Definition& definition) {
    missing(import, std::move(expected), describe(definition.dso->module(), *definition.symbol), definition.dso->name);
  }

  GlobalBinding global(const GlobalImport& wanted) {
    using Kind = GlobalBinding::Kind;
    if (dso_.scopes.empty()) {
      return other_global(wanted);
    }
    switch (wanted.role) {
      case GlobalRole::memory_base:
        return {.kind = Kind::memory_base};
      case GlobalRole::table_base:
        return {.kind = Kind::table_base};
      case GlobalRole::stack_pointer:
        return stack_pointer(wanted);
      case GlobalRole::data_address:
        return data_address(wanted);
      case GlobalRole::function_address:
        return function_address(wanted);
      case GlobalRole::symbol:
        return other_global(wanted);
    }
    return {};
  }

  /// A main that exports its own stack pointer lends it to its libraries.
  GlobalBinding stack_pointer(const GlobalImport& wanted) {
    Dso* const main = program_.main;
    if (main == &dso_ || main->shared().position_independent) {
      return {.kind = GlobalBinding::Kind::stack_pointer};
    }
    if (const auto index = main->shared().stack_pointer) {
      return {.kind = GlobalBinding::Kind::cell, .index = *index, .dso = main};
    }
    missing(*wanted.import, fmt::format("exported by {}: link it with -Wl,--export=__stack_pointer", main->name));
    return {};
  }

  GlobalBinding data_address(const GlobalImport& wanted) {
    if (const Definition definition = find_symbol(dso_.scopes, wanted.name, program_.report)) {
      const Dso& definer = *definition.dso;
      if (definition.symbol->kind != ExternKind::global ||
          definer.module().globals[definition.symbol->index].type != wasm::GlobalType{}) {
        mismatch(*wanted.import, "address of data", definition);
        return {};
      }
      bound(definition, wanted.name.text);
      return {.kind = definer.shared().is_thread_local(wanted.name) ? GlobalBinding::Kind::thread_local_data
                                                                    : GlobalBinding::Kind::data,
              .index = definition.symbol->index,
              .dso = definition.dso};
    }
    if (const auto value = program_.symbols.find(wanted.name.text)) {
      return {.kind = GlobalBinding::Kind::value, .value = *value};
    }
    if (!wanted.weak) {
      missing(*wanted.import,
              LinkerSymbols::is_one(wanted.name.text)
                  ? fmt::format("address that main exports: link it with -Wl,--export={}", wanted.name.text)
                  : "address of data");
    }
    return {};
  }

  GlobalBinding function_address(const GlobalImport& wanted) {
    const LinkedFunction* function = host_symbol(program_, wanted.name.text, nullptr);
    if (function != nullptr) {
      // The runtime's, whoever defines it as well.
    } else if (const Definition definition = find_symbol(dso_.scopes, wanted.name, program_.report)) {
      if (definition.symbol->kind != ExternKind::function) {
        mismatch(*wanted.import, "address of a function", definition);
        return {};
      }
      auto found = function_of(definition);
      if (!found) {
        add_missing(std::move(found).error());
        return {};
      }
      function = *found;
      bound(definition, wanted.name.text);
      if (function != nullptr && function->dso != HostModules::kDso) {
        note_use(dso_, *program_.dsos[function->dso]);  // another's, when the definition hands on an import
      }
    } else {
      function = program_.host.find("env", wanted.name.text);
    }
    if (function != nullptr) {
      return {.kind = GlobalBinding::Kind::function, .function = function};
    }
    if (!wanted.weak) {
      missing(*wanted.import, "address of a function");
    }
    return {};
  }

  GlobalBinding other_global(const GlobalImport& wanted) {
    const wasm::Import& import = *wanted.import;
    const wasm::GlobalType& type = dso_.module().globals[import.index].type;
    Definition definition;
    if (import.module == "env") {
      definition = find_symbol(dso_.scopes, wanted.name, program_.report);
    }
    if (!definition) {
      definition = find_registered(program_, import);
    }
    if (!definition) {
      const auto value =
          import.module == "env" && type == wasm::GlobalType{} ? program_.symbols.find(import.name) : std::nullopt;
      // sandbox: the Cell of a mutable one holds a pointer, so that there is no value it could have instead.
      if (!value && (!wanted.weak || type.is_mutable)) {
        missing(import, describe(type));
      }
      return {.kind = GlobalBinding::Kind::value, .value = value.value_or(0)};
    }
    const Dso& definer = *definition.dso;
    if (definition.symbol->kind != ExternKind::global ||
        definer.module().globals[definition.symbol->index].type != type) {
      mismatch(import, describe(type), definition);
      return {};
    }
    bound(definition, wanted.name.text);
    return {.kind = GlobalBinding::Kind::cell, .index = definition.symbol->index, .dso = definition.dso};
  }

  const runtime::Tag* tag(const wasm::Import& import) {
    const wasm::TypeReference& type = dso_.module().types[dso_.module().tags[import.index].type];
    const std::string expected = "tag " + to_string(*type);
    Definition definition;
    if (import.module == "env") {
      definition = find_symbol(dso_.scopes, SymbolName(import.name), program_.report);
    }
    if (!definition) {
      definition = find_registered(program_, import);
    }
    if (definition) {
      const wasm::Module& module = definition.dso->module();
      if (definition.symbol->kind != ExternKind::tag ||
          module.types[module.tags[definition.symbol->index].type] != type) {
        mismatch(import, expected, definition);
        return nullptr;
      }
      bound(definition, import.name);
      return definition.dso->tags[definition.symbol->index];
    }
    // C++ exceptions and longjmp: imported by everyone, defined by no one.
    if (import.module != "env" || (import.name != "__cpp_exception" && import.name != "__c_longjmp")) {
      missing(import, expected);
      return nullptr;
    }
    const auto [known, is_new] = program_.tags.try_emplace(import.name.str(), runtime::Tag{type});
    if (is_new) {
      new_tags.push_back(import.name.str());
    }
    if (known->second.type != type) {
      missing(import, expected, "tag " + to_string(*known->second.type), "the linker, as a library before imports it");
    }
    return &known->second;
  }

  runtime::Memory* memory(const wasm::Import& import) {
    const wasm::MemoryType& type = dso_.module().memories[import.index].type;
    runtime::Memory* found = nullptr;
    std::string found_in = "the program";
    if (const Definition definition = find_registered(program_, import)) {
      if (definition.symbol->kind != ExternKind::memory) {
        mismatch(import, describe(type), definition);
        return nullptr;
      }
      found = definition.dso->memories[definition.symbol->index];
      found_in = definition.dso->name;
      note_use(dso_, *definition.dso);
    } else if (is_program_s(import, "memory")) {
      found = program_.memory;
    }
    // The program's memory is grown to what libraries ask for at least when they are placed.
    const uint64_t pages =
        found == program_.memory ? std::max(found_pages(found), type.limits.minimum) : found_pages(found);
    if (found == nullptr) {
      missing(import, describe(type));
    } else if (found->type().shared != type.shared || !limits_match(pages, found->type().limits.maximum, type.limits)) {
      wasm::MemoryType is = found->type();
      is.limits.minimum = found->pages();
      missing(import, describe(type), describe(is), found_in);
    }
    return found;
  }

  TableBinding table(uint32_t index) {
    using Kind = TableBinding::Kind;
    const wasm::Module& module = dso_.module();
    if (index >= module.imported_tables) {
      const bool is_program_table =
          dso_.is_main && dso_.shared().function_table == index && program_.functions.table() != nullptr;
      return {.kind = is_program_table ? Kind::program : Kind::own};
    }
    const wasm::Import& import = *dso_.shared().tables[index];
    const wasm::TableType& type = module.tables[index].type;
    TableBinding binding;
    const runtime::Table* found = nullptr;
    std::string found_in = "the program";
    if (const Definition definition = find_registered(program_, import)) {
      if (definition.symbol->kind != ExternKind::table) {
        mismatch(import, describe(type), definition);
        return {};
      }
      // What active segments put there, nobody takes out again.
      program_.references_travel = true;
      Dso& definer = *definition.dso;
      binding = definer.tables[definition.symbol->index];
      if (binding.kind == Kind::own) {
        binding = {.kind = Kind::other, .index = definition.symbol->index, .dso = &definer};
      }
      const uint32_t offset = definer.executable().layout().table(definition.symbol->index);
      found = static_cast<runtime::Table*>(runtime::at<abi::Table*>(*program_.main_thread->instance(definer), offset));
      found_in = definer.name;
      note_use(dso_, definer);
    } else if (is_program_s(import, "__indirect_function_table")) {
      binding.kind = Kind::program;
      found = program_.functions.table();
    }
    if (found == nullptr) {
      missing(import, describe(type));
    } else if (const uint64_t size = binding.kind == Kind::program
                                         ? std::max(found->size.load(std::memory_order_acquire), type.limits.minimum)
                                         : found->size.load(std::memory_order_acquire);
               found->type().element != type.element ||
               !limits_match(size, found->type().limits.maximum, type.limits)) {
      wasm::TableType is = found->type();
      is.limits.minimum = size;
      missing(import, describe(type), describe(is), found_in);
    }
    return binding;
  }

  /// Whether `import` is what all DSOs of a linked program share. A plain module instantiated by itself shares nothing.
  [[nodiscard]] bool is_program_s(const wasm::Import& import, std::string_view name) const {
    return import.module == "env" && import.name == name && !dso_.scopes.empty();
  }

  void function(uint32_t index) {
    auto found = resolve_function_locked(dso_, index);
    if (!found) {
      add_missing(std::move(found).error());
      return;
    }
    ++program_.report.statistics.bound_at_load;
    if (*found != nullptr && (*found)->dso != HostModules::kDso) {
      note_use(dso_, *program_.dsos[(*found)->dso]);
    }
  }

  Namespace& program_;
  Dso& dso_;
  std::vector<MissingSymbol>& missing_;
};

Result<> fail_if_any(const std::vector<MissingSymbol>& missing, const std::string& name) {
  if (missing.empty()) {
    return {};
  }
  bool any_absent = false;
  bool any_mismatch = false;
  std::string list;
  for (const MissingSymbol& symbol : missing) {
    list += "\n  " + symbol.text();
    (symbol.found.empty() ? any_absent : any_mismatch) = true;
  }
  std::string remedy;
  if (any_absent) {
    remedy += "\nLink the library that defines it (-l), preload one that does (--preload), or declare it weak.";
  }
  if (any_mismatch) {
    remedy += "\nWhat has another type was compiled from other declarations: rebuild both sides from the same ones.";
  }
  return fail(ErrorKind::unlinkable, "cannot link {}: {}, {}{} in all{}{}", name,
              any_absent ? "unknown import" : "incompatible import type",
              missing.size() < kMaximumMissing ? "" : "at least ", missing.size(), list, remedy);
}

}  // namespace

Result<> resolve(Namespace& program, LoadSet& load) {
  std::vector<MissingSymbol> missing;
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : load.dsos) {
    const bool now = load.bind_now || program.options.bind_now;
    program.report.line(kDebugReloc, "resolving: {}{}", dso->name, now ? "" : " (lazy)");
    Resolver resolver(program, *dso, missing);
    resolver.resolve_all(now || !dso->shared().is_dynamic());
    load.new_tags.insert(load.new_tags.end(), resolver.new_tags.begin(), resolver.new_tags.end());
  }
  return fail_if_any(missing, load.dsos.front()->name);
}

Result<> bind_functions(Namespace& program, LoadSet& load) {
  std::vector<MissingSymbol> missing;
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : load.dsos) {
    Resolver(program, *dso, missing).resolve_functions();
  }
  return fail_if_any(missing, load.dsos.front()->name);
}

Result<> resolve_plain(Namespace& program, Dso& dso) {
  std::vector<MissingSymbol> missing;
  const std::unique_lock lock(program.link_map_lock);
  Resolver(program, dso, missing).resolve_all(true);
  return fail_if_any(missing, dso.name);
}

std::vector<MissingSymbol> find_missing(Namespace& program, LoadSet& load) {
  std::vector<MissingSymbol> missing;
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : load.dsos) {
    Resolver(program, *dso, missing).resolve_all(true);
  }
  return missing;
}

}  // namespace tenon::link
