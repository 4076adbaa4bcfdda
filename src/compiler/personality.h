// The personality routine of compiled code. LLVM only makes landing pads for functions that have one; ours are found by
// the runtime's own unwinder, which calls none. One that ends phase 1 is in every image for other unwinders (a
// debugger's, a profiler's) and reached without a relocation.
#pragma once

#include "base/result.h"
#include "compiler/pipeline.h"

namespace llvm {
class Module;
}

namespace tenon::compiler {

/// Defines the routine, hidden, as the last function of `module`: it returns _URC_CONTINUE_UNWIND.
void define_personality(llvm::Module& module);

/// In an ELF object that LLVM made, lets the frame tables refer to the routine itself. LLVM refers to a word of data
/// with its address, which would be relocated when an image is loaded.
[[nodiscard]] Result<> refer_to_personality_directly(ObjectBytes& object);

}  // namespace tenon::compiler
