// Functions are compiled in chunks, each with an LLVM of its own, so that there is something to do for all processors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compiler/compile.h"
#include "compiler/emit.h"
#include "compiler/pipeline.h"
#include "compiler/target.h"

namespace tenon::compiler {

/// Functions [first, last) of the index space.
struct Chunk {
  uint32_t first = 0;
  uint32_t last = 0;
  size_t bytes = 0;  ///< of their bodies
};

/// All defined functions in order; at least one chunk. Depends on the module alone.
[[nodiscard]] std::vector<Chunk> split(const wasm::Module& module);

/// As many as `options` say, or as there are processors.
[[nodiscard]] unsigned thread_count(const CompileOptions& options);

struct CompiledChunks {
  std::vector<ObjectBytes> objects;      ///< by chunk
  std::vector<uint32_t> checked_frames;  ///< by defined function: how large a frame its check of the stack allows
};

/// Compiles all chunks, on `options.threads` threads. Errors: of the first chunk that has one.
[[nodiscard]] Result<CompiledChunks> compile_chunks(std::span<const Chunk> chunks, const ModulePlan& plan,
                                                    const wasm::Module& module, const Target& target,
                                                    const CompileOptions& options);

}  // namespace tenon::compiler
