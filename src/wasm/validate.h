// Validation of function bodies (specification 3.3 and the algorithm of its appendix).
#pragma once

#include <vector>

#include "base/reader.h"
#include "base/result.h"
#include "wasm/module.h"

namespace tenon::wasm {

/// What validation learns of a module's bodies besides.
struct BodyFacts {
  std::vector<bool> written_globals;  ///< by index, as long as the module's globals: those that a body sets
  bool moves_references = false;      ///< see Module::moves_references
  /// By index, as long as the module's data segments.
  std::vector<bool> copied_data;   ///< those that a body copies (memory.init)
  std::vector<bool> dropped_data;  ///< and those that one drops (data.drop)
};

/// Validates one defined function's body. `body` starts with the locals and ends with the final `end`; it need not be
/// the module's own bytes: the interpreter validates a private copy once more before it trusts it. It must not change
/// meanwhile (never pass mapped bytes). Offsets in messages are those of the module's file. Thread-safe. Errors:
/// malformed, invalid, unsupported, limit. `facts`, if there are any, are added to.
[[nodiscard]] Result<> validate_function(const Module& module, uint32_t function, base::Bytes body,
                                         BodyFacts* facts = nullptr);

/// Locals a function may declare, parameters included; operands it may have on its stack.
constexpr uint32_t kMaximumLocals = 50000;

}  // namespace tenon::wasm
