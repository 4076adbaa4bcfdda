#include "compiler/compile.h"

#include <llvm/Config/llvm-config.h>
#include <sha256.h>
#include <sys/types.h>

#include <algorithm>
#include <cstring>

#include "abi/checksum.h"
#include "abi/cpu.h"
#include "base/align.h"
#include "compiler/chunks.h"
#include "compiler/emit.h"
#include "compiler/guest_lines.h"
#include "compiler/link_image.h"
#include "compiler/linked_elf.h"
#include "compiler/positions.h"
#include "compiler/target.h"
#include "wasm/snapshot.h"

namespace tenon::compiler {

namespace {

// Code is several times its module's size, and all of an image must be within two gigabytes.
constexpr size_t kMaximumCode = size_t{256} << 20;

constexpr unsigned kMaximumLevel = 3;

/// Where each defined function is in the image. Errors: mistakes of the compiler.
Result<std::vector<PlacedFunction>> place_functions(const wasm::Module& module, const ModulePlan& plan,
                                                    const LinkedElf& elf) {
  std::vector<PlacedFunction> functions;
  uint64_t last = elf.text().offset;
  for (auto index = module.imported_functions; index != module.functions.size(); ++index) {
    const auto found = elf.functions().find(plan.symbol(index));
    if (found == elf.functions().end() || found->second.address < last) {
      return fail(ErrorKind::invalid, "internal error: function {} is not in its place", index);
    }
    const auto [address, size] = found->second;
    functions.push_back(
        {.address = address, .end = address + size, .body_offset = module.functions[index].body_offset});
    last = address + size;
  }
  return functions;
}

/// That no frame is larger than its function's check of the stack allows for.
Result<> check_frames(const wasm::Module& module, const LinkedElf& elf, std::span<const PlacedFunction> functions,
                      std::span<const uint32_t> allowed) {
  std::vector<bool> is_known(functions.size(), false);
  base::Reader reader(elf.section(".stack_sizes"));
  while (reader.ok() && !reader.at_end()) {
    const uint64_t address = reader.u64_fixed();
    const uint64_t size = reader.u64();
    const auto found = std::ranges::lower_bound(functions, address, {}, &PlacedFunction::address);
    if (found == functions.end() || found->address != address) {
      continue;  // the personality routine
    }
    const auto defined = static_cast<size_t>(found - functions.begin());
    is_known[defined] = true;
    if (size > allowed[defined]) {
      return fail(ErrorKind::limit, "cannot compile {}: it needs {} bytes of stack, more than the {} it checks for",
                  module.function_name(module.imported_functions + static_cast<uint32_t>(defined)), size,
                  allowed[defined]);
    }
  }
  const auto unknown = std::ranges::find(is_known, false);
  if (!reader.ok() || unknown != is_known.end()) {
    return fail(ErrorKind::invalid, "internal error: the frame of function {} has no known size",
                module.imported_functions + (unknown - is_known.begin()));
  }
  return {};
}

template <class T>
base::Bytes bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}

template <size_t kSize>
void set_text(std::array<char, kSize>& field, const std::string& text) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), kSize - 1));
}

/// Where functions start, and where the last one ends.
std::vector<uint32_t> function_table(std::span<const PlacedFunction> functions, const LinkedElf& elf) {
  std::vector<uint32_t> table;
  table.reserve(functions.size() + 1);
  for (const PlacedFunction& function : functions) {
    table.push_back(static_cast<uint32_t>(function.address));
  }
  table.push_back(static_cast<uint32_t>(functions.empty() ? elf.text().offset : functions.back().end));
  return table;
}

/// What of the module the runtime wants to have.
Result<std::vector<uint8_t>> module_part(const wasm::Module& module) {
  std::vector<uint8_t> part = wasm::snapshot(module);
  if (part.empty()) {
    return fail(ErrorKind::io, "{}: was truncated while it was compiled", module.name);
  }
  return part;
}

