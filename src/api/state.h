// What the handles of the C++ interface refer to.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "link/engine.h"
#include "link/program.h"
#include "link/time_limit.h"
#include "tenon/engine.h"
#include "tenon/program.h"
#include "wasi/wasi.h"

namespace tenon {

struct Module::State {
  std::shared_ptr<link::SharedModule> module;
  base::FileBytes file;
  std::string directory;  ///< of its file; empty when it has none
};

namespace detail {

struct EngineState {
  EngineState(link::EngineOptions options, runtime::CodeOptions with_code)
      : engine(std::move(options)), code(with_code) {}

  link::Engine engine;
  runtime::CodeOptions code;
};

struct ModuleAccess {
  [[nodiscard]] static Module make(std::shared_ptr<link::SharedModule> module, base::FileBytes file,
                                   std::string directory) {
    return Module(std::make_shared<const Module::State>(std::move(module), std::move(file), std::move(directory)));
  }
  [[nodiscard]] static const std::shared_ptr<link::SharedModule>& shared(const Module& module) {
    return module.state_->module;
  }
  [[nodiscard]] static const std::string& directory(const Module& module) { return module.state_->directory; }
};

/// A lambda of the host's, and what its definition points to.
struct DefinedFunction {
  ProgramState& program;
  std::string name;
  std::string signature;
  HostFunction function;

  [[nodiscard]] runtime::HostFunctionDefinition definition() const;
};

/// Members that others refer to come before these.
struct ProgramState {
  std::shared_ptr<EngineState> engine;
  std::unique_ptr<wasi::Wasi> wasi;
  std::mutex defining;  ///< guards the next; no other lock is taken under it
  std::deque<DefinedFunction> functions;
  std::unique_ptr<link::Program> program;
  std::mutex limiting;  ///< guards the next; no other lock is taken under it
  std::optional<link::TimeLimit> time_limit;
  std::atomic<int64_t> exit_code{-1};  ///< -1: none yet
  std::weak_ptr<ProgramState> self;    ///< for host functions
};

/// Types of the public interface as the rooms below have them, and back.
[[nodiscard]] wasm::ValueType to_internal(ValueType type);
[[nodiscard]] FunctionType to_public(const wasm::FunctionType& type);

}  // namespace detail
}  // namespace tenon
