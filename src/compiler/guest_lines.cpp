#include "compiler/guest_lines.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugLine.h>
#include <llvm/Support/MemoryBuffer.h>

#include <algorithm>
#include <unordered_map>

#include "base/mapped_file.h"

namespace tenon::compiler {

namespace {

namespace dwarf = llvm::dwarf;

constexpr uint8_t kCodeSection = 10;
constexpr unsigned kAddressSize = 4;  // of the guest's DWARF; 8 for memory64 makes no difference to its line tables

struct SourceLine {
  uint64_t address = 0;  ///< in the code section's content
  uint32_t file = 0;     ///< index of a file, from 1; 0: from no line
  uint32_t line = 0;
};

/// The module's line tables, put together.
class SourceLines {
 public:
  explicit SourceLines(const wasm::Module& module) {
    const auto code = std::ranges::find(module.sections, kCodeSection, &wasm::Section::id);
    if (code == module.sections.end()) {
      return;
    }
    code_ = code->offset;
    llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> sections;  // looked at for as long as the context is
    const std::unique_ptr<llvm::DWARFContext> context = open(module, sections);
    if (context == nullptr) {
      return;
    }
    // Tables of functions that the guest's linker left out start below all code.
    const uint64_t lowest = module.imported_functions == module.functions.size()
                                ? UINT64_MAX
                                : module.functions[module.imported_functions].body_offset - code_;
    for (const auto& unit : context->compile_units()) {
      llvm::Expected<const llvm::DWARFDebugLine::LineTable*> table =
          context->getLineTableForUnit(unit.get(), [](llvm::Error error) { llvm::consumeError(std::move(error)); });
      if (!table) {
        llvm::consumeError(table.takeError());
        continue;
      }
      if (*table != nullptr) {
        add(**table, unit->getCompilationDir(), lowest);
      }
    }
    std::ranges::sort(lines_, {}, &SourceLine::address);
  }

  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::span<const std::string> files() const { return files_; }

  /// Of the instruction at `offset` of the module.
  [[nodiscard]] SourceLine find(uint32_t offset) const {
    if (offset < code_) {
      return {};
    }
    const auto after = std::ranges::upper_bound(lines_, uint64_t{offset} - code_, {}, &SourceLine::address);
    return after == lines_.begin() ? SourceLine{} : *std::prev(after);
  }

 private:
  static std::unique_ptr<llvm::DWARFContext> open(const wasm::Module& module,
                                                  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>>& sections) {
    for (const wasm::CustomSection& section : module.custom_sections) {
      if (!section.name.view().starts_with(".debug_")) {
        continue;
      }
      std::unique_ptr<llvm::WritableMemoryBuffer> copy =
          llvm::WritableMemoryBuffer::getNewUninitMemBuffer(section.size);
      if (!base::guarded_copy(copy->getBufferStart(), module.bytes().subspan(section.offset, section.size))) {
        return nullptr;
      }
      sections[section.name.view().substr(1)] = std::move(copy);
    }
    const auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
    return sections.contains("debug_line")
               ? llvm::DWARFContext::create(sections, kAddressSize, llvm::sys::IsLittleEndianHost, ignore, ignore)
               : nullptr;
  }

  void add(const llvm::DWARFDebugLine::LineTable& table, const char* directory, uint64_t lowest) {
    std::unordered_map<uint64_t, uint32_t> known;  // files by their number in this table
    const auto file_of = [&](uint64_t number) {
      const auto [found, is_new] = known.try_emplace(number, 0);
      if (is_new) {
        std::string name;
        if (table.getFileNameByIndex(number, directory == nullptr ? "" : directory,
                                     llvm::DILineInfoSpecifier::FileLineInfoKind::AbsoluteFilePath, name)) {
          found->second = number_of(name);
        }
      }
      return found->second;
    };
    for (const llvm::DWARFDebugLine::Sequence& sequence : table.Sequences) {
      if (sequence.LowPC < lowest) {
        continue;
      }
      for (size_t row = sequence.FirstRowIndex; row != sequence.LastRowIndex; ++row) {
        const llvm::DWARFDebugLine::Row& one = table.Rows[row];
        lines_.push_back(one.EndSequence || one.Line == 0
                             ? SourceLine{.address = one.Address.Address}
                             : SourceLine{.address = one.Address.Address, .file = file_of(one.File), .line = one.Line});
      }
    }
  }

