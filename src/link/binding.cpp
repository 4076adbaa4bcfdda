#include "link/binding.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <shared_mutex>

#include "link/describe.h"
#include "link/namespace.h"

namespace tenon::link {

namespace {

// How many modules may hand on each other's imports before it is taken for a circle.
constexpr uint32_t kMaximumReexports = 32;

using Bound = std::expected<const LinkedFunction*, MissingSymbol>;

MissingSymbol missing_function(const Dso& importer, uint32_t import) {
  const FunctionImport& function = importer.shared().functions[import];
  MissingSymbol missing;
  missing.importer = importer.name;
  missing.module = function.import->module;
  missing.symbol = function.import->name;
  missing.expected = "function " + to_string(importer.module().function_type(import));
  if (function.from_scope) {
    missing.searched = searched_names(importer.scopes);
  }
  const std::string module = printable(missing.module);
  if (importer.program().host.has_module(missing.module)) {
    missing.searched.push_back("host module " + module);
  } else if (missing.searched.empty()) {
    missing.searched.push_back(fmt::format("any module named {}: there is none", module));
  }
  return missing;
}

Bound resolve_function_locked(Dso& importer, uint32_t import, uint32_t depth);

Bound function_of(const Definition& definition, uint32_t depth) {
  Dso& dso = *definition.dso;
  if (dso.module().is_imported_function(definition.symbol->index)) {
    return resolve_function_locked(dso, definition.symbol->index, depth + 1);
  }
  return dso.own_function(definition.symbol->index);
}

Bound resolve_function_locked(Dso& importer, uint32_t import, uint32_t depth) {
  auto& place = importer.functions[import];
  if (const LinkedFunction* const known = place.load(std::memory_order_acquire)) {
    return known;
  }
  Namespace& program = importer.program();
  const FunctionImport& wanted = importer.shared().functions[import];
  const auto mismatch = [&](std::string found, std::string found_in) {
    MissingSymbol missing = missing_function(importer, import);
    missing.found = std::move(found);
    missing.found_in = std::move(found_in);
    return std::unexpected(std::move(missing));
  };

  const LinkedFunction* function =
      wanted.from_scope && !importer.scopes.empty()
          ? host_symbol(program, wanted.name.text, &importer.module().function_type(import))
          : nullptr;
  // A function whose address was decided at load is that function, whoever defines the name since.
  if (wanted.address && function == nullptr && importer.state != State::loading) {
    function = importer.globals[*wanted.address].function;
    if (function == nullptr && wanted.weak) {
      return nullptr;
    }
  }
  Definition definition;
  if (wanted.from_scope && function == nullptr) {
    definition = find_symbol(importer.scopes, wanted.name, program.report);
  }
  if (!definition && function == nullptr) {
    definition = find_registered(program, *wanted.import);
  }
  std::string found_in = "the runtime";
  if (function != nullptr) {
    // Which libc defines it as well does not matter.
  } else if (definition) {
    found_in = definition.dso->name;
    if (definition.symbol->kind != wasm::ExternKind::function) {
      return mismatch(describe(definition.dso->module(), *definition.symbol), found_in);
    }
    if (depth > kMaximumReexports) {
      return mismatch("an export that only hands on imports, in a circle", found_in);
    }
    auto bound = function_of(definition, depth);
    if (!bound) {
      return bound;
    }
    function = *bound;
  } else {
    function = program.host.find(wanted.import->module, wanted.import->name, &importer.module().function_type(import));
    found_in = "host module " + printable(wanted.import->module);
  }
  if (function == nullptr) {
    if (wanted.weak) {
      return nullptr;
    }
    return std::unexpected(missing_function(importer, import));
  }
  if (function->type != &importer.module().function_type(import)) {
    return mismatch("function " + to_string(*function->type), found_in);
  }
  program.report.line(kDebugBindings, "binding file {} to {}: normal symbol `{}'", importer.name, found_in,
                      Printable{wanted.name.text});
  // Only for whom the caller records the dependency, which keeps the function. Another thread may have stored it: it
  // found the same.
  if (depth == 0) {
    place.store(function, std::memory_order_release);
  }
  return function;
}

}  // namespace

const LinkedFunction* host_symbol(const Namespace& program, std::string_view name, const wasm::FunctionType* type) {
  if (!Destructors::is_one(name)) {
    return nullptr;
  }
  const LinkedFunction* const function = program.host.find(kDestructorModule, name);
  return type == nullptr || function->type == type ? function : nullptr;
}

Bound resolve_function_locked(Dso& importer, uint32_t import) {
  return resolve_function_locked(importer, import, 0);
}

Bound function_of(const Definition& definition) {
  return function_of(definition, 0);
}

Bound resolve_function(Dso& importer, uint32_t import) {
  if (const LinkedFunction* const known = importer.functions[import].load(std::memory_order_acquire)) {
    return known;
  }
  Namespace& program = importer.program();
  // One step, alone: nobody may take away what was found before it is known to be used.
  const std::unique_lock lock(program.link_map_lock);
  Bound bound = resolve_function_locked(importer, import);
  if (bound && *bound != nullptr && (*bound)->dso != HostModules::kDso) {
    note_use(importer, *program.dsos[(*bound)->dso]);
  }
  return bound;
}

std::expected<Provided, std::string> find_provided(Namespace& program, std::string_view name,
                                                   const wasm::FunctionType& type) {
  const std::shared_lock lock(program.link_map_lock);
  if (program.global_scope == nullptr) {
    return std::unexpected(fmt::format("there is no program yet that could have a {}", name));
  }
  const std::array scopes = {program.global_scope};
  const Definition definition = find_symbol(scopes, SymbolName(name), program.report);
  if (!definition || definition.symbol->kind != wasm::ExternKind::function) {
    return std::unexpected(fmt::format("no module of the program exports {}", name));
  }
  const Bound function = function_of(definition);
  if (!function || *function == nullptr || *(*function)->type != type) {
    return std::unexpected(fmt::format("{} of {} is not a function {}", name, definition.dso->name, to_string(type)));
  }
  Dso* const dso = (*function)->dso == HostModules::kDso ? nullptr : program.dsos[(*function)->dso].get();
  if (dso == nullptr) {
    return std::unexpected(fmt::format("{} is a function of the host's", name));
  }
  // One whose constructors fail goes, whatever it was opened with.
  const bool is_constructed = dso->state == State::ready || dso->state == State::put_off;
  if (!dso->came_with_main && !(dso->never_unloaded && is_constructed)) {
    return std::unexpected(
        fmt::format("{} of {} may go at any time: that was opened while the program runs", name, dso->name));
  }
  return Provided{*function, dso};
}

void note_use(Dso& user, Dso& used) {
  if (&user != &used && std::ranges::find(user.needed, &used) == user.needed.end() &&
      std::ranges::find(user.also_uses, &used) == user.also_uses.end()) {
    user.also_uses.push_back(&used);
  }
}

void patch(abi::Instance& importer, uint32_t import, const abi::FunctionDescriptor& target, abi::Instance* instance) {
  // sandbox: an import's call keeps the memory's base; host functions and modules without memory do not look at it.
  if (instance->memory_base != nullptr && instance->memory_base != importer.memory_base) {
    return;
  }
  const runtime::InstanceLayout& layout = runtime::LinkedModule::of(importer).executable().layout();
  auto& slot = runtime::at<abi::ImportSlot>(importer, layout.import(import));
  slot.native = target.native;
  // A host function works for its caller.
  slot.instance = target.code->owner == nullptr ? &importer : instance;
  slot.code = target.code;
}

std::string undefined_weak_text(const Dso& importer, uint32_t import) {
  MissingSymbol missing = missing_function(importer, import);
  missing.expected = "weak " + missing.expected;
  return missing.text() + "; a weak function may be undefined, but then it must not be called";
}

}  // namespace tenon::link
