// lld, as a library, initializes all of LLVM's targets, and with that would link them: forty megabytes that nobody asks
// for. These definitions stand in for those of the targets that the compiler does not have, for all assembly
// parsers, and for Polly.
// NOLINTBEGIN(bugprone-reserved-identifier)

#include <llvm/Passes/PassPlugin.h>

// clang-format off
#define TENON_UNUSED_TARGETS(ONE)                                                                                    \
  ONE(AMDGPU) ONE(ARM) ONE(AVR) ONE(BPF) ONE(Hexagon) ONE(Lanai) ONE(LoongArch) ONE(Mips) ONE(MSP430) ONE(NVPTX)     \
  ONE(PowerPC) ONE(RISCV) ONE(Sparc) ONE(SystemZ) ONE(VE) ONE(WebAssembly) ONE(XCore) ONE(M68k) ONE(Xtensa)
// clang-format on

#define TENON_UNUSED_TARGET(NAME)            \
  extern "C" {                               \
  void LLVMInitialize##NAME##TargetInfo();   \
  void LLVMInitialize##NAME##Target();       \
  void LLVMInitialize##NAME##TargetMC();     \
  void LLVMInitialize##NAME##AsmPrinter();   \
  void LLVMInitialize##NAME##AsmParser();    \
  void LLVMInitialize##NAME##TargetInfo() {} \
  void LLVMInitialize##NAME##Target() {}     \
  void LLVMInitialize##NAME##TargetMC() {}   \
  void LLVMInitialize##NAME##AsmPrinter() {} \
  void LLVMInitialize##NAME##AsmParser() {}  \
  }

TENON_UNUSED_TARGETS(TENON_UNUSED_TARGET)

extern "C" {
void LLVMInitializeX86AsmParser();
void LLVMInitializeAArch64AsmParser();
void LLVMInitializeX86AsmParser() {}
void LLVMInitializeAArch64AsmParser() {}
}

// An extension of LLVM that Debian's link-time optimisation asks for and its development package does not have.
llvm::PassPluginLibraryInfo getPollyPluginInfo();
llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {};
}
// NOLINTEND(bugprone-reserved-identifier)
