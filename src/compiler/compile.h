// From a module to an image: native code that the runtime maps and runs (docs/compiled-code.md, abi/image.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "abi/image.h"
#include "abi/layout.h"
#include "base/result.h"
#include "wasm/module.h"

namespace tenon::compiler {

/// What compiles, as it stands in the images it makes: a cache keeps those of each compiler apart.
[[nodiscard]] std::string version();

struct CompileOptions {
  unsigned level = 2;          ///< of optimisation, 0 to 3
  std::string cpu = "native";  ///< as LLVM calls it; "native" is the host's
  std::string target;          ///< a triple, or only its architecture; empty for the host
  abi::CodeOptions code;
  unsigned threads = 0;  ///< 0: one per processor. The image does not depend on it
  /// Called now and then, by one thread at a time, with how many of `total` bytes of function bodies are compiled.
  std::function<void(size_t done, size_t total)> progress;
  bool debug_lines = true;  ///< translate the module's own DWARF, if it has any, for native debuggers and profilers
};

/// Which file the module was read from, and its state then: goes into the image (see ImageTrailer).
struct ModuleOrigin {
  abi::Sha256 hash{};
  uint64_t size = 0;
  int64_t changed_ns = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
};

/// Compiles all functions of a validated module. The same module and options give the same bytes. Errors: usage (a
/// target or processor that there is not), limit (a module too large), unsupported, invalid and malformed (a body that
/// was changed meanwhile), io. Where LLVM finds no way out it ends the process with a message: that is why compilers
/// run as processes of their own.
[[nodiscard]] Result<std::vector<uint8_t>> compile(const wasm::Module& module, const ModuleOrigin& origin,
                                                   const CompileOptions& options);

}  // namespace tenon::compiler
