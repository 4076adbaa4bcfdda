// Which instruction of the module each piece of code came from: the image's table of positions, and with the module's
// own DWARF the source lines that a native debugger shows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compiler/linked_elf.h"

namespace tenon::compiler {

/// Code from `address` on came from the instruction at `offset` of the module's bytes; 0: from no one instruction.
struct Position {
  uint64_t address = 0;
  uint32_t offset = 0;

  bool operator==(const Position&) const = default;
};

/// From the line tables of a linked image, whose lines are offsets in the module. Ascending, without repetitions.
[[nodiscard]] Result<std::vector<Position>> read_positions(const LinkedElf& elf);

/// A defined function: its code, and where its body starts in the module.
struct PlacedFunction {
  uint64_t address = 0;
  uint64_t end = 0;
  uint32_t body_offset = 0;
};

/// The image's table (see abi/image.h). `functions` are ascending. Errors: limit (more than four gigabytes).
[[nodiscard]] Result<std::vector<uint8_t>> encode_positions(std::span<const PlacedFunction> functions,
                                                            std::span<const Position> positions);

}  // namespace tenon::compiler
