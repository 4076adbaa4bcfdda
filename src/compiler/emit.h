// From function bodies to LLVM's intermediate representation. How the code is called and what it asks of the runtime is
// in abi/abi.h and docs/compiled-code.md; this says how a driver gets it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

/// What the emitted code depends on besides the module. It does not depend on the machine that compiles.
struct EmitOptions {
  abi::CodeOptions code{};
  abi::Architecture architecture = abi::kHostArchitecture;
  /// The target has instructions for ceil, floor, trunc and nearest (SSE4.1; AArch64 always); else Helpers do them.
  bool has_rounding = true;
};

/// What is the same for all functions of a module. Immutable; used by several threads at once, each with an
/// llvm::LLVMContext of its own. `module` must outlive it.
class ModulePlan {
 public:
  ModulePlan(const wasm::Module& module, const EmitOptions& options);

  [[nodiscard]] const wasm::Module& module() const { return module_; }
  [[nodiscard]] const EmitOptions& options() const { return options_; }
  [[nodiscard]] const abi::InstanceLayout& layout() const { return layout_; }
  [[nodiscard]] abi::GlobalAccess global_access(uint32_t global) const { return global_access_[global]; }
  /// Whether `global` is the guest's stack pointer: what check_stack is about.
  [[nodiscard]] bool is_stack_pointer(uint32_t global) const { return is_stack_pointer_[global]; }

  /// Whether `global` is the address of the module's data, all of which is below 2^32.
  [[nodiscard]] bool is_memory_base(uint32_t global) const { return global == memory_base_; }

  /// The ELF symbol of a defined function: the guest's name for it, changed as little as makes it unique and keeps it
  /// apart from names that mean something to LLVM or to a linker.
  [[nodiscard]] const std::string& symbol(uint32_t function) const {
    return symbols_[function - module_.imported_functions];
  }

  /// How many integer arguments behind the instance have registers.
  [[nodiscard]] unsigned integer_registers() const {
    return options_.architecture == abi::Architecture::aarch64 ? 7 : 5;
  }

 private:
  const wasm::Module& module_;
  EmitOptions options_;
  abi::InstanceLayout layout_;
  std::vector<abi::GlobalAccess> global_access_;
  std::vector<bool> is_stack_pointer_;
  std::optional<uint32_t> memory_base_;
  std::vector<std::string> symbols_;  ///< by index among the defined functions
};

/// Emits the defined functions [first, last), indices of the function index space, into `target`, whose triple and data
/// layout are set. What they call of the module's other functions is declared, hidden.
///
/// What a driver finds: every function is hidden, has asynchronous unwind tables, and the attribute "tenon-frame" with
/// the number of bytes that the check of the stack at its entry allows its frame (abi::kUncheckedFrame at least). Every
/// instruction's debug location has as its line the offset of the WebAssembly instruction in the module's bytes.
/// Accesses of linear memory are volatile and carry the metadata `tenon.access`; the load of the memory's base, one per
/// function, carries `tenon.memory_base`. Functions that catch have the personality `__gxx_personality_v0`, declared
/// here and defined by the driver. Nothing else is left undefined.
///
/// `frames`, if there are any, has for each function of the range how many bytes the check of the stack allows its
/// frame at least: for functions of which it has turned out that they need more than the emitter had thought.
///
/// Errors: those of validation, for a mapped file that changed since it was validated; io; limit.
[[nodiscard]] Result<> emit_functions(llvm::Module& target, const ModulePlan& plan, uint32_t first, uint32_t last,
                                      std::span<const uint32_t> frames = {});

}  // namespace tenon::compiler
