#include "link/host_module.h"

#include "interp/interp.h"

namespace tenon::link {

HostFunctionEntry::HostFunctionEntry(std::string_view module, const runtime::HostFunctionDefinition& definition,
                                     void* environment)
    : name(fmt::format("{}.{}", module, definition.name)),
      type(wasm::intern(definition.type)),
      code(*type, definition.function, environment, name.c_str(), interp::host_entry()) {
  function.code = &code;
  function.type = type.get();
  function.dso = HostModules::kDso;
}

Result<> HostModules::add(const std::string& module, std::span<const runtime::HostFunctionDefinition> functions,
                          void* environment) {
  Functions& known = modules_[module];
  for (const runtime::HostFunctionDefinition& definition : functions) {
    auto entry = std::make_unique<HostFunctionEntry>(module, definition, environment);
    if (!known.emplace(definition.name, std::move(entry)).second) {
      return fail(ErrorKind::usage, "host module {} has a function {} already", printable(module),
                  printable(definition.name));
    }
  }
  return {};
}

const LinkedFunction* HostModules::find(std::string_view module, std::string_view name) const {
  const auto functions = modules_.find(module);
  if (functions == modules_.end()) {
    return nullptr;
  }
  const auto entry = functions->second.find(std::string(name));
  return entry == functions->second.end() ? nullptr : &entry->second->function;
}

}  // namespace tenon::link
