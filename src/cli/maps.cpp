// `tenon maps`: who has which part of a program's memory and of its function table, without running it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/map_picture.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/search_options.h"
#include "cli/survey.h"
#include "link/layout.h"
#include "link/stack_room.h"

namespace tenon::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kUsage =
    "usage: tenon maps [OPTIONS] FILE [LIBRARY...]\n"
    "Shows the memory of FILE as it is when the program starts: who has which addresses, and which slots of the\n"
    "function table. LIBRARY are names or paths of libraries opened later, in this order: they go into the reserve.\n"
    "Nothing of them is run.\n"
    "\n"
    "Each line: addresses, permissions, bytes, alignment, what it is.\n"
    "\n"
    "Ends with 0, or: 1 when a library is missing, 2 for wrong options, 126 when a file is not usable, 127 when FILE\n"
    "is not there.\n";

struct MapsOptions {
  link::ProgramOptions program;
  std::string picture;
  bool json = false;
  bool stack_for = false;
};

struct Outlook {
  link::MemoryMap map;
  std::vector<link::Needs> opened;  ///< what the libraries that were named add, each once
  bool is_complete = true;
};

link::Needs needs_of(const link::Dependency& dependency) {
  return {.name = dependency.name,
          .memory_size = dependency.memory_size,
          .memory_alignment = dependency.memory_alignment,
          .table_size = dependency.table_size,
          .table_alignment = dependency.table_alignment};
}

void complain_of_missing(const std::vector<link::Dependency>& dependencies,
                         const std::vector<link::Dependency>& known) {
  for (const link::Dependency& dependency : dependencies) {
    if (!dependency.found && std::ranges::find(known, dependency.name, &link::Dependency::name) == known.end()) {
      complain("{}", dependency.reason);
    }
  }
}

/// What `file` has at its start, and what each of `libraries` adds.
Result<Outlook> look(const MapsOptions& options, const std::string& file, std::span<const std::string> libraries) {
  link::Engine engine;
  Outlook outlook;
  const auto program = TENON_TRY(program_to_look_at(engine, options.program));
  outlook.map = TENON_TRY(program->map_memory(file));
  complain_of_missing(outlook.map.examination.dependencies, {});
  outlook.is_complete = is_complete(outlook.map.examination);

  // To look for them as the user's own libraries are looked for, each is preloaded to another program.
  std::vector<link::Dependency> known = outlook.map.examination.dependencies;
  link::ProgramOptions with_libraries = options.program;
  for (const std::string& library : libraries) {
    with_libraries.preload.push_back(library);
    const auto other = TENON_TRY(program_to_look_at(engine, with_libraries));
    const link::Examination examination = TENON_TRY(other->examine(file, false));
    complain_of_missing(examination.dependencies, known);
    outlook.is_complete &= is_complete(examination);
    for (const link::Dependency& dependency : examination.dependencies) {
      if (!has_file(known, dependency)) {
        known.push_back(dependency);
        if (dependency.found) {
          outlook.opened.push_back(needs_of(dependency));
        }
      }
    }
  }
  return outlook;
}

std::string slots_text(const link::MemoryMap& map) {
  std::string text;
  for (const link::SlotRange& range : map.table) {
    text +=
        fmt::format("slots {}-{} {}\n", range.start, range.end, range.owner.empty() ? "null" : escaped(range.owner));
  }
  return text.empty() ? text : "\n" + text;
}

std::string to_text(const link::MemoryMap& map, std::span<const link::Needs> unplaced) {
  if (map.memory.empty()) {
    return "no memory\n" + slots_text(map);
  }
  size_t width = 0;
  size_t alignment_width = 0;
  for (const link::MappedRange& range : map.memory) {
    width = std::max(width, fmt::formatted_size("{}", range.size()));
    alignment_width = std::max(alignment_width, fmt::formatted_size("{}", range.alignment));
  }
  std::string text;
  for (const link::MappedRange& range : map.memory) {
    if (is_listed(range)) {
      text += fmt::format("{:08x}-{:08x} rw-{} {:>{}} {:>{}}  {}\n", range.start, range.end, map.is_shared ? 's' : 'p',
                          range.size(), width, range.alignment, alignment_width, escaped(describe(range)));
    }
  }
  for (const link::Needs& one : unplaced) {
    text += fmt::format("placed when opened: {} bytes, aligned to {}: data of {}\n", one.memory_size,
                        uint64_t{1} << one.memory_alignment, escaped(one.name));
  }
  return text + slots_text(map);
}

const char* kind_name(link::MappedRange::Kind kind) {
  using Kind = link::MappedRange::Kind;
  switch (kind) {
    case Kind::gap:
      return "gap";
    case Kind::stack:
      return "stack";
    case Kind::data:
      return "data";
    case Kind::data_and_stack:
      return "data and stack";
    case Kind::reserve:
      return "reserve";
    case Kind::heap:
      return "heap";
    case Kind::padding:
      return "padding";
    case Kind::unknown:
      return "unknown";
  }
  return "";
}

