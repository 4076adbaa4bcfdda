#include "link/host_module.h"

#include <algorithm>

#include "interp/interp.h"

namespace tenon::link {

HostFunctionEntry::HostFunctionEntry(std::string_view module, const runtime::HostFunctionDefinition& definition,
                                     void* environment)
    : name(fmt::format("{}.{}", module, definition.name)),
      type(wasm::intern(runtime::parse_signature(definition.signature))),
      code(*type, definition.function, environment, name.c_str(), interp::host_entry()) {
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

const LinkedFunction* HostModules::find(std::string_view module, std::string_view name) const {
  const auto functions = modules_.find(module);
  if (functions == modules_.end()) {
    return nullptr;
  }
  const auto found = std::ranges::lower_bound(functions->second, name, {}, &Function::name);
  if (found == functions->second.end() || found->name() != name) {
    return nullptr;
  }
  const std::scoped_lock lock(making_);
  if (found->entry == nullptr) {
    found->entry = std::make_unique<HostFunctionEntry>(module, found->definition, found->environment);
  }
  return &found->entry->function;
}

}  // namespace tenon::link
