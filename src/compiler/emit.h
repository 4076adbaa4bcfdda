// From WebAssembly functions to LLVM's IR.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/image.h"
#include "abi/layout.h"
#include "base/result.h"
#include "wasm/module.h"

namespace llvm {
class Module;
}

namespace tenon::compiler {

struct EmitOptions {
  abi::CodeOptions code;
  abi::Architecture architecture;
  bool has_rounding = true;
};

class ModulePlan {
 public:
  ModulePlan(const wasm::Module& module, const EmitOptions& options);
  [[nodiscard]] const std::string& symbol(uint32_t function) const { return symbols_[function]; }
  [[nodiscard]] const wasm::Module& module() const { return *module_; }

 private:
  const wasm::Module* module_;
  std::vector<std::string> symbols_;
};

[[nodiscard]] Result<> emit_functions(llvm::Module& target, const ModulePlan& plan, uint32_t first, uint32_t last);

}  // namespace tenon::compiler