ordered_json to_json(const std::string& file, const link::MemoryMap& map, std::span<const link::Needs> unplaced) {
  ordered_json result = {{"file", file},
                         {"memory_size", map.memory_size},
                         {"maximum_memory", map.maximum_memory},
                         {"shared", map.is_shared},
                         {"memory", ordered_json::array()},
                         {"placed_when_opened", ordered_json::array()},
                         {"table_size", map.table_size},
                         {"table", ordered_json::array()}};
  const auto owner = [](const std::string& name) { return name.empty() ? ordered_json() : ordered_json(name); };
  for (const link::MappedRange& range : map.memory) {
    result["memory"].push_back({{"start", range.start},
                                {"end", range.end},
                                {"kind", kind_name(range.kind)},
                                {"owner", owner(range.owner)},
                                {"alignment", range.alignment}});
  }
  for (const link::Needs& one : unplaced) {
    result["placed_when_opened"].push_back(
        {{"owner", one.name}, {"size", one.memory_size}, {"alignment", uint64_t{1} << one.memory_alignment}});
  }
  for (const link::SlotRange& range : map.table) {
    result["table"].push_back({{"start", range.start}, {"end", range.end}, {"owner", owner(range.owner)}});
  }
  return result;
}

/// `--stack-for`: the stack size that leaves room for the libraries. Those that a main at fixed addresses needs itself
/// are placed as those that it opens.
int show_stack_size(const Outlook& outlook) {
  if (!outlook.is_complete) {
    return kExitFailure;
  }
  const link::MemoryMap& map = outlook.map;
  std::vector<link::Needs> needs = outlook.opened;
  if (!map.position_independent) {
    for (const link::Dependency& dependency : std::span(map.examination.dependencies).subspan(1)) {
      needs.push_back(needs_of(dependency));
    }
  }
  const auto stack = std::ranges::find(map.memory, link::MappedRange::Kind::stack, &link::MappedRange::kind);
  const bool is_known = stack != map.memory.end();
  const uint64_t size = link::stack_size_for(needs, is_known ? std::optional(stack->size()) : std::nullopt,
                                             !is_known || stack->start == 0);
  return write_output(fmt::format("{}\n", size)) ? kExitSuccess : kExitFailure;
}

int show(const MapsOptions& options, const std::string& file, std::span<const std::string> libraries) {
  auto outlook = look(options, file, libraries);
  if (!outlook) {
    complain("{}", outlook.error().message);
    return exit_code_of(outlook.error().kind);
  }
  if (options.stack_for) {
    return show_stack_size(*outlook);
  }
  std::vector<link::Needs> unplaced;
  for (const link::Needs& one : outlook->opened) {
    if (!link::place_in_reserve(outlook->map, one)) {
      unplaced.push_back(one);
    }
  }
  std::string text;
  if (options.json) {
    text = to_json(file, outlook->map, unplaced).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  } else if (!options.picture.empty()) {
    text = draw_map(outlook->map, file);
  } else {
    text = to_text(outlook->map, unplaced);
  }
  const bool written = write_to(options.picture, text);
  return written && outlook->is_complete ? kExitSuccess : kExitFailure;
}

}  // namespace

int maps(Words words) {
  MapsOptions options;
  std::vector<Option> table = search_options(options.program);
  std::ranges::move(size_options(options.program), std::back_inserter(table));
  table.push_back(output_option(options.picture, "draw it as a picture instead, to FILE (SVG)"));
  table.push_back({0, "stack-for", "",
                   "print instead how many bytes of stack to link FILE with (-z\nstack-size) so that libraries fit "
                   "into it: LIBRARY with what\nit needs, and of a FILE "
                   "at fixed addresses its own",
                   set_flag(options.stack_for)});
  table.push_back({0, "json", "", "answer in JSON", set_flag(options.json)});
  const auto parsed = parse_options(table, words, Placing::anywhere);
  if (!parsed) {
    complain("{}", parsed.error().message);
    return kExitUsage;
  }
  if (parsed->wants_help) {
    return write_output(help_text(kUsage, table)) ? kExitSuccess : kExitFailure;
  }
  if (parsed->operands.empty()) {
    complain("say which file to look at: tenon maps [OPTIONS] FILE [LIBRARY...]");
    return kExitUsage;
  }
  if (int{options.json} + int{options.stack_for} + int{!options.picture.empty()} > 1) {
    complain("--json, --stack-for and --output are different answers: choose one");
    return kExitUsage;
  }
  if (options.stack_for) {
    options.program.place = link::Place::grow;  // the stack as it was linked, whether or not it is large enough
  }
  add_search_environment(options.program);
  return show(options, parsed->operands.front(), std::span(parsed->operands).subspan(1));
}

}  // namespace tenon::cli
