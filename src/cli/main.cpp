// The `tenon` command: chooses the subcommand. Only the chosen one's options are ever looked at.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "cli/command.h"
#include "cli/output.h"

namespace {

using namespace tenon::cli;

constexpr std::string_view kUsage =
    "usage: tenon COMMAND [OPTIONS] FILE...\n"
    "\n"
    "  tenon run [OPTIONS] FILE [ARGUMENTS...]   link a WebAssembly program with its libraries and run it\n"
    "  tenon FILE [ARGUMENTS...]                 the same, without options\n"
    "  tenon compile [OPTIONS] FILE...           compile modules to native code\n"
    "  tenon verify IMAGE...                     check compiled modules\n"
    "  tenon ldd [OPTIONS] FILE...               which libraries a program needs, and where they are found\n"
    "  tenon graph [OPTIONS] FILE                the same as a picture\n"
    "  tenon maps [OPTIONS] FILE [LIBRARY...]    who has which part of a program's memory\n"
    "  tenon nm [OPTIONS] FILE...                the symbols of a module\n"
    "  tenon inspect [OPTIONS] FILE...           sections, dylink.0, imports and exports of a module\n"
    "  tenon --version\n"
    "  tenon COMMAND --help                      the options of one command\n";

struct Subcommand {
  std::string_view name;
  int (*run)(Words words);
};
constexpr auto kSubcommands = std::to_array<Subcommand>({{"run", run},
                                                         {"ldd", ldd},
                                                         {"graph", graph},
                                                         {"maps", maps},
                                                         {"nm", nm},
                                                         {"inspect", inspect},
                                                         {"compile", compile},
                                                         {"verify", verify}});

/// Whether a word that is no subcommand is more likely to be a misspelled one than the name of a file.
bool is_misspelled(const char* word) {
  return std::string_view(word).find_first_of("./") == std::string_view::npos && access(word, F_OK) != 0;
}

}  // namespace

int main(int count, char** arguments) {
  const Words words = Words(arguments, static_cast<size_t>(count)).subspan(count == 0 ? 0 : 1);
  if (words.empty()) {
    complain("say what to run; `tenon --help` lists the commands");
    return kExitUsage;
  }
  const std::string_view first = words.front();
  const auto subcommand = std::ranges::find(kSubcommands, first, &Subcommand::name);
  if (subcommand != kSubcommands.end()) {
    return subcommand->run(words.subspan(1));
  }
  if (first == "--help" || first == "-h" || first == "help") {
    return write_output(kUsage) ? kExitSuccess : kExitFailure;
  }
  if (first == "--version") {
    return write_output(kVersionText) ? kExitSuccess : kExitFailure;
  }
  if (first.starts_with('-')) {
    complain("there is no option {} here; options come after a command: tenon run {} ...", first, first);
    return kExitUsage;
  }
  if (is_misspelled(words.front())) {
    complain(
        "`{}` is no command (run, compile, verify, ldd, graph, maps, nm, inspect), and there is no file of that name",
        first);
    return kExitUsage;
  }
  return run(words);
}
