#include "link/host_module.h"

#include <algorithm>

#include "interp/interp.h"

namespace tenon::link {

HostFunctionEntry::HostFunctionEntry(std::string_view module, const runtime::HostFunctionDefinition& definition,
                                     void* environment)
    : HostFunctionEntry(
          module, definition.name,
          ResolvedHostFunction{definition.function, environment, runtime::parse_signature(definition.signature)}) {}

HostFunctionEntry::HostFunctionEntry(std::string_view module, std::string_view function_name,
                                     const ResolvedHostFunction& resolved)
    : name(fmt::format("{}.{}", module, function_name)),
      type(wasm::intern(resolved.type)),
      code(*type, resolved.function, resolved.environment, name.c_str(), interp::host_entry()) {
  function.native = runtime::native_call_out();
  function.code = &code;
  function.type = type.get();
  function.dso = HostModules::kDso;
}

Result<> HostModules::add(const std::string& module, std::span<const runtime::HostFunctionDefinition> functions,
                          void* environment) {
  Functions& known = modules_[module];
  known.reserve(known.size() + functions.size());
  for (const runtime::HostFunctionDefinition& definition : functions) {
    const auto place = std::ranges::lower_bound(known, definition.name, {}, &Function::name);
    if (place != known.end() && place->name() == definition.name) {
      return fail(ErrorKind::usage, "host module {} has a function {} already", printable(module),
                  printable(definition.name));
    }
    known.insert(place, {definition, environment, nullptr});
  }
  return {};
}

const LinkedFunction* HostModules::find(std::string_view module, std::string_view name,
                                        const wasm::FunctionType* type) const {
  const auto functions = modules_.find(module);
  if (functions == modules_.end()) {
    return resolve(module, name, type);
  }
  const auto found = std::ranges::lower_bound(functions->second, name, {}, &Function::name);
  if (found == functions->second.end() || found->name() != name) {
    return resolve(module, name, type);
  }
  const std::scoped_lock lock(making_);
  if (found->entry == nullptr) {
    found->entry = std::make_unique<HostFunctionEntry>(module, found->definition, found->environment);
  }
  return &found->entry->function;
}

const LinkedFunction* HostModules::resolve(std::string_view module, std::string_view name,
                                           const wasm::FunctionType* type) const {
  const auto resolved = resolver_ ? resolver_(module, name, type) : std::nullopt;
  if (!resolved) {
    return nullptr;
  }
  auto made = std::make_unique<HostFunctionEntry>(module, name, *resolved);
  const std::scoped_lock lock(making_);
  const auto [place, is_new] = resolved_.try_emplace({made->name, made->type.get()}, nullptr);
  if (is_new) {
    place->second = std::move(made);
  }
  return &place->second->function;
}

}  // namespace tenon::link