/// Appends parts to a file.
class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& file) : file_(file) {}

  abi::FileRange append(base::Bytes part) {
    constexpr uint32_t kWord = 3;  // aligned to eight bytes
    file_.resize(base::align(file_.size(), kWord));
    const abi::FileRange range{.offset = file_.size(), .size = part.size()};
    file_.insert(file_.end(), part.begin(), part.end());
    return range;
  }

  /// Before a part of `size` bytes that processes read whole: systems map the pages around a touched one with it, 64
  /// KiB from a multiple of as many, and those in front of the part would be mapped for nothing.
  void align_to_window(size_t size) {
    constexpr uint32_t kWindow = 16;
    if (size >= size_t{1} << kWindow) {
      file_.resize(base::align(file_.size(), kWindow));
    }
  }

  /// Fills in what depends on everything else, and ends the file with it.
  void finish(abi::ImageTrailer& trailer) {
    constexpr uint32_t kWord = 3;
    file_.resize(base::align(file_.size(), kWord));
    trailer.file_size = file_.size() + sizeof trailer;
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, file_.data(), file_.size());
    SHA256Final(trailer.content_hash.data(), &context);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&trailer);
    const base::Bytes checked = base::Bytes(file_).subspan(trailer.checked.offset, trailer.checked.size);
    trailer.checksum = abi::checksum({bytes, offsetof(abi::ImageTrailer, checksum)}, abi::checksum(checked));
    file_.insert(file_.end(), bytes, bytes + sizeof trailer);
  }

 private:
  std::vector<uint8_t>& file_;
};

}  // namespace

std::string version() {
  return "tenon " TENON_VERSION ", LLVM " LLVM_VERSION_STRING;
}

Result<std::vector<uint8_t>> compile(const wasm::Module& module, const ModuleOrigin& origin,
                                     const CompileOptions& options) {
  if (options.level > kMaximumLevel) {
    return fail(ErrorKind::usage, "there is no level {} of optimisation, only 0 to {}", options.level, kMaximumLevel);
  }
  const Target target = TENON_TRY(choose_target(options.target, options.cpu));
  const std::vector<Chunk> chunks = split(module);
  size_t code_size = 0;
  for (const Chunk& chunk : chunks) {
    code_size += chunk.bytes;
  }
  if (code_size > kMaximumCode) {
    return fail(ErrorKind::limit, "{}: the module is too large to compile: {} bytes of code, more than {}", module.name,
                code_size, kMaximumCode);
  }

  const ModulePlan plan(
      module, {.code = options.code, .architecture = target.architecture, .has_rounding = target.has_rounding});
  CompiledChunks compiled = TENON_TRY(compile_chunks(chunks, plan, module, target, options));
  const std::vector<uint8_t> linked = TENON_TRY(link_image(compiled.objects, target, thread_count(options)));
  const LinkedElf elf = TENON_TRY(LinkedElf::open(linked));
  const std::vector<PlacedFunction> functions = TENON_TRY(place_functions(module, plan, elf));
  TENON_CHECK(check_frames(module, elf, functions, compiled.checked_frames));
  const std::vector<Position> positions = TENON_TRY(read_positions(elf));

  std::vector<uint8_t> file = elf.without_leftovers(
      options.debug_lines ? source_lines(module, functions, positions) : std::vector<ToolSection>(), target.page_size);
  abi::ImageTrailer trailer;
  trailer.module_hash = origin.hash;
  trailer.module_size = origin.size;
  trailer.module_changed_ns = origin.changed_ns;
  trailer.module_device = origin.device;
  trailer.module_inode = origin.inode;
  trailer.architecture = target.architecture;
  trailer.checks = options.code.checks;
  trailer.check_stack = options.code.check_stack ? 1 : 0;
  trailer.level = static_cast<uint8_t>(options.level);
  set_text(trailer.compiler, version());
  set_text(trailer.cpu, options.cpu);
  trailer.cpu_features = target.required;
  trailer.text = {.offset = elf.text().offset,
                  .size = (elf.text().size + target.page_size - 1) / target.page_size * target.page_size};
  trailer.frames = elf.frames();
  trailer.function_count = static_cast<uint32_t>(functions.size());
  Writer writer(file);
  trailer.positions = writer.append(TENON_TRY(encode_positions(functions, positions)));
  const std::vector<uint32_t> table = function_table(functions, elf);
  const std::vector<uint8_t> part = TENON_TRY(module_part(module));
  writer.align_to_window(bytes_of(table).size() + part.size());
  trailer.functions = writer.append(bytes_of(table));
  trailer.module = writer.append(part);
  trailer.checked = {.offset = trailer.functions.offset,
                     .size = trailer.module.offset + trailer.module.size - trailer.functions.offset};
  writer.finish(trailer);
  return file;
}

}  // namespace tenon::compiler
