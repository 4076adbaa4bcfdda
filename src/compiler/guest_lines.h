// The guest's source lines in the image, as native debuggers and profilers know them. From the DWARF in the module's
// own custom sections, whose addresses count from the start of the code section's content.
#pragma once

#include <span>
#include <vector>

#include "compiler/linked_elf.h"
#include "compiler/positions.h"
#include "wasm/module.h"

namespace tenon::compiler {

/// .debug_line and what it needs, for the code of `functions`, which came from the instructions at `positions`. Nothing
/// when the module has no line tables; what is wrong in them is left out, for nothing depends on them.
[[nodiscard]] std::vector<ToolSection> source_lines(const wasm::Module& module,
                                                    std::span<const PlacedFunction> functions,
                                                    std::span<const Position> positions);

}  // namespace tenon::compiler
