// tenon-spectest: replays a script of the official WebAssembly test suite. The scripts' text is taken apart by
// wast2json (wabt); `tests/spectest/run` does that for the whole suite.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "script.h"

namespace {

constexpr int kUsageExit = 2;

constexpr const char* kUsage =
    "usage: tenon-spectest FILE.json [--mode interp|aot] [--bounds-checks=guard|explicit] [--compiler PROGRAM] "
    "[--skip LINE]... [--verbose]\n"
    "Replays what wast2json made of a .wast file, lists the commands that fail, ends with `passed/total`.\n";

struct CommandLine {
  std::string file;
  tenon::spectest::ScriptOptions options;
};

std::optional<CommandLine> parse(std::span<char*> arguments) {
  CommandLine line;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    std::string_view value;
    const bool takes_value = word.starts_with("--mode") || word.starts_with("--bounds-checks") ||
                             word.starts_with("--skip") || word.starts_with("--compiler");
    if (takes_value) {
      if (const size_t equals = word.find('='); equals != std::string_view::npos) {
        value = word.substr(equals + 1);
        word = word.substr(0, equals);
      } else if (++i < arguments.size()) {
        value = arguments[i];
      }
    }
    unsigned number = 0;
    if (word == "--mode" && (value == "interp" || value == "aot")) {
      line.options.compiled = value == "aot";
      continue;
    }
    if (word == "--bounds-checks" && (value == "guard" || value == "explicit")) {
      line.options.code.checks =
          value == "guard" ? tenon::runtime::BoundsChecks::guard_pages : tenon::runtime::BoundsChecks::explicit_checks;
    } else if (word == "--skip" &&
               std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc()) {
      line.options.skipped_lines.insert(number);
    } else if (word == "--compiler" && !value.empty()) {
      line.options.compiler = value;
    } else if (word == "--verbose") {
      line.options.verbose = true;
    } else if (!word.starts_with('-') && line.file.empty()) {
      line.file = word;
    } else {
      return std::nullopt;
    }
  }
  return line.file.empty() ? std::nullopt : std::optional(std::move(line));
}

int run(std::span<char*> arguments) {
  auto line = parse(arguments);
  if (!line) {
    fmt::print(stderr, "{}", kUsage);
    return kUsageExit;
  }
  std::ifstream input(line->file);
  const auto script = nlohmann::json::parse(input, nullptr, false);
  if (script.is_discarded()) {
    fmt::print(stderr, "tenon-spectest: {} is not there, or not JSON\n", line->file);
    return kUsageExit;
  }
  const size_t slash = line->file.rfind('/');
  tenon::spectest::Script replay(slash == std::string::npos ? "." : line->file.substr(0, slash),
                                 std::move(line->options));
  tenon::Result<tenon::spectest::Tally> tally;
  try {
    tally = replay.run(script);
  } catch (const nlohmann::json::exception& exception) {
    tally = tenon::fail(tenon::ErrorKind::usage, "{} is no script of wast2json: {}", line->file, exception.what());
  }
  if (!tally) {
    fmt::print(stderr, "tenon-spectest: {}\n", tally.error().message);
    return 1;
  }
  if (tally->skipped != 0) {
    fmt::print("{} skipped\n", tally->skipped);
  }
  fmt::print("{}/{}\n", tally->passed, tally->total);
  return tally->passed == tally->total ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(std::span(arguments, static_cast<size_t>(count)).subspan(1));
  } catch (const std::exception& exception) {
    std::fputs("tenon-spectest: ", stderr);
    std::fputs(exception.what(), stderr);
    std::fputc('\n', stderr);
    return 1;
  }
}
