// What LLVM does with the functions of one chunk: the passes of each level, and code generation.
#pragma once

#include <llvm/ADT/SmallVector.h>

#include "base/result.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace tenon::compiler {

using ObjectBytes = llvm::SmallVector<char, 0>;

/// Runs the passes of `level` over all functions of `module`.
void optimize(llvm::Module& module, llvm::TargetMachine& machine, unsigned level);

/// Makes an ELF object of `module`, which is used up.
[[nodiscard]] Result<ObjectBytes> generate_code(llvm::Module& module, llvm::TargetMachine& machine);

}  // namespace tenon::compiler
