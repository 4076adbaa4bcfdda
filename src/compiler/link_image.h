// From objects to one ELF shared object that needs nothing and nobody: no relocation, no undefined symbol, and file
// offset and address are the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/pipeline.h"
#include "compiler/target.h"

namespace tenon::compiler {

/// Links `objects`, which it changes, in this order. Sections that are not loaded are still there. Errors: io (no
/// memory files, no /proc), limit (too large for its addresses); anything else wrong is a mistake of the compiler, and
/// the message has the linker's words.
[[nodiscard]] Result<std::vector<uint8_t>> link_image(std::span<ObjectBytes> objects, const Target& target,
                                                      unsigned threads);

}  // namespace tenon::compiler
