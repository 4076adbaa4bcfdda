#include "wasm/module.h"

#include <fmt/format.h>

#include <algorithm>

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

uint32_t Dylink::flags_of_export(const SymbolName& symbol) const {
  const auto hash_of = [](const DylinkExport& entry) { return entry.name.hash(); };
  for (const DylinkExport& entry : std::ranges::equal_range(export_flags, symbol.hash, {}, hash_of)) {
    if (entry.name == symbol.text) {
      return entry.flags;
    }
  }
  return 0;
}

std::optional<base::Bytes> Module::body(uint32_t function) const {
  if (!is_restored_) {
    return bytes().subspan(functions[function].body_offset, functions[function].body_size);
  }
  const auto kept = std::ranges::lower_bound(bodies_, function, {}, &KeptBody::function);
  if (kept == bodies_.end() || kept->function != function || kept->offset > bytes().size() ||
      kept->size > bytes().size() - kept->offset) {
    return std::nullopt;
  }
  return bytes().subspan(kept->offset, kept->size);
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

std::string_view Module::kept_name(uint32_t function) const {
  if (function + 1 >= name_starts_.size()) {
    return {};
  }
  const uint32_t begin = name_starts_[function];
  const uint32_t end = name_starts_[function + 1];
  return begin <= end && end <= name_text_.size() ? name_text_.substr(begin, end - begin) : std::string_view();
}

void Module::read_name_sections(const std::function<void(uint32_t, std::string_view)>& found) const {
  if (is_restored_) {
    for (uint32_t function = 0; function < functions.size(); ++function) {
      if (const std::string_view name_of_it = kept_name(function); !name_of_it.empty()) {
        found(function, name_of_it);
      }
    }
    return;
  }
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
  if (is_restored_) {
    found = printable(kept_name(function));
  } else {
    read_name_sections([&](uint32_t index, std::string_view candidate) {
      if (index == function && found.empty()) {
        found = printable(candidate);
      }
    });
  }
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
