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

// The name of `function` in the content of a name section (specification, appendix, Custom Sections). The section is
// not part of what validation covers: whatever is wrong with it, there is no name.
std::string name_in_section(base::Bytes content, uint32_t function) {
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
      if (index == function && names.ok()) {
        return std::string(name);
      }
    }
  }
  return {};
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

std::string Module::function_name(uint32_t function) const {
  for (const CustomSection& section : custom_sections) {
    if (section.name != "name") {
      continue;
    }
    const base::Bytes content = bytes().subspan(section.offset, section.size);
    std::string found;
    if (bytes_.is_mapped()) {
      std::vector<uint8_t> copy(content.size());
      if (base::guarded_copy(copy.data(), content)) {
        found = name_in_section(copy, function);
      }
    } else {
      found = name_in_section(content, function);
    }
    if (!found.empty()) {
      return printable(found);
    }
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

}  // namespace tenon::wasm
