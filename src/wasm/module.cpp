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

// Calls `found(function, name)` with what the content of a name section says (specification, appendix, Custom Sections)
// until that returns false. The section is not part of what validation covers: whatever is wrong with it, there is no
// name.
template <class Found>
void for_each_name(base::Bytes content, Found&& found) {
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
      if (names.ok() && !found(index, name)) {
        return;
      }
    }
  }
}

// Calls `look` with the content of each name section, as bytes that do not change.
template <class Look>
void for_each_name_section(const Module& module, Look&& look) {
  for (const CustomSection& section : module.custom_sections) {
    if (section.name != "name") {
      continue;
    }
    const base::Bytes content = module.bytes().subspan(section.offset, section.size);
    if (!module.storage().is_mapped()) {
      look(content);
      continue;
    }
    std::vector<uint8_t> copy(content.size());
    if (base::guarded_copy(copy.data(), content)) {
      look(base::Bytes(copy));
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

std::string Module::name_by_section(uint32_t function) const {
  if (is_restored_) {
    if (function + 1 >= name_starts_.size()) {
      return {};
    }
    const uint32_t begin = name_starts_[function];
    const uint32_t end = name_starts_[function + 1];
    return begin <= end && end <= name_text_.size() ? std::string(name_text_.substr(begin, end - begin)) : "";
  }
  std::string result;
  for_each_name_section(*this, [&](base::Bytes content) {
    for_each_name(content, [&](uint32_t index, std::string_view text) {
      if (index == function && result.empty()) {
        result = text;
      }
      return result.empty();
    });
  });
  return result;
}

std::vector<std::string> Module::names_by_section() const {
  std::vector<std::string> names(functions.size());
  if (is_restored_) {
    for (uint32_t i = 0; i < names.size(); ++i) {
      names[i] = name_by_section(i);
    }
    return names;
  }
  for_each_name_section(*this, [&](base::Bytes content) {
    for_each_name(content, [&](uint32_t index, std::string_view text) {
      if (index < names.size() && names[index].empty()) {
        names[index] = text;
      }
      return true;
    });
  });
  return names;
}

std::string Module::function_name(uint32_t function) const {
  if (const std::string found = name_by_section(function); !found.empty()) {
    return printable(found);
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