  uint32_t number_of(const std::string& name) {
    const auto [found, is_new] = numbers_.try_emplace(name, static_cast<uint32_t>(files_.size() + 1));
    if (is_new) {
      files_.push_back(name);
    }
    return found->second;
  }

  uint64_t code_ = 0;
  std::vector<SourceLine> lines_;
  std::vector<std::string> files_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

class Bytes {
 public:
  template <class T>
  void fixed(T value) {
    const auto* first = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), first, first + sizeof value);
  }
  void u8(unsigned value) { bytes_.push_back(static_cast<uint8_t>(value)); }
  void text(std::string_view value) {
    value = value.substr(0, value.find('\0'));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    bytes_.push_back(0);
  }
  void unsigned_leb(uint64_t value) {
    constexpr uint64_t kMore = 0x80;
    for (; value >= kMore; value >>= 7) {
      u8(static_cast<unsigned>(value | kMore) & 0xff);
    }
    u8(static_cast<unsigned>(value));
  }
  void signed_leb(int64_t value) {
    for (; value < -64 || value > 63; value >>= 7) {
      u8((static_cast<unsigned>(value) & 0x7f) | 0x80);
    }
    u8(static_cast<unsigned>(value) & 0x7f);
  }
  /// Behind its length.
  void unit(const Bytes& content) {
    fixed(static_cast<uint32_t>(content.bytes_.size()));
    append(content);
  }
  void append(const Bytes& other) { bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end()); }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

constexpr uint16_t kVersion = 4;  // the last one with lists of files that can be written in a few lines

/// Rows of a line table, as instructions of its program (DWARF 4, section 6.2.5).
class LineProgram {
 public:
  static constexpr int8_t kLineBase = -5;
  static constexpr uint8_t kLineRange = 14;
  static constexpr uint8_t kOpcodeBase = 13;

  explicit LineProgram(uint64_t start) : address_(start) {
    program_.u8(0);
    program_.unsigned_leb(1 + sizeof start);
    program_.u8(dwarf::DW_LNE_set_address);
    program_.fixed(start);
  }

  void row(uint64_t address, const SourceLine& source) {
    if (source.line == line_ && source.file == file_) {
      return;
    }
    if (source.file != file_ && source.file != 0) {
      program_.u8(dwarf::DW_LNS_set_file);
      program_.unsigned_leb(source.file);
      file_ = source.file;
    }
    const int64_t lines = int64_t{source.line} - line_;
    const uint64_t distance = address - address_;
    if (lines >= kLineBase && lines < kLineBase + kLineRange &&
        distance <= static_cast<uint64_t>(255 - kOpcodeBase - (lines - kLineBase)) / kLineRange) {
      program_.u8(static_cast<unsigned>(lines - kLineBase) + kLineRange * static_cast<unsigned>(distance) +
                  kOpcodeBase);
    } else {
      advance_to(address);
      program_.u8(dwarf::DW_LNS_advance_line);
      program_.signed_leb(lines);
      program_.u8(dwarf::DW_LNS_copy);
    }
    address_ = address;
    line_ = source.line;
  }

  [[nodiscard]] const Bytes& finish(uint64_t end) {
    advance_to(end);
    program_.u8(0);
    program_.unsigned_leb(1);
    program_.u8(dwarf::DW_LNE_end_sequence);
    return program_;
  }

