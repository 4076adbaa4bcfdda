// `tenon graph`: a program and the libraries it needs and opens, as a picture.
#include "cli/command.h"
#include "cli/graph_picture.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/search_options.h"
#include "cli/survey.h"
#include "cli/trace.h"

namespace tenon::cli {

namespace {

constexpr std::string_view kUsage =
    "usage: tenon graph [OPTIONS] FILE\n"
    "Draws FILE and the libraries that it needs as a picture (SVG): an arrow from A to B says that A needs B. With a\n"
    "trace of `tenon run --trace`, those that the program opened are drawn as well. Nothing of them is run.\n"
    "In large pictures, the arrows of what nearly everybody needs are left out: the legend tells the marks instead.\n"
    "\n"
    "Ends with 0, or: 1 when a library is missing, 2 for wrong options, 126 when a file is not usable, 127 when FILE\n"
    "is not there.\n";

}  // namespace

int graph(Words words) {
  link::ProgramOptions program;
  std::string output;
  std::string trace_file;
  std::vector<Option> table = search_options(program);
  table.push_back(trace_option(trace_file));
  table.push_back(output_option(output, "write the picture to FILE, not to standard output"));
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (parsed->operands.size() != 1) {
    complain("say which file to look at{}: tenon graph [OPTIONS] FILE", parsed->operands.empty() ? "" : ", one");
    return kExitUsage;
  }
  std::vector<link::LibraryEvent> events;
  if (!trace_file.empty()) {
    auto trace = read_trace(trace_file);
    if (!trace) {
      complain("{}", trace.error().message);
      return exit_code_of(trace.error().kind);
    }
    events = *std::move(trace);
  }
  add_search_environment(program);
  link::Engine engine;
  const std::string& file = parsed->operands.front();
  const auto found = survey(engine, program, file, false, events);
  if (!found) {
    complain("{}", found.error().message);
    return exit_code_of(found.error().kind);
  }
  const bool written = write_to(output, draw_graph(*found, file));
  return written && is_complete(found->examination) ? kExitSuccess : kExitFailure;
}

}  // namespace tenon::cli
