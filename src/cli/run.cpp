// `tenon run`: links a program with its libraries and runs it.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/images.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/search_options.h"
#include "cli/trace.h"
#include "cli/values.h"
#include "link/engine.h"
#include "link/program.h"
#include "link/time_limit.h"
#include "wasi/wasi.h"

namespace tenon::cli {

namespace {

constexpr std::string_view kUsage =
    "usage: tenon run [OPTIONS] FILE [ARGUMENTS...]\n"
    "Links FILE with the libraries it needs and runs it. Options end at FILE: what follows is the program's.\n"
    "\n"
    "Ends with the program's own exit code, or: 2 for wrong options, 126 when FILE could not be loaded or linked,\n"
    "127 when it is not there, 134 when the program trapped, 124 when its time was over (--timeout).\n";

constexpr std::string_view kDebugHelp =
    "Categories for --debug and TENON_DEBUG, several with commas between them:\n"
    "  libs        where libraries are looked for\n"
    "  files       what is loaded, on whose behalf, and where it is placed\n"
    "  symbols     every library that a symbol is looked up in\n"
    "  bindings    which definition a reference was bound to\n"
    "  reloc       cells and data relocations\n"
    "  init        constructors\n"
    "  statistics  counts, and the time of each step\n"
    "  all         all of these\n"
    "  help        this list\n";

struct RunOptions {
  link::ProgramOptions program;
  wasi::Options wasi;
  aot::StoreOptions images{.mode = aot::Mode::automatic};
  std::string invoke;
  bool invokes = false;
  std::string debug;
  std::string trace;
  std::optional<std::chrono::nanoseconds> time_limit;
  bool wants_version = false;
};

Result<> add_directory(wasi::Options& options, std::string_view value, bool read_only) {
  const size_t separator = value.find("::");
  const std::string_view host = value.substr(0, separator);
  const std::string_view guest = separator == std::string_view::npos ? host : value.substr(separator + 2);
  if (host.empty() || guest.empty()) {
    return fail(ErrorKind::usage, "{} takes HOST or HOST::GUEST, two directories that are not empty; not `{}`",
                read_only ? "--dir-ro" : "--dir", value);
  }
  options.preopens.push_back({.host = std::string(host), .guest = std::string(guest), .read_only = read_only});
  return {};
}

Result<> add_variable(wasi::Options& options, std::string_view value) {
  const size_t equals = value.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    return fail(ErrorKind::usage, "--env takes NAME=VALUE, not `{}`", value);
  }
  const std::string_view name = value.substr(0, equals);
  std::erase_if(options.environment, [name](const auto& variable) { return variable.first == name; });
  options.environment.emplace_back(name, value.substr(equals + 1));
  return {};
}

Result<std::chrono::nanoseconds> parse_seconds(std::string_view value) {
  constexpr double kMost = 1e9;  // some thirty years
  double seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size() || !(seconds > 0) || seconds > kMost) {
    return fail(ErrorKind::usage, "--timeout takes a number of seconds above 0, not `{}`", value);
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

Result<uint32_t> parse_count(std::string_view value) {
  uint32_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc() || end != value.data() + value.size()) {
    return fail(ErrorKind::usage, "--max-threads takes a number, not `{}`", value);
  }
  return count;
}

std::vector<Option> run_options(RunOptions& options) {
  link::ProgramOptions& program = options.program;
  std::vector<Option> table = search_options(program);
  const auto add = [&table](Option option) { table.push_back(std::move(option)); };
  add({0, "dir", "HOST[::GUEST]", "let the program use directory HOST, which it sees as GUEST",
       [&options](std::string_view value) { return add_directory(options.wasi, value, false); }});
  add({0, "dir-ro", "HOST[::GUEST]", "the same, to read only",
       [&options](std::string_view value) { return add_directory(options.wasi, value, true); }});
  add({0, "env", "NAME=VALUE", "set a variable of the program's environment",
       [&options](std::string_view value) { return add_variable(options.wasi, value); }});
  add({0, "invoke", "FUNCTION",
       "call this function instead of _start: the words after FILE are its\narguments, its results are printed",
       [&options](std::string_view value) -> Result<> {
         options.invoke = value;
         options.invokes = true;
         return {};
       }});
  add({0, "bind-now", "",
       "resolve every function before the program starts, not at its first\ncall (also TENON_BIND_NOW=1)",
       set_flag(program.bind_now)});
  add({0, "lazy-load", "all",
       "instantiate a needed library only when one of its symbols is used,\nconstructors or not, unless its data is "
       "referred to; without this\nonly where nobody can tell",
       [&program](std::string_view value) -> Result<> {
         if (value != "all") {
           return fail(ErrorKind::usage, "--lazy-load takes all, not `{}`", value);
         }
         program.lazy_loading = link::LazyLoading::all;
         return {};
       }});
  add({0, "preload-all", "", "put off no library: instantiate all before the program starts",
       [&program](std::string_view) -> Result<> {
         program.lazy_loading = link::LazyLoading::none;
         return {};
       }});
  add({0, "no-dlopen", "", "do not let the program open libraries while it runs",
       [&program](std::string_view) -> Result<> {
         program.guest_may_open = false;
         return {};
       }});
  for (Option& option : image_options(options.images)) {
    add(std::move(option));
  }
  for (Option& option : size_options(program)) {
    add(std::move(option));
  }
  add({0, "timeout", "SECONDS", "end the program when it has run for so long, with exit code 124",
       [&options](std::string_view value) -> Result<> {
         options.time_limit = TENON_TRY(parse_seconds(value));
         return {};
       }});
  add({0, "max-threads", "NUMBER", "let the program have so many threads besides its first (default: 4096)",
       [&program](std::string_view value) -> Result<> {
         program.maximum_threads = TENON_TRY(parse_count(value));
         return {};
       }});
  add({0, "check-stack", "", "trap when the program's stack runs into what is below it",
       set_flag(program.code.check_stack)});
  add({0, "bounds-checks", "guard|explicit",
       "keep accesses inside a memory by guard pages, or by comparing each\n(for hosts short of address space)",
       [&program](std::string_view value) -> Result<> {
         if (value != "guard" && value != "explicit") {
           return fail(ErrorKind::usage, "--bounds-checks takes guard or explicit, not `{}`", value);
         }
         program.code.checks =
             value == "guard" ? runtime::BoundsChecks::guard_pages : runtime::BoundsChecks::explicit_checks;
         return {};
       }});
  Option trace = trace_option(options.trace);
  trace.help = "write to FILE which libraries the program opens (for `tenon ldd\n--trace` and `tenon graph --trace`)";
  add(std::move(trace));
  add({0, "debug", "CATEGORIES",
       "tell about linking on standard error, as LD_DEBUG does; `help` lists\nthe categories (also TENON_DEBUG)",
       [&options](std::string_view value) -> Result<> {
         options.debug = value;
         return {};
       }});
  add({0, "version", "", "print the version of tenon", set_flag(options.wants_version)});
  return table;
}

bool wants_debug_help(std::string_view categories) {
  while (!categories.empty()) {
    const std::string_view word = categories.substr(0, categories.find_first_of(",: "));
    if (word == "help") {
      return true;
    }
    categories.remove_prefix(std::min(word.size() + 1, categories.size()));
  }
  return false;
}

/// What the environment adds to the options. What is wrong there is no reason not to run.
void add_environment(RunOptions& options) {
  add_search_environment(options.program);
  add_image_environment(options.images);
  const char* const bind_now = std::getenv("TENON_BIND_NOW");
  options.program.bind_now |= bind_now != nullptr && *bind_now != '\0';
  if (const char* const debug = std::getenv("TENON_DEBUG"); debug != nullptr && options.debug.empty()) {
    if (!wants_debug_help(debug) && !link::parse_debug_categories(debug)) {
      complain("ignoring TENON_DEBUG: {}", link::parse_debug_categories(debug).error().message);
    } else {
      options.debug = debug;
    }
  }
}

/// Says how the program ended when that was by a trap; the exit code.
int finish(const link::CallOutcome& outcome, const std::string& file) {
  switch (outcome.kind) {
    case link::CallOutcome::Kind::returned:
      return kExitSuccess;
    case link::CallOutcome::Kind::exit:
      return static_cast<int>(outcome.exit_code);
    case link::CallOutcome::Kind::trap:
      complain("{}", runtime::to_string(outcome.trap));
      return kExitTrap;
    case link::CallOutcome::Kind::exception:
      complain("trap: {}: {} threw an exception that nothing caught",
               runtime::to_string(runtime::TrapKind::uncaught_exception), file);
      return kExitTrap;
  }
  return kExitTrap;
}

/// `--invoke`: calls `function` of main with arguments from the command line and prints its results, one a line.
int invoke(link::Program& program, const std::string& function, std::span<const std::string> words,
           const std::string& file) {
  link::Dso& main = *program.main();
  const wasm::Export* const symbol = main.module().find_export(function);
  std::vector<abi::Cell> arguments;
  wasm::FunctionType type;
  if (symbol != nullptr && symbol->kind == wasm::ExternKind::function) {
    type = main.module().function_type(symbol->index);
    for (size_t i = 0; i < std::min(words.size(), type.parameters.size()); ++i) {
      const auto parsed = parse_value(type.parameters[i], words[i], arguments);
      if (!parsed) {
        complain("cannot call {}: argument {}: {}", function, i + 1, parsed.error().message);
        return kExitUsage;
      }
    }
  }
  if (words.size() > type.parameters.size()) {
    arguments.resize(arguments.size() + words.size() - type.parameters.size());  // too many, which the call says
  }
  const auto outcome = program.call(main, function, arguments);
  if (!outcome) {
    complain("{}", outcome.error().message);
    return outcome.error().kind == ErrorKind::usage ? kExitUsage : exit_code_of(outcome.error().kind);
  }
  std::string text;
  if (outcome->kind == link::CallOutcome::Kind::returned) {
    const abi::Cell* cells = outcome->results.data();
    for (const wasm::ValueType result : type.results) {
      text += format_value(result, cells) + "\n";
      cells += abi::cells_of(result);
    }
  }
  return write_output(text) ? finish(*outcome, file) : kExitFailure;
}

int run_program(RunOptions options, std::vector<std::string> operands) {
  const std::string file = operands.front();
  options.wasi.arguments = operands;
  const auto wasi = wasi::Wasi::create(std::move(options.wasi));
  if (!wasi) {
    complain("{}", wasi.error().message);
    return kExitUsage;
  }
  const auto check = [](const Result<>& result) {
    if (!result) {
      complain("{}", result.error().message);
    }
    return result.has_value();
  };

  options.program.open_guest_file = [&wasi = **wasi](const std::string& path) { return wasi.open_for_linker(path); };
  if ((*wasi)->guest_can_write_files()) {
    options.program.guest_can_write = [&wasi = **wasi](int descriptor) { return wasi.guest_can_write(descriptor); };
  }
  std::unique_ptr<TraceWriter> trace;
  if (!options.trace.empty()) {
    auto writer = TraceWriter::create(options.trace);
    if (!writer) {
      complain("{}", writer.error().message);
      return kExitFailure;
    }
    trace = *std::move(writer);
    options.program.on_library = [&trace](const link::LibraryEvent& event) { trace->write(event); };
  }
  [[maybe_unused]] const bool tells_at_end = options.program.debug != 0;
  link::Engine engine({.images = std::move(options.images)});
  auto created = link::Program::create(engine, std::move(options.program));
  if (!created) {
    complain("{}", created.error().message);
    return kExitNotLoadable;
  }
  link::Program& program = **created;
  if (!check(
          program.add_host_module(std::string(wasi::Wasi::kModule), wasi::Wasi::functions(), (*wasi)->environment())) ||
      !check(program.add_host_module(std::string(wasi::Wasi::kUnstableModule), wasi::Wasi::unstable_functions(),
                                     (*wasi)->environment()))) {
    return kExitNotLoadable;
  }
  std::optional<link::TimeLimit> limit;
  if (options.time_limit) {
    limit.emplace(program, *options.time_limit);
  }
  const auto run = [&] {
    if (const auto loaded = program.load_main(file); !check(loaded)) {
      return exit_code_of(loaded.error().kind);
    }
    if (options.invokes) {
      return invoke(program, options.invoke, std::span(operands).subspan(1), file);
    }
    const auto outcome = program.run();
    if (!outcome) {
      complain("{}", outcome.error().message);
      return exit_code_of(outcome.error().kind);
    }
    return finish(*outcome, file);
  };
  int code = run();
  if (limit && code == kExitTrap && limit->is_over()) {
    complain("{} was ended: its time was over (--timeout)", file);
    code = kExitTimeout;
  }
#ifndef TENON_SANITIZED
  if (!tells_at_end) {
    // The kernel takes a process apart faster than destructors do.
    std::fflush(nullptr);
    std::_Exit(code);
  }
#endif
  return code;
}

}  // namespace

int run(Words words) {
  RunOptions options;
  const std::vector<Option> table = run_options(options);
  auto parsed = parse_options(table, words, Placing::before_operands);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (options.wants_version) {
    return write_output(kVersionText) ? kExitSuccess : kExitFailure;
  }
  add_environment(options);
  if (wants_debug_help(options.debug)) {
    return write_output(kDebugHelp) ? kExitSuccess : kExitFailure;
  }
  const auto categories = link::parse_debug_categories(options.debug);
  if (!categories) {
    complain("--debug: {}", categories.error().message);
    return kExitUsage;
  }
  options.program.debug = *categories;
  if (parsed->operands.empty()) {
    complain("say which file to run: tenon run [OPTIONS] FILE [ARGUMENTS...]");
    return kExitUsage;
  }
  return run_program(std::move(options), std::move(parsed->operands));
}

}  // namespace tenon::cli
