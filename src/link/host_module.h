// Host functions by the module name that guests import them from.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "runtime/host.h"

namespace tenon::link {

/// A host function that a HostResolver knows.
struct ResolvedHostFunction {
  runtime::HostFunction function;
  void* environment;  ///< must outlive the program
  wasm::FunctionType type;
};

/// An embedder's own source of host functions, asked for what no host module has. `type` is the importer's, null when
/// only an address is wanted. Nothing: no such function. Asked by any thread, at load and at first calls; must not call
/// into the program.
using HostResolver = std::function<std::optional<ResolvedHostFunction>(std::string_view module, std::string_view name,
                                                                       const wasm::FunctionType* type)>;

/// A host function as the linker knows it. Does not move.
struct HostFunctionEntry {
  HostFunctionEntry(std::string_view module, const runtime::HostFunctionDefinition& definition, void* environment);
  HostFunctionEntry(std::string_view module, std::string_view function_name, const ResolvedHostFunction& resolved);

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

  void set_resolver(HostResolver resolver) { resolver_ = std::move(resolver); }

  /// The function, or null. `type`: what the resolver is told of the importer.
  [[nodiscard]] const LinkedFunction* find(std::string_view module, std::string_view name,
                                           const wasm::FunctionType* type = nullptr) const;
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
  [[nodiscard]] const LinkedFunction* resolve(std::string_view module, std::string_view name,
                                              const wasm::FunctionType* type) const;

  mutable std::map<std::string, Functions, std::less<>> modules_;
  HostResolver resolver_;
  /// Guards Function::entry and `resolved_`; of other locks only that of interned types is taken under it.
  mutable std::mutex making_;
  /// What the resolver gave, by "module.name" and type: a function has one address.
  mutable std::map<std::pair<std::string, const wasm::FunctionType*>, std::unique_ptr<HostFunctionEntry>> resolved_;
};

}  // namespace tenon::link