 private:
  void advance_to(uint64_t address) {
    if (address != address_) {
      program_.u8(dwarf::DW_LNS_advance_pc);
      program_.unsigned_leb(address - address_);
    }
    address_ = address;
  }

  Bytes program_;
  uint64_t address_;
  uint32_t file_ = 1;
  uint32_t line_ = 1;
};

std::vector<uint8_t> line_table(std::span<const std::string> files, const Bytes& program) {
  Bytes tables;  // what the header's length counts
  tables.u8(1);  // smallest instruction
  tables.u8(1);  // operations per instruction
  tables.u8(1);  // rows are statements
  tables.u8(static_cast<uint8_t>(LineProgram::kLineBase));
  tables.u8(LineProgram::kLineRange);
  tables.u8(LineProgram::kOpcodeBase);
  for (const unsigned operands : {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}) {
    tables.u8(operands);
  }
  tables.u8(0);  // no directories: names are whole paths
  for (const std::string& file : files) {
    tables.text(file);
    tables.u8(0);
    tables.u8(0);
    tables.u8(0);
  }
  tables.u8(0);

  Bytes unit;
  unit.fixed(kVersion);
  unit.unit(tables);
  unit.append(program);
  Bytes section;
  section.unit(unit);
  return section.take();
}

std::vector<uint8_t> abbreviations() {
  Bytes section;
  section.unsigned_leb(1);
  section.unsigned_leb(dwarf::DW_TAG_compile_unit);
  section.u8(dwarf::DW_CHILDREN_no);
  constexpr std::pair<unsigned, unsigned> kAttributes[] = {
      {dwarf::DW_AT_producer, dwarf::DW_FORM_string},
      {dwarf::DW_AT_language, dwarf::DW_FORM_data2},
      {dwarf::DW_AT_name, dwarf::DW_FORM_string},
      {dwarf::DW_AT_stmt_list, dwarf::DW_FORM_sec_offset},
      {dwarf::DW_AT_low_pc, dwarf::DW_FORM_addr},
      {dwarf::DW_AT_high_pc, dwarf::DW_FORM_data8},
      {0, 0},
  };
  for (const auto& [attribute, form] : kAttributes) {
    section.unsigned_leb(attribute);
    section.unsigned_leb(form);
  }
  section.u8(0);
  return section.take();
}

std::vector<uint8_t> compile_unit(std::string_view name, uint64_t start, uint64_t end) {
  Bytes unit;
  unit.fixed(kVersion);
  unit.fixed(uint32_t{0});  // its abbreviations
  unit.u8(sizeof start);
  unit.unsigned_leb(1);
  unit.text("tenon");
  unit.fixed(static_cast<uint16_t>(dwarf::DW_LANG_C99));
  unit.text(name);
  unit.fixed(uint32_t{0});  // its line table
  unit.fixed(start);
  unit.fixed(end - start);
  Bytes section;
  section.unit(unit);
  return section.take();
}

}  // namespace

std::vector<ToolSection> source_lines(const wasm::Module& module, std::span<const PlacedFunction> functions,
                                      std::span<const Position> positions) {
  const SourceLines sources(module);
  if (sources.empty() || functions.empty()) {
    return {};
  }
  const uint64_t start = functions.front().address;
  const uint64_t end = functions.back().end;
  LineProgram program(start);
  for (const Position& position : positions) {
    if (position.address >= start && position.address < end) {
      program.row(position.address, position.offset == 0 ? SourceLine{} : sources.find(position.offset));
    }
  }
  std::vector<ToolSection> sections;
  sections.push_back({.name = ".debug_abbrev", .bytes = abbreviations()});
  sections.push_back(
      {.name = ".debug_info", .bytes = compile_unit(sources.files().empty() ? "" : sources.files()[0], start, end)});
  sections.push_back({.name = ".debug_line", .bytes = line_table(sources.files(), program.finish(end))});
  return sections;
}

}  // namespace tenon::compiler
