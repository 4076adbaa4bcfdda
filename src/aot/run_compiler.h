// How the compiler, which is a command of its own, is started and waited for.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace tenon::aot {

/// Runs `words`, the first of which is the path of the compiler's executable, and waits until it has ended. Its exit
/// code; an error when it cannot be started (io) or was ended by a signal (limit).
[[nodiscard]] Result<int> run_compiler(std::vector<std::string> words);

}  // namespace tenon::aot
