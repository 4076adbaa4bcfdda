// `tenon inspect`: what is in a module's file.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/options.h"
#include "cli/output.h"

namespace tenon::cli {

namespace {

using nlohmann::ordered_json;
using wasm::ExternKind;

constexpr std::string_view kUsage =
    "usage: tenon inspect [OPTIONS] FILE...\n"
    "Shows what kind of module FILE is, its sections, its dylink.0, its imports and its exports.\n"
    "\n"
    "Ends with 0, or: 2 for wrong options, 126 when a file is not a module, 127 when it is not there.\n";

struct Kind {
  const char* name;
  std::string reason;
};

bool exports(const wasm::Module& module, std::string_view name, ExternKind kind) {
  const wasm::Export* const found = module.find_export(name);
  return found != nullptr && found->kind == kind;
}

Kind kind_of(const wasm::Module& module) {
  if (!module.dylink) {
    return {"plain module", "it has no dylink.0 section"};
  }
  const bool position_independent = std::ranges::any_of(module.imports, [](const wasm::Import& import) {
    return import.kind == ExternKind::global && import.module == "env" && import.name == "__memory_base";
  });
  const bool has_start = exports(module, "_start", ExternKind::function);
  const bool own_memory = exports(module, "memory", ExternKind::memory) && module.imported_memories == 0;
  if (position_independent) {
    return has_start ? Kind{"PIE main", "it has dylink.0, imports __memory_base and exports _start"}
                     : Kind{"shared library", "it has dylink.0, imports __memory_base and exports no _start"};
  }
  if (has_start || own_memory) {
    return {"non-PIE main", fmt::format("it has dylink.0, is linked at fixed addresses (no __memory_base), and {}",
                                        has_start ? "exports _start" : "exports a memory of its own")};
  }
  return {"shared library", "it has dylink.0, no data (no __memory_base), and exports neither _start nor a memory"};
}

const char* section_name(uint8_t id) {
  constexpr auto kNames =
      std::to_array<const char*>({"custom", "type", "import", "function", "table", "memory", "global", "export",
                                  "start", "element", "code", "data", "data count", "tag"});
  return id < kNames.size() ? kNames[id] : "unknown";
}

/// A section with its name: that of a custom section is its own.
struct NamedSection {
  wasm::Section section;
  std::string name;
};

std::vector<NamedSection> name_sections(const wasm::Module& module) {
  std::vector<NamedSection> named;
  for (const wasm::Section& section : module.sections) {
    std::string name = section_name(section.id);
    if (section.id == 0) {
      const auto custom = std::ranges::find_if(module.custom_sections, [&](const wasm::CustomSection& candidate) {
        return candidate.offset >= section.offset && candidate.offset + candidate.size == section.offset + section.size;
      });
      name = custom == module.custom_sections.end() ? name : custom->name.str();
    }
    named.push_back({section, std::move(name)});
  }
  return named;
}

/// Symbols with flags, in the order of their names.
std::map<std::string, uint32_t> sorted_export_flags(const wasm::Dylink& dylink) {
  std::map<std::string, uint32_t> sorted;
  for (const wasm::DylinkExport& entry : dylink.export_flags) {
    sorted.emplace(entry.name, entry.flags);
  }
  return sorted;
}

std::string list_or_dash(const auto& names) {
  std::string text;
  for (const std::string_view name : names) {
    text += (text.empty() ? "" : ", ") + escaped(name);
  }
  return text.empty() ? "-" : text;
}

std::string dylink_text(const wasm::Dylink& dylink) {
  std::string text = "dylink.0:\n";
  text += fmt::format("  memory        {} bytes, aligned to {}\n", dylink.memory_size,
                      uint64_t{1} << dylink.memory_alignment);
  text += fmt::format("  table         {} elements, aligned to {}\n", dylink.table_size,
                      uint64_t{1} << dylink.table_alignment);
  text += fmt::format("  needed        {}\n", list_or_dash(dylink.needed));
  text += fmt::format("  runtime path  {}\n", list_or_dash(dylink.runtime_path));
  for (const auto& [name, flags] : sorted_export_flags(dylink)) {
    text += fmt::format("  export flags  {}: {}\n", escaped(name), list_or_dash(flag_names(flags)));
  }
  for (const wasm::DylinkImport& import : dylink.import_flags) {
    text += fmt::format("  import flags  {}.{}: {}\n", escaped(import.module), escaped(import.name),
                        list_or_dash(flag_names(import.flags)));
  }
  return text;
}

std::string to_text(const std::string& file, const wasm::Module& module) {
  const Kind kind = kind_of(module);
  std::string text = fmt::format("{}: {}: {}\n", escaped(file), kind.name, kind.reason);
  text += fmt::format("sections ({}):\n  {:>2}  {:<20} {:>10} {:>10}\n", module.sections.size(), "id", "name", "offset",
                      "size");
  for (const auto& [section, name] : name_sections(module)) {
    text += fmt::format("  {:>2}  {:<20} {:#010x} {:>10}\n", section.id, escaped(name), section.offset, section.size);
  }
  if (module.dylink) {
    text += dylink_text(*module.dylink);
  }
  text += fmt::format("imports ({}):\n", module.imports.size());
  for (const wasm::Import& import : module.imports) {
    text += fmt::format("  {:<8}  {}.{}  {}\n", to_string(import.kind), escaped(import.module), escaped(import.name),
                        describe_type(module, import.kind, import.index));
  }
  text += fmt::format("exports ({}):\n", module.exports.size());
  for (const wasm::Export& entry : module.exports) {
    text += fmt::format("  {:<8}  {}  {}\n", to_string(entry.kind), escaped(entry.name),
                        describe_type(module, entry.kind, entry.index));
  }
  return text;
}

std::vector<std::string> strings(const wasm::Array<wasm::Name>& names) {
  return {names.begin(), names.end()};
}

ordered_json dylink_json(const wasm::Dylink& dylink) {
  ordered_json result = {
      {"memory_size", dylink.memory_size},     {"memory_alignment", uint64_t{1} << dylink.memory_alignment},
      {"table_size", dylink.table_size},       {"table_alignment", uint64_t{1} << dylink.table_alignment},
      {"needed", strings(dylink.needed)},      {"runtime_path", strings(dylink.runtime_path)},
      {"export_flags", ordered_json::array()}, {"import_flags", ordered_json::array()}};
  for (const auto& [name, flags] : sorted_export_flags(dylink)) {
    result["export_flags"].push_back({{"name", name}, {"flags", flag_names(flags)}});
  }
  for (const wasm::DylinkImport& import : dylink.import_flags) {
    result["import_flags"].push_back(
        {{"module", import.module.view()}, {"name", import.name.view()}, {"flags", flag_names(import.flags)}});
  }
  return result;
}

ordered_json to_json(const std::string& file, const wasm::Module& module) {
  const Kind kind = kind_of(module);
  ordered_json result = {{"file", file}, {"kind", kind.name}, {"reason", kind.reason}};
  result["sections"] = ordered_json::array();
  for (const auto& [section, name] : name_sections(module)) {
    result["sections"].push_back(
        {{"id", section.id}, {"name", name}, {"offset", section.offset}, {"size", section.size}});
  }
  result["dylink"] = module.dylink ? dylink_json(*module.dylink) : ordered_json();
  result["imports"] = ordered_json::array();
  for (const wasm::Import& import : module.imports) {
    result["imports"].push_back({{"module", import.module.view()},
                                 {"name", import.name.view()},
                                 {"kind", to_string(import.kind)},
                                 {"type", describe_type(module, import.kind, import.index)}});
  }
  result["exports"] = ordered_json::array();
  for (const wasm::Export& entry : module.exports) {
    result["exports"].push_back({{"name", entry.name.view()},
                                 {"kind", to_string(entry.kind)},
                                 {"type", describe_type(module, entry.kind, entry.index)}});
  }
  return result;
}

int show(const std::vector<std::string>& files, bool json) {
  int exit_code = kExitSuccess;
  ordered_json all = ordered_json::array();
  std::string text;
  for (const std::string& file : files) {
    const auto module = read_module(file);
    if (!module) {
      complain("{}", module.error().message);
      exit_code = std::max(exit_code, exit_code_of(module.error().kind));
    } else if (json) {
      all.push_back(to_json(file, **module));
    } else {
      text += (text.empty() ? "" : "\n") + to_text(file, **module);
    }
  }
  if (json) {
    text = all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return write_output(text) ? exit_code : kExitFailure;
}

}  // namespace

int inspect(Words words) {
  bool json = false;
  const std::vector<Option> table = {
      {0, "json", "", "answer in JSON: a list with an object for each FILE", set_flag(json)},
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
    complain("say which file to look at: tenon inspect [OPTIONS] FILE...");
    return kExitUsage;
  }
  return show(parsed->operands, json);
}

}  // namespace tenon::cli
