// What code is made for: architecture, processor, and which of its features.
#pragma once

#include <memory>
#include <string>

#include "abi/cpu.h"
#include "base/result.h"

namespace llvm {
class Target;
class TargetMachine;
}  // namespace llvm

namespace tenon::compiler {

/// Immutable; any number of threads may make machines of it.
struct Target {
  const llvm::Target* backend = nullptr;
  std::string triple;
  std::string cpu;       ///< as LLVM calls it
  std::string features;  ///< what differs from those of `cpu`
  abi::Architecture architecture = abi::Architecture::none;
  abi::CpuFeatures required{};  ///< what a host must have
  bool has_rounding = true;     ///< has instructions for ceil, floor, trunc and nearest
  unsigned page_size = 4096;    ///< the largest that its systems have
};

/// `triple` and `cpu` as in CompileOptions. Errors: usage.
[[nodiscard]] Result<Target> choose_target(const std::string& triple, const std::string& cpu);

/// Makes code at `level` of optimisation.
[[nodiscard]] std::unique_ptr<llvm::TargetMachine> make_machine(const Target& target, unsigned level);

}  // namespace tenon::compiler
