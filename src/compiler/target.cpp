#include "compiler/target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace tenon::compiler {

namespace {

/// Only what can make code: LLVM's own initializers of all targets would link all targets.
void initialize_backends() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  });
}

/// What every x86-64 processor has, and what says nothing about instructions.
constexpr auto kAlwaysThere = std::to_array<std::string_view>(
    {"64bit", "cx8", "cmov", "mmx", "sse", "sse2", "fxsr", "x87", "evex512", "neon", "fp-armv8"});

/// Never used. A frame with scalable vectors has no size that could be checked; the others are not in the list that the
/// runtime compares with the host.
constexpr std::string_view kOffOnAarch64 = "-sve,-sme,-lse128,-rcpc3";

void append_feature(std::string& features, bool on, std::string_view name) {
  features += features.empty() ? "" : ",";
  features += on ? '+' : '-';
  features += name;
}

/// The host's features as LLVM wants them: exactly those that the runtime will find, too.
std::string host_features(abi::Architecture architecture) {
  const std::span<const std::string_view> known = abi::known_features(architecture);
  const abi::CpuFeatures& host = abi::host_cpu_features();
  std::string features;
  // Sorted: what is off may switch off what depends on it, so it comes first.
  std::vector<std::string> off;
  for (const auto& entry : llvm::sys::getHostCPUFeatures()) {
    const std::string_view name(entry.getKey());
    if (std::ranges::find(kAlwaysThere, name) == kAlwaysThere.end() && std::ranges::find(known, name) == known.end()) {
      off.emplace_back(name);
    }
  }
  for (size_t index = 0; index != known.size(); ++index) {
    if (!abi::has_feature(host, index)) {
      off.emplace_back(known[index]);
    }
  }
  std::ranges::sort(off);
  for (const std::string& name : off) {
    append_feature(features, false, name);
  }
  for (size_t index = 0; index != known.size(); ++index) {
    if (abi::has_feature(host, index)) {
      append_feature(features, true, known[index]);
    }
  }
  return features;
}

}  // namespace

Result<Target> choose_target(const std::string& triple, const std::string& cpu) {
  initialize_backends();
  const llvm::Triple wanted(triple.empty() ? llvm::sys::getDefaultTargetTriple() : llvm::Triple::normalize(triple));
  Target target;
  if (wanted.getArch() == llvm::Triple::x86_64 && !wanted.isX32()) {
    target.architecture = abi::Architecture::x86_64;
    target.triple = "x86_64-unknown-linux-gnu";
  } else if (wanted.getArch() == llvm::Triple::aarch64) {
    target.architecture = abi::Architecture::aarch64;
    target.triple = "aarch64-unknown-linux-gnu";
    target.page_size = 65536;
  } else {
    return fail(ErrorKind::usage, "cannot compile for `{}`: only for x86_64 and aarch64", triple);
  }
  if (wanted.getOS() != llvm::Triple::Linux && wanted.getOS() != llvm::Triple::UnknownOS) {
    return fail(ErrorKind::usage, "cannot compile for `{}`: only for Linux", triple);
  }
  std::string message;
  target.backend = llvm::TargetRegistry::lookupTarget(target.triple, message);
  if (target.backend == nullptr) {
    return fail(ErrorKind::usage, "cannot compile for `{}`: {}", target.triple, message);
  }

  if (cpu == "native") {
    if (target.architecture != abi::kHostArchitecture) {
      target.cpu = "generic";
    } else {
      target.cpu = llvm::sys::getHostCPUName().str();
      target.features = host_features(target.architecture);
    }
  } else {
    target.cpu = cpu;
  }
  if (target.architecture == abi::Architecture::x86_64 && target.cpu == "generic") {
    target.cpu = "x86-64";
  }
  if (target.architecture == abi::Architecture::aarch64) {
    target.features += target.features.empty() ? "" : ",";
    target.features += kOffOnAarch64;
  }

  // A processor that is not known would be reported on stderr by each machine made: asked without one first.
  const std::unique_ptr<llvm::MCSubtargetInfo> any(target.backend->createMCSubtargetInfo(target.triple, "", ""));
  if (!any->isCPUStringValid(target.cpu)) {
    return fail(ErrorKind::usage,
                "there is no processor `{}` for {}; `clang --target={} --print-supported-cpus` lists them", target.cpu,
                target.triple, target.triple);
  }
  const std::unique_ptr<llvm::MCSubtargetInfo> info(
      target.backend->createMCSubtargetInfo(target.triple, target.cpu, target.features));
  const std::span<const std::string_view> known = abi::known_features(target.architecture);
  for (size_t index = 0; index != known.size(); ++index) {
    if (info->checkFeatures("+" + std::string(known[index]))) {
      abi::add_feature(target.required, index);
    }
  }
  if (target.architecture == abi::Architecture::x86_64) {
    if (!info->checkFeatures("+64bit")) {
      return fail(ErrorKind::usage, "the processor `{}` has no 64-bit mode", target.cpu);
    }
    target.has_rounding = info->checkFeatures("+sse4.1");
  }
  return target;
}

std::unique_ptr<llvm::TargetMachine> make_machine(const Target& target, unsigned level) {
  llvm::TargetOptions options;
  options.EmitStackSizeSection = true;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.NoTrapAfterNoreturn = false;
  constexpr std::array kLevels = {llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less,
                                  llvm::CodeGenOptLevel::Default, llvm::CodeGenOptLevel::Aggressive};
  return std::unique_ptr<llvm::TargetMachine>(target.backend->createTargetMachine(
      target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, kLevels[level]));
}

}  // namespace tenon::compiler
