#include "wasm/module.h"

#include <fmt/format.h>

namespace tenon::wasm {

const char* to_string(ExternKind kind) {
  switch (kind) {
    case ExternKind::function:
      return "function";
    case ExternKind::table:
      return "table";
    case ExternKind::memory:
      return "memory";
    case ExternKind::global:
      return "global";
    case ExternKind::tag:
      return "tag";
  }
  return "unknown kind";
}

const Export* Module::find_export(std::string_view export_name) const {
  const auto found = export_index_.find(export_name);
  return found == export_index_.end() ? nullptr : &exports[found->second];
}

void Module::index_exports() {
  export_index_.reserve(exports.size());
  for (uint32_t i = 0; i < exports.size(); ++i) {
    export_index_.emplace(exports[i].name, i);
  }
}

namespace {

// The functions' names in the content of a name section (specification, appendix, Custom Sections). The section is not
// part of what validation covers: from where something is wrong with it, there are no names.
void read_names(base::Bytes content, const std::function<void(uint32_t, std::string_view)>& found) {
  base::Reader section(content);
  while (!section.at_end()) {
    const uint8_t id = section.u8();
    base::Reader names(section.bytes(section.u32()));
    if (id != 1) {
      continue;
    }
    const uint32_t count = names.u32();
    for (uint32_t i = 0; i < count && !names.at_end(); ++i) {
      const uint32_t index = names.u32();
      const std::string_view name = names.name();
      if (names.ok()) {
        found(index, name);
      }
    }
  }
}

// Names come from the module: what would move a terminal's cursor or break a line is spelled out.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

void Module::read_name_sections(const std::function<void(uint32_t, std::string_view)>& found) const {
  for (const CustomSection& section : custom_sections) {
    if (section.name != "name") {
      continue;
    }
    const base::Bytes content = bytes().subspan(section.offset, section.size);
    if (!bytes_.is_mapped()) {
      read_names(content, found);
      continue;
    }
    std::vector<uint8_t> copy(content.size());
    if (base::guarded_copy(copy.data(), content)) {
      read_names(copy, found);
    }
  }
}

std::string Module::function_name(uint32_t function) const {
  std::string found;
  read_name_sections([&](uint32_t index, std::string_view candidate) {
    if (index == function && found.empty()) {
      found = printable(candidate);
    }
  });
  if (!found.empty()) {
    return found;
  }
  for (const Export& entry : exports) {
    if (entry.kind == ExternKind::function && entry.index == function && !entry.name.empty()) {
      return printable(entry.name);
    }
  }
  if (is_imported_function(function)) {
    for (const Import& entry : imports) {
      if (entry.kind == ExternKind::function && entry.index == function && !entry.name.empty()) {
        return printable(entry.name);
      }
    }
  }
  return fmt::format("function[{}]", function);
}

std::vector<std::string> Module::function_names() const {
  std::vector<std::string> names(functions.size());
  const auto note = [&](uint32_t function, std::string_view candidate) {
    if (function < names.size() && names[function].empty()) {
      names[function] = printable(candidate);
    }
  };
  read_name_sections(note);
  for (const Export& entry : exports) {
    if (entry.kind == ExternKind::function) {
      note(entry.index, entry.name);
    }
  }
  for (const Import& entry : imports) {
    if (entry.kind == ExternKind::function) {
      note(entry.index, entry.name);
    }
  }
  for (size_t function = 0; function < names.size(); ++function) {
    if (names[function].empty()) {
      names[function] = fmt::format("function[{}]", function);
    }
  }
  return names;
}

}  // namespace tenon::wasm
