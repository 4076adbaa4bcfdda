#include "compiler/chunks.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Support/thread.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "compiler/object_file.h"
#include "compiler/personality.h"

namespace tenon::compiler {

namespace {

// Large enough that what each chunk costs by itself (a millisecond or two) does not matter, small enough that a library
// of a few hundred functions keeps several processors busy.
constexpr size_t kChunkBytes = size_t{32} * 1024;

// LLVM recurses over what it compiles.
constexpr unsigned kThreadStack = 256U << 20;

// Linkers write functions that store a value at each of thousands of addresses, once: the optimizer and the allocator
// of registers need time that grows with the square of such a block. Nothing else has blocks of that length.
constexpr size_t kLongBlock = 20000;

struct CompiledChunk {
  ObjectBytes object;
  std::vector<uint32_t> checked_frames;
};

void note_error(const llvm::DiagnosticInfo* diagnostic, void* messages) {
  if (diagnostic->getSeverity() == llvm::DS_Error) {
    llvm::raw_string_ostream stream(*static_cast<std::string*>(messages));
    llvm::DiagnosticPrinterRawOStream printer(stream);
    diagnostic->print(printer);
    stream << '\n';
  }
}

/// Marks a function with a very long block as one that is not optimized.
void skip_optimization_if_long(llvm::Function& function) {
  if (std::ranges::any_of(function, [](const llvm::BasicBlock& block) { return block.size() > kLongBlock; })) {
    function.addFnAttr(llvm::Attribute::OptimizeNone);
    function.addFnAttr(llvm::Attribute::NoInline);
  }
}

/// Puts definitions into the order of the functions' indices, as the image's table needs them: a call of a later
/// function may have declared it before an earlier one was defined.
Result<std::vector<uint32_t>> put_in_order(llvm::Module& code, const ModulePlan& plan, const Chunk& chunk) {
  std::vector<uint32_t> checked_frames;
  checked_frames.reserve(chunk.last - chunk.first);
  for (uint32_t index = chunk.first; index != chunk.last; ++index) {
    llvm::Function* function = code.getFunction(plan.symbol(index));
    if (function == nullptr || function->isDeclaration()) {
      return fail(ErrorKind::invalid, "internal error: no code for function {}", index);
    }
    function->removeFromParent();
    code.getFunctionList().push_back(function);
    // Otherwise the code generators take registers for wide vectors as wanted, whatever they cost.
    function->addFnAttr("min-legal-vector-width", "0");
    function->addFnAttr("prefer-vector-width", "256");
    skip_optimization_if_long(*function);
    const uint64_t frame = function->getFnAttributeAsParsedInteger("tenon-frame", abi::kUncheckedFrame);
    checked_frames.push_back(static_cast<uint32_t>(std::min(frame, uint64_t{UINT32_MAX})));
  }
  return checked_frames;
}

/// Raises those of `frames` that functions of `chunk` turned out to need more than; `frames` is empty if nothing has
/// been raised yet. Returns whether there are any.
Result<bool> raise_frames(const Chunk& chunk, CompiledChunk& compiled, std::vector<uint32_t>& frames) {
  const std::vector<uint64_t> sizes = ObjectFile(compiled.object).frame_sizes();
  if (sizes.size() < compiled.checked_frames.size()) {
    return fail(ErrorKind::invalid, "internal error: functions {} to {} have frames of unknown sizes", chunk.first,
                chunk.last);
  }
  bool is_raised = false;
  for (size_t index = 0; index != compiled.checked_frames.size(); ++index) {
    if (sizes[index] > compiled.checked_frames[index]) {
      frames.resize(compiled.checked_frames.size(), 0);
      // Some more, because other checks are other code.
      frames[index] = static_cast<uint32_t>(std::min<uint64_t>(sizes[index] + sizes[index] / 4, INT32_MAX));
      is_raised = true;
    }
  }
  return is_raised;
}

Result<CompiledChunk> compile_chunk_once(const Chunk& chunk, bool is_last, const ModulePlan& plan, const Target& target,
                                         unsigned level, std::span<const uint32_t> frames) {
  std::string messages;
  llvm::LLVMContext context;
  context.setDiscardValueNames(true);
  context.setDiagnosticHandlerCallBack(note_error, &messages, /*RespectFilters=*/false);
  const std::unique_ptr<llvm::TargetMachine> machine = make_machine(target, level);
  llvm::Module code("wasm", context);
  code.setTargetTriple(target.triple);
  code.setDataLayout(machine->createDataLayout());
  code.setPICLevel(llvm::PICLevel::BigPIC);
  code.setUwtable(llvm::UWTableKind::Async);

  CompiledChunk result;
  TENON_CHECK(emit_functions(code, plan, chunk.first, chunk.last, frames));
  result.checked_frames = TENON_TRY(put_in_order(code, plan, chunk));
  if (is_last) {
    define_personality(code);
  }
#ifndef NDEBUG
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(code, &stream)) {
    return fail(ErrorKind::invalid, "internal error: functions {} to {}: {}", chunk.first, chunk.last, broken);
  }
#endif
  optimize(code, *machine, level);
  result.object = TENON_TRY(generate_code(code, *machine));
  if (!messages.empty()) {
    return fail(ErrorKind::invalid, "internal error: functions {} to {}: {}", chunk.first, chunk.last, messages);
  }
  return result;
}

/// Compiles a chunk, and once more while a function's frame is larger than its check of the stack allows.
Result<CompiledChunk> compile_chunk(const Chunk& chunk, bool is_last, const ModulePlan& plan, const Target& target,
                                    unsigned level) {
  constexpr unsigned kAttempts = 4;
  std::vector<uint32_t> frames;
  for (unsigned attempt = 0; attempt != kAttempts; ++attempt) {
    CompiledChunk compiled = TENON_TRY(compile_chunk_once(chunk, is_last, plan, target, level, frames));
    if (!TENON_TRY(raise_frames(chunk, compiled, frames))) {
      return compiled;
    }
  }
  return fail(ErrorKind::limit, "functions {} to {} of the module need too much stack to be compiled", chunk.first,
              chunk.last);
}

}  // namespace

