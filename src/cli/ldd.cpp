// `tenon ldd`: which libraries a program would be loaded with, without loading it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/search_options.h"
#include "cli/survey.h"
#include "cli/trace.h"

namespace tenon::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kUsage =
    "usage: tenon ldd [OPTIONS] FILE...\n"
    "Shows the libraries that FILE needs, as a tree, and where each is found. Nothing of them is run.\n"
    "A library that was shown before is followed by `(above)` and not opened up again. With a trace of\n"
    "`tenon run --trace`, those that the program opened are shown as well.\n"
    "\n"
    "Ends with 0, or: 1 when a library or a symbol is missing, 2 for wrong options, 126 when a file is not usable,\n"
    "127 when FILE is not there.\n";

struct LddOptions {
  link::ProgramOptions program;
  bool resolve_symbols = false;
  bool json = false;
  bool all = false;
  std::string trace_file;
  std::vector<link::LibraryEvent> trace;
};

/// Writes what a program needs as an indented tree.
class Tree {
 public:
  explicit Tree(const Survey& survey) : survey_(survey), dependencies_(survey.examination.dependencies) {}

  std::string text() {
    if (dependencies_.empty()) {
      return {};
    }
    const link::Dependency& main = dependencies_.front();
    shown_.insert(main.name);
    for (const std::string& needed : main.needed) {
      append(needed, 1, "");
    }
    for (const link::Dependency& dependency : std::span(dependencies_).first(survey_.at_start)) {
      if (!shown_.contains(dependency.name)) {
        append(dependency.name, 1, "preloaded, ");
      }
    }
    for (const auto& [requester, library] : survey_.openings) {
      append(dependencies_[library].name, 1, fmt::format("opened by {}, ", escaped(dependencies_[requester].name)));
    }
    return text_.empty() ? "  needs no libraries\n" : std::move(text_);
  }

 private:
  void append(const std::string& name, size_t depth, const std::string& remark) {
    const std::string indent(2 * depth, ' ');
    const auto found = std::ranges::find(dependencies_, name, &link::Dependency::name);
    if (found == dependencies_.end()) {
      text_ += fmt::format("{}{} => not found\n", indent, escaped(name));
      return;
    }
    if (!shown_.insert(name).second) {
      text_ += fmt::format("{}{} (above)\n", indent, escaped(name));
      return;
    }
    if (!found->found) {
      text_ += fmt::format("{}{} => not found: {}{}\n", indent, escaped(name), remark, escaped(found->reason));
      return;
    }
    text_ += fmt::format("{}{} => {} ({}{}{}, {})\n", indent, escaped(name),
                         found->path.empty() ? "no file" : escaped(found->path), remark, found->lazy ? "put off, " : "",
                         link::to_string(found->found_through), format_size(file_size(found->path)));
    if (depth < kMaximumDepth) {
      for (const std::string& needed : found->needed) {
        append(needed, depth + 1, "");
      }
    }
  }

  /// Deeper ones are shown at the top level instead: a chain of libraries may be as long as someone cares to make it.
  static constexpr size_t kMaximumDepth = 64;

  const Survey& survey_;
  const std::vector<link::Dependency>& dependencies_;
  std::set<std::string> shown_;
  std::string text_;
};

ordered_json to_json(const std::string& file, const Survey& survey, const LddOptions& options) {
  const link::Examination& examination = survey.examination;
  ordered_json result = {{"file", file}, {"dependencies", ordered_json::array()}};
  for (const link::Dependency& dependency : examination.dependencies) {
    ordered_json entry = {{"name", dependency.name}, {"found", dependency.found}};
    if (dependency.found) {
      entry["path"] = dependency.path.empty() ? ordered_json() : ordered_json(dependency.path);
      entry["found_through"] = link::to_string(dependency.found_through);
      entry["size"] = file_size(dependency.path);
      entry["needed"] = dependency.needed;
      entry["lazy"] = dependency.lazy;
    } else {
      entry["reason"] = dependency.reason;
    }
    result["dependencies"].push_back(std::move(entry));
  }
  if (options.all) {
    result["opened"] = ordered_json::array();
    for (const auto& [requester, library] : survey.openings) {
      result["opened"].push_back(
          {{"requester", examination.dependencies[requester].name}, {"name", examination.dependencies[library].name}});
    }
  }
  if (options.resolve_symbols) {
    result["missing_symbols"] = ordered_json::array();
    for (const link::MissingSymbol& missing : examination.missing) {
      const bool is_there = !missing.found.empty();
      result["missing_symbols"].push_back({{"symbol", missing.symbol},
                                           {"module", missing.module},
                                           {"importer", missing.importer},
                                           {"expected", missing.expected},
                                           {"found", is_there ? ordered_json(missing.found) : ordered_json()},
                                           {"found_in", is_there ? ordered_json(missing.found_in) : ordered_json()},
                                           {"searched", missing.searched}});
    }
  }
  return result;
}

int show(const LddOptions& options, const std::vector<std::string>& files) {
  link::Engine engine;
  int exit_code = kExitSuccess;
  ordered_json all = ordered_json::array();
  std::string text;
  for (const std::string& file : files) {
    // Every file has a program of its own.
    const auto found = survey(engine, options.program, file, options.resolve_symbols, options.trace);
    if (!found) {
      complain("{}", found.error().message);
      exit_code = std::max(exit_code, exit_code_of(found.error().kind));
      continue;
    }
    if (!is_complete(found->examination)) {
      exit_code = std::max(exit_code, kExitFailure);
    }
    if (options.json) {
      all.push_back(to_json(file, *found, options));
      continue;
    }
    if (files.size() > 1) {
      text += escaped(file) + ":\n";
    }
    text += Tree(*found).text();
    for (const link::MissingSymbol& missing : found->examination.missing) {
      text += fmt::format("missing symbol: {}\n", missing.text());
    }
  }
  if (options.json) {
    text = all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return write_output(text) ? exit_code : kExitFailure;
}

}  // namespace

int ldd(Words words) {
  LddOptions options;
  std::vector<Option> table = search_options(options.program);
  table.push_back({'r', "symbols", "", "also look up every symbol, and list what is missing or of another type",
                   set_flag(options.resolve_symbols)});
  table.push_back(
      {0, "all", "", "also the libraries that the program opened, as --trace tells", set_flag(options.all)});
  table.push_back(trace_option(options.trace_file));
  table.push_back({0, "json", "", "answer in JSON: a list with an object for each FILE", set_flag(options.json)});
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (parsed->operands.empty()) {
    complain("say which file to look at: tenon ldd [OPTIONS] FILE...");
    return kExitUsage;
  }
  if (options.all && options.trace_file.empty()) {
    complain(
        "--all needs to know what was opened: make a trace by `tenon run --trace FILE`, and give it as --trace FILE");
    return kExitUsage;
  }
  options.all = !options.trace_file.empty();
  if (options.all) {
    auto trace = read_trace(options.trace_file);
    if (!trace) {
      complain("{}", trace.error().message);
      return exit_code_of(trace.error().kind);
    }
    options.trace = *std::move(trace);
  }
  add_search_environment(options.program);
  return show(options, parsed->operands);
}

}  // namespace tenon::cli
