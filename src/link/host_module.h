// Host functions by the module name that guests import them from.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "runtime/host.h"

namespace tenon::link {

/// A host function as the linker knows it. Does not move.
struct HostFunctionEntry {
  HostFunctionEntry(std::string_view module, const runtime::HostFunctionDefinition& definition, void* environment);

  std::string name;  ///< "module.name"
  wasm::TypeReference type;
  runtime::HostCode code;
  LinkedFunction function;
};

/// Nothing is added while the program loads or runs; safe to ask from all threads. What guests import is made at its
/// first import, because they import few of the many that there are.
class HostModules {
 public:
  /// Errors: usage, when a function is there already.
  [[nodiscard]] Result<> add(const std::string& module, std::span<const runtime::HostFunctionDefinition> functions,
                             void* environment);

  /// The function, or null.
  [[nodiscard]] const LinkedFunction* find(std::string_view module, std::string_view name) const;
  [[nodiscard]] bool has_module(std::string_view module) const { return modules_.contains(module); }

  /// Functions of all host modules belong to this DSO number, which has an instance in every thread, so that calls find
  /// one like any other callee's.
  static constexpr uint32_t kDso = 0;

 private:
  struct Function {
    runtime::HostFunctionDefinition definition;
    void* environment;
    std::unique_ptr<HostFunctionEntry> entry;  ///< once it was imported; guarded by `making_`

    [[nodiscard]] std::string_view name() const { return definition.name; }
  };
  using Functions = std::vector<Function>;  ///< by name
  mutable std::map<std::string, Functions, std::less<>> modules_;
  mutable std::mutex making_;  ///< guards Function::entry; of other locks only that of interned types is taken under it
};

}  // namespace tenon::link
