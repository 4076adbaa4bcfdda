#include "compiler/positions.h"

#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugLine.h>

#include <algorithm>
#include <cstring>

namespace tenon::compiler {

namespace {

void append_leb(std::vector<uint8_t>& bytes, uint64_t value) {
  constexpr uint64_t kMore = 0x80;
  while (value >= kMore) {
    bytes.push_back(static_cast<uint8_t>(value | kMore));
    value >>= 7;
  }
  bytes.push_back(static_cast<uint8_t>(value));
}

}  // namespace

Result<std::vector<Position>> read_positions(const LinkedElf& elf) {
  const std::unique_ptr<llvm::DWARFContext> context = llvm::DWARFContext::create(elf.object());
  llvm::DWARFDataExtractor lines(context->getDWARFObj(), context->getDWARFObj().getLineSection(), true, 8);
  std::string messages;
  const auto complain = [&](llvm::Error error) { messages += llvm::toString(std::move(error)); };
  llvm::DWARFDebugLine::SectionParser parser(lines, *context, context->normal_units());
  std::vector<Position> positions;
  while (!parser.done()) {
    const llvm::DWARFDebugLine::LineTable table = parser.parseNext(complain, complain);
    for (const llvm::DWARFDebugLine::Row& row : table.Rows) {
      positions.push_back({.address = row.Address.Address, .offset = row.EndSequence ? 0 : row.Line});
    }
  }
  if (!messages.empty()) {
    return fail(ErrorKind::invalid, "internal error: LLVM's line table: {}", messages);
  }
  if (!std::ranges::is_sorted(positions, {}, &Position::address)) {
    return fail(ErrorKind::invalid, "internal error: LLVM's line table is not in the order of the code");
  }
  // Of several rows with one address the last one counts; where a sequence ends, another may start.
  std::vector<Position> result;
  for (const Position& position : positions) {
    if (!result.empty() && result.back().address == position.address) {
      if (position.offset != 0) {
        result.back().offset = position.offset;
      }
    } else if (result.empty() || result.back().offset != position.offset) {
      result.push_back(position);
    }
  }
  return result;
}

Result<std::vector<uint8_t>> encode_positions(std::span<const PlacedFunction> functions,
                                              std::span<const Position> positions) {
  std::vector<uint32_t> index;
  index.reserve(functions.size() + 1);
  std::vector<uint8_t> entries;
  auto next = positions.begin();
  for (const PlacedFunction& function : functions) {
    index.push_back(static_cast<uint32_t>(entries.size()));
    uint64_t address = function.address;
    uint32_t offset = function.body_offset;
    while (next != positions.end() && next->address < function.address) {
      ++next;
    }
    for (; next != positions.end() && next->address < function.end; ++next) {
      // Code of no instruction counts as that of the one before: a backtrace has to say something.
      if (next->offset == 0) {
        continue;
      }
      append_leb(entries, next->address - address);
      const bool is_less = next->offset < offset;
      const uint64_t difference = is_less ? offset - next->offset : next->offset - offset;
      append_leb(entries, difference * 2 + (is_less ? 1 : 0));
      address = next->address;
      offset = next->offset;
    }
    if (entries.size() > UINT32_MAX) {
      return fail(ErrorKind::limit, "the module is too large to compile: its table of positions");
    }
  }
  index.push_back(static_cast<uint32_t>(entries.size()));
  std::vector<uint8_t> table(index.size() * sizeof(uint32_t));
  std::memcpy(table.data(), index.data(), table.size());
  table.insert(table.end(), entries.begin(), entries.end());
  return table;
}

}  // namespace tenon::compiler
