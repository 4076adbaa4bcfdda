// For the developers of the compiler: the intermediate representation of a module, verified. What LLVM's own tools
// (opt, llc) make of it is for them to say.
//
//   tenon-emit-ir [--explicit] [--check-stack] [--aarch64] [--no-rounding] [--quiet] MODULE...
//
// Writes the representation of one module to standard output; --quiet verifies only, any number of modules.
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include <string_view>

#include "base/mapped_file.h"
#include "compiler/emit.h"

namespace {

using namespace tenon;

Result<> emit(const char* path, const compiler::EmitOptions& options, bool quiet) {
  auto bytes = TENON_TRY(base::FileBytes::map(path));
  const auto module = TENON_TRY(wasm::decode_and_validate(std::move(bytes), path));
  const compiler::ModulePlan plan(*module, options);
  llvm::LLVMContext context;
  llvm::Module target("module", context);
  if (options.architecture == abi::Architecture::aarch64) {
    target.setTargetTriple("aarch64-unknown-linux-gnu");
    target.setDataLayout("e-m:e-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32");
  } else {
    target.setTargetTriple("x86_64-unknown-linux-gnu");
    target.setDataLayout("e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128");
  }
  TENON_CHECK(compiler::emit_functions(target, plan, module->imported_functions,
                                       static_cast<uint32_t>(module->functions.size())));
  std::string message;
  llvm::raw_string_ostream out(message);
  if (llvm::verifyModule(target, &out)) {
    return fail(ErrorKind::invalid, "{}: {}", path, message);
  }
  if (!quiet) {
    target.print(llvm::outs(), nullptr);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  compiler::EmitOptions options;
  bool quiet = false;
  int failures = 0;
  for (int n = 1; n < argc; ++n) {
    const std::string_view argument = argv[n];
    if (argument == "--explicit") {
      options.code.checks = abi::BoundsChecks::explicit_checks;
    } else if (argument == "--check-stack") {
      options.code.check_stack = true;
    } else if (argument == "--aarch64") {
      options.architecture = abi::Architecture::aarch64;
    } else if (argument == "--no-rounding") {
      options.has_rounding = false;
    } else if (argument == "--quiet") {
      quiet = true;
    } else if (const auto emitted = emit(argv[n], options, quiet); !emitted) {
      llvm::errs() << emitted.error().message << '\n';
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}
