// `tenon-compile`: makes an image of a module. A command of its own, because LLVM is in it: `tenon`, which starts fast,
// calls it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>

#include "cli/options.h"
#include "cli/output.h"
#include "compiler/compile_file.h"

namespace {

using namespace tenon;

constexpr std::string_view kUsage =
    "usage: tenon-compile [OPTIONS] INPUT -o OUTPUT\n"
    "Compiles the WebAssembly module INPUT to native code for `tenon run`. `tenon compile` does the same, and knows "
    "where\n"
    "`tenon run` looks for it.\n"
    "\n"
    "Ends with 0, or: 1 when it cannot be compiled, 2 for wrong options.\n";

Result<unsigned> number(std::string_view value, unsigned maximum, std::string_view what) {
  unsigned result = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size() || result > maximum) {
    return fail(ErrorKind::usage, "{} is a number from 0 to {}, not `{}`", what, maximum, value);
  }
  return result;
}

/// A bar that fills, on a terminal.
void show_progress(size_t done, size_t total) {
  constexpr size_t kWidth = 40;
  const size_t filled = total == 0 ? kWidth : done * kWidth / total;
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '-');
  fmt::print(stderr, "\r[{}] {:3}%{}", bar, total == 0 ? 100 : done * 100 / total, done == total ? "\r\033[K" : "");
}

/// Goes on in a child that nobody waits for and that says nothing. False in the parent, and when there can be no child.
bool go_into_background() {
  if (fork() != 0) {
    return false;
  }
  constexpr int kPoliteness = 5;  // whoever wanted the image is running meanwhile
  (void)!nice(kPoliteness);
  setsid();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      dup2(null, standard);
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  compiler::CompileOptions options;
  std::string output;
  bool in_background = false;
  const auto set = [](std::string& target) {
    return [&target](std::string_view value) {
      target = value;
      return Result<>();
    };
  };
  const std::vector<cli::Option> known = {
      {'o', "output", "FILE", "where the image goes", set(output)},
      {'O', "optimize", "LEVEL", "0 to 3; 2 unless told",
       [&](std::string_view value) -> Result<> {
         constexpr unsigned kMaximum = 3;
         options.level = TENON_TRY(number(value, kMaximum, "-O"));
         return {};
       }},
      {0, "cpu", "NAME", "the processor to compile for, as LLVM calls it; this machine's unless told",
       set(options.cpu)},
      {0, "target", "TRIPLE", "x86_64 or aarch64; this machine's unless told", set(options.target)},
      {0, "bounds-checks", "HOW", "guard (default) or explicit",
       [&](std::string_view value) -> Result<> {
         if (value != "guard" && value != "explicit") {
           return fail(ErrorKind::usage, "--bounds-checks is guard or explicit, not `{}`", value);
         }
         options.code.checks = value == "guard" ? abi::BoundsChecks::guard_pages : abi::BoundsChecks::explicit_checks;
         return {};
       }},
      {0, "check-stack", "", "code that checks the guest's own stack", cli::set_flag(options.code.check_stack)},
      {'j', "jobs", "N", "threads; as many as there are processors unless told",
       [&](std::string_view value) -> Result<> {
         constexpr unsigned kMaximum = 1024;
         options.threads = TENON_TRY(number(value, kMaximum, "--jobs"));
         return {};
       }},
      {0, "background", "", "go on compiling, without a word, when this command has ended",
       cli::set_flag(in_background)},
      {0, "no-debug-lines", "", "leave out the source lines for native debuggers and profilers",
       [&](std::string_view) {
         options.debug_lines = false;
         return Result<>();
       }},
  };
  const auto words = cli::Words(arguments, static_cast<size_t>(count)).subspan(count == 0 ? 0 : 1);
  const auto parsed = cli::parse_options(known, words, cli::Placing::anywhere);
  if (!parsed) {
    fmt::print(stderr, "tenon-compile: {}\n", parsed.error().message);
    return 2;
  }
  if (parsed->wants_help) {
    fmt::print("{}", cli::help_text(kUsage, known));
    return 0;
  }
  if (parsed->operands.size() != 1 || output.empty()) {
    fmt::print(stderr, "tenon-compile: say what to compile and, with -o, where the image goes\n");
    return 2;
  }
  if (in_background && !go_into_background()) {
    return 0;
  }
  if (isatty(STDERR_FILENO) != 0) {
    options.progress = show_progress;
  }
  compiler::exit_on_fatal_errors();
  if (const Result<> result = compiler::compile_file(parsed->operands.front(), output, options); !result) {
    fmt::print(stderr, "tenon-compile: {}\n", result.error().message);
    return result.error().kind == ErrorKind::usage ? 2 : 1;
  }
  return 0;
}