std::vector<Chunk> split(const wasm::Module& module) {
  std::vector<Chunk> chunks;
  const auto count = static_cast<uint32_t>(module.functions.size());
  Chunk chunk{.first = module.imported_functions, .last = module.imported_functions, .bytes = 0};
  for (; chunk.last != count; ++chunk.last) {
    const size_t size = module.functions[chunk.last].body_size;
    if (chunk.bytes != 0 && chunk.bytes + size > kChunkBytes) {
      chunks.push_back(chunk);
      chunk = {.first = chunk.last, .last = chunk.last, .bytes = 0};
    }
    chunk.bytes += size;
  }
  chunks.push_back(chunk);
  return chunks;
}

unsigned thread_count(const CompileOptions& options) {
  return options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

Result<CompiledChunks> compile_chunks(std::span<const Chunk> chunks, const ModulePlan& plan, const wasm::Module& module,
                                      const Target& target, const CompileOptions& options) {
  // The largest first, so that none of them is what all others wait for in the end.
  std::vector<size_t> order(chunks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t left, size_t right) {
    return chunks[left].bytes != chunks[right].bytes ? chunks[left].bytes > chunks[right].bytes : left < right;
  });

  std::vector<std::optional<Result<CompiledChunk>>> results(chunks.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> is_failed = false;
  std::mutex progress_lock;
  size_t done = 0;
  const size_t total = std::accumulate(chunks.begin(), chunks.end(), size_t{0},
                                       [](size_t sum, const Chunk& chunk) { return sum + chunk.bytes; });
  const auto work = [&] {
    for (size_t at = next++; at < order.size() && !is_failed; at = next++) {
      const size_t index = order[at];
      const Chunk& chunk = chunks[index];
      results[index] = compile_chunk(chunk, index + 1 == chunks.size(), plan, target, options.level);
      if (!*results[index]) {
        is_failed = true;
      }
      const std::lock_guard guard(progress_lock);
      done += chunk.bytes;
      if (options.progress) {
        options.progress(done, total);
      }
    }
  };
  std::vector<llvm::thread> threads;
  for (size_t count = std::min<size_t>(thread_count(options), chunks.size()); count != 0; --count) {
    threads.emplace_back(std::optional<unsigned>(kThreadStack), work);
  }
  for (llvm::thread& thread : threads) {
    thread.join();
  }

  CompiledChunks compiled;
  compiled.checked_frames.reserve(module.functions.size() - module.imported_functions);
  for (std::optional<Result<CompiledChunk>>& result : results) {
    if (result && !*result) {
      return std::unexpected(std::move(*result).error());
    }
  }
  for (std::optional<Result<CompiledChunk>>& result : results) {
    CompiledChunk chunk = TENON_TRY(std::move(*result));
    compiled.objects.push_back(std::move(chunk.object));
    compiled.checked_frames.insert(compiled.checked_frames.end(), chunk.checked_frames.begin(),
                                   chunk.checked_frames.end());
  }
  return compiled;
}

}  // namespace tenon::compiler
