// `tenon compile`: makes images of modules, where `tenon run` finds them. The work is done by tenon-compile, which has
// LLVM in it.
#include "aot/run_compiler.h"
#include "aot/store.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/options.h"
#include "cli/output.h"

namespace tenon::cli {

namespace {

constexpr std::string_view kUsage =
    "usage: tenon compile [OPTIONS] FILE...\n"
    "Compiles modules to native code, each into an image beside it (FILE.aot), where `tenon run` finds it.\n"
    "\n"
    "Ends with 0, or: 1 when a module could not be compiled, 2 for wrong options.\n";

}  // namespace

int compile(Words words) {
  std::string output;
  std::vector<std::string> passed;
  const auto pass = [&passed](std::string_view name) {
    return [&passed, name](std::string_view value) -> Result<> {
      passed.push_back(value.empty() ? fmt::format("--{}", name) : fmt::format("--{}={}", name, value));
      return {};
    };
  };
  const std::vector<Option> table = {
      {'o', "output", "IMAGE", "where the image of the only FILE goes",
       [&output](std::string_view value) -> Result<> {
         output = value;
         return {};
       }},
      {'O', "optimize", "LEVEL", "how much to optimise, 0 to 3; 2 unless told", pass("optimize")},
      {0, "cpu", "NAME", "the processor to compile for, as LLVM calls it; this machine's\nunless told", pass("cpu")},
      {0, "target", "TRIPLE", "compile for another machine: x86_64 or aarch64", pass("target")},
      {0, "bounds-checks", "guard|explicit", "as `tenon run` will be told", pass("bounds-checks")},
      {0, "check-stack", "", "as `tenon run` will be told", pass("check-stack")},
      {'j', "jobs", "N", "how many threads; all processors unless told", pass("jobs")},
      {0, "no-debug-lines", "", "leave out source lines for debuggers and profilers", pass("no-debug-lines")},
  };
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (parsed->operands.empty()) {
    complain("say which modules to compile: tenon compile [OPTIONS] FILE...");
    return kExitUsage;
  }
  if (!output.empty() && parsed->operands.size() != 1) {
    complain("-o names one image, and there are {} modules", parsed->operands.size());
    return kExitUsage;
  }
  const std::string compiler = find_compiler();
  if (compiler.empty()) {
    complain("there is no compiler: tenon-compile is not beside tenon; TENON_COMPILER can say where it is");
    return kExitFailure;
  }
  int result = kExitSuccess;
  for (const std::string& file : parsed->operands) {
    std::vector<std::string> command = {compiler, fmt::format("--target={}", abi::kHostTarget)};
    command.insert(command.end(), passed.begin(), passed.end());
    command.insert(command.end(), {"-o", output.empty() ? file + std::string(aot::kImageSuffix) : output, "--", file});
    const auto code = aot::run_compiler(std::move(command));
    if (!code) {
      complain("{}: {}", file, code.error().message);
      result = kExitFailure;
    } else if (*code != kExitSuccess) {
      result = *code;
    }
  }
  return result;
}

}  // namespace tenon::cli
