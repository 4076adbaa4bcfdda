#include "link/placement.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <shared_mutex>

#include "base/align.h"
#include "link/binding.h"
#include "link/evaluate.h"
#include "link/guest_call.h"
#include "link/layout.h"
#include "link/namespace.h"

namespace tenon::link {

namespace {

constexpr uint64_t kAllocatorAlign = 8;  // what every C allocator keeps to
constexpr uint64_t kUsualStack = uint64_t{1} << 20;
constexpr uint32_t kBlockAlignment = 4;  // of the linker's blocks at least, so that they do not share small pieces
constexpr uint32_t kMaximumBlockAlignment = 16;
constexpr uint64_t kStackInUse = 4096;  // that stay free below the stack pointer as it is now

using base::align;

std::unexpected<Error> refuse(std::string reason) {
  return std::unexpected(Error{ErrorKind::limit, std::move(reason)});
}

/// Where the main thread's stack is, as far as it is known.
struct StackBounds {
  std::optional<uint64_t> low;  ///< as it was linked
  std::optional<uint64_t> high;
  uint64_t pointer = 0;  ///< as it is now
};

StackBounds stack_bounds(const Namespace& program, GuestThread& thread, const Dso& main) {
  StackBounds bounds;
  if (program.symbols.defined) {
    bounds.low = program.symbols.stack_low;
    bounds.high = program.symbols.stack_high;
  } else {
    bounds.low = exported_constant(main.module(), "__stack_low");
    bounds.high = exported_constant(main.module(), "__stack_high");
    if (!bounds.high) {
      bounds.high = exported_constant(main.module(), "__stack_pointer");
    }
  }
  const abi::Cell* const pointer = stack_pointer_cell(program, thread);
  bounds.pointer = pointer == nullptr ? bounds.high.value_or(0) : pointer->u32;
  return bounds;
}

/// Emscripten's allocator takes all memory behind `__heap_base` for its own, however it came there.
bool owns_all_memory(const Dso& main) {
  const auto is_its = [](std::string_view name) { return name.starts_with("emscripten_"); };
  return std::ranges::any_of(main.module().imports, is_its, &wasm::Import::name) ||
         std::ranges::any_of(main.module().exports, is_its, &wasm::Export::name);
}

/// A function of the guest's allocator that can be called by now, or why there is none.
std::expected<Provided, std::string> find_allocator(Namespace& program, std::string_view name,
                                                    const wasm::FunctionType& type) {
  auto found = find_provided(program, name, type);
  if (!found) {
    return found;
  }
  const Dso& dso = *found->dso;
  // One that is put off is constructed by the call, and nobody can tell.
  const bool is_constructed =
      (dso.state == State::ready || dso.state == State::put_off) &&
      (!dso.is_main || !dso.shared().start || program.main_was_started.load(std::memory_order_relaxed));
  if (!is_constructed) {
    return std::unexpected(fmt::format("{} of {} cannot be called yet: that is not constructed", name, dso.name));
  }
  return found;
}

const wasm::FunctionType& malloc_type() {
  static const wasm::FunctionType type{{wasm::ValueType::i32}, {wasm::ValueType::i32}};
  return type;
}
const wasm::FunctionType& free_type() {
  static const wasm::FunctionType type{{wasm::ValueType::i32}, {}};
  return type;
}

/// A DSO whose data is where [base, base + size) is, but for the allocator's own: its heap may be an array of
/// its, if that stays.
const Dso* overlapping(const Namespace& program, const Dso& allocator, uint64_t base, uint64_t size) {
  const std::shared_lock lock(program.link_map_lock);
  for (const auto& dso : program.dsos) {
    if (dso != nullptr && dso.get() != &allocator && dso->memory_size() != 0 && dso->memory_base != 0 &&
        base < dso->memory_base + dso->memory_size() && dso->memory_base < base + size) {
      return dso.get();
    }
  }
  return nullptr;
}

}  // namespace

void Placement::forget_all() {
  const std::scoped_lock lock(mutex_);
  reserve_ = {};
  stack_ = {};
  grown_ = {};
  reserved_ = 0;
}

void Placement::set_reserve(uint64_t base, uint64_t size) {
  const std::scoped_lock lock(mutex_);
  reserve_ = {};
  reserve_.give(base, size);
  reserved_ = size;
}

Result<MemoryRange> Placement::take(Namespace& program, GuestThread& thread, const Needs& needs) {
  if (needs.memory_size == 0) {
    return MemoryRange{};
  }
  if (program.memory == nullptr) {
    return fail(ErrorKind::unlinkable,
                "{} needs {} bytes of memory, but the main module has none to share: link it with "
                "-Wl,--export-memory, or as a PIE",
                needs.name, needs.memory_size);
  }
  constexpr std::array kOrder = {Place::reserve, Place::heap, Place::stack, Place::grow};
  std::string refusals;
  for (const Place place : kOrder) {
    if (program.options.place != Place::automatic && program.options.place != place) {
      continue;
    }
    Result<MemoryRange> range;
    switch (place) {
      case Place::reserve:
        range = from_reserve(program, needs);
        break;
      case Place::heap:
        range = from_heap(program, thread, needs);
        break;
      case Place::stack:
        range = from_stack(program, thread, needs);
        break;
      default:
        range = by_growing(program, needs);
        break;
    }
    if (range) {
      program.memory->clear(range->base, range->size);
      program.report.line(kDebugFiles, "file={};  place {}: {:#x} size {:#x}", needs.name, to_string(place),
                          range->base, range->size);
      return range;
    }
    program.report.line(kDebugFiles, "file={};  place {} refused: {}", needs.name, to_string(place),
                        range.error().message);
    refusals += fmt::format("\n  {}: {}", to_string(place), range.error().message);
    if (program.ending) {
      break;
    }
  }
  return fail(ErrorKind::limit, "no place for the {} bytes of memory that {} needs:{}", needs.memory_size, needs.name,
              refusals);
}

Result<MemoryRange> Placement::from_reserve(Namespace& program, const Needs& needs) {
  const std::scoped_lock lock(mutex_);
  if (const auto base = reserve_.take(needs.memory_size, needs.memory_alignment)) {
    return MemoryRange{.place = Place::reserve, .base = *base, .size = needs.memory_size};
  }
  if (reserved_ == 0) {
    return refuse(program.symbols.defined ? "none was left before the heap (--reserve)"
                                          : "main's heap begins where it was linked to: only a PIE can have a reserve");
  }
  return refuse(
      fmt::format("{} of its {} bytes are free, in pieces that are too small (--reserve)", reserve_.size(), reserved_));
}

// The allocator is guest code like any other: its answer is checked, and it may do what it likes meanwhile.
Result<MemoryRange> Placement::from_heap(Namespace& program, GuestThread& thread, const Needs& needs) {
  if (thread.asking_heap) {
    return refuse("the program's allocator is at work on another library's memory");
  }
  const auto found = find_allocator(program, "malloc", malloc_type());
  const auto free = find_allocator(program, "free", free_type());
  if (!found || !free) {
    return refuse(!found ? found.error() : free.error());
  }
  const Provided malloc = *found;
  const uint64_t alignment = uint64_t{1} << needs.memory_alignment;
  const uint64_t bytes = needs.memory_size + (alignment > kAllocatorAlign ? alignment - kAllocatorAlign : 0);
  if (bytes > UINT32_MAX) {
    return refuse(fmt::format("{} bytes are more than malloc can be asked for", bytes));
  }
  thread.asking_heap = true;
  std::array<abi::Cell, 1> cells{abi::Cell{.u64 = bytes}};
  const Result<> called =
      call_guest(program, thread, malloc.function, cells, cells, "asking for memory by malloc of", malloc.dso->name);
  thread.asking_heap = false;
  if (!called) {
    return refuse(called.error().message);
  }
  if (program.ending) {
    return refuse("malloc ended the program");
  }
  const uint64_t block = cells[0].u32;
  const uint64_t size = program.memory->size.load(std::memory_order_acquire);
  if (block == 0) {
    return refuse(fmt::format("malloc of {} gave nothing for {} bytes", malloc.dso->name, bytes));
  }
  if (block % kAllocatorAlign != 0) {
    return refuse(fmt::format("malloc of {} gave address {:#x}, which is not even aligned to {}", malloc.dso->name,
                              block, kAllocatorAlign));
  }
  if (block > size || bytes > size - block) {
    return refuse(
        fmt::format("malloc of {} gave address {:#x} for {} bytes, which do not lie in the memory of {} bytes",
                    malloc.dso->name, block, bytes, size));
  }
  if (const Dso* const other = overlapping(program, *malloc.dso, block, bytes)) {
    return refuse(fmt::format("malloc of {} gave address {:#x} for {} bytes, where the data of {} is", malloc.dso->name,
                              block, bytes, other->name));
  }
  return MemoryRange{
      .place = Place::heap, .base = align(block, needs.memory_alignment), .size = needs.memory_size, .block = block};
}

Result<MemoryRange> Placement::from_stack(Namespace& program, GuestThread& thread, const Needs& needs) {
  const std::scoped_lock lock(mutex_);
  if (const auto base = stack_.take(needs.memory_size, needs.memory_alignment)) {
    return MemoryRange{.place = Place::stack, .base = *base, .size = needs.memory_size};
  }
  if (thread.kind != GuestThread::Kind::main) {
    return refuse("it is the main thread's stack, whose lower end only that thread can move");
  }
  const Dso& main = *program.main;
  const StackBounds bounds = stack_bounds(program, thread, main);
  if (!bounds.low || !bounds.high || *bounds.low > *bounds.high) {
    return refuse(
        fmt::format("where the stack of {} ends is not known: link it with -Wl,--export=__stack_low,"
                    "--export=__stack_high",
                    main.name));
  }
  const uint64_t end_now = std::max({*bounds.low, thread.state().stack_low, kGap});
  const uint64_t base = align(align(end_now, kStackAlignment), needs.memory_alignment);
  const uint64_t low = align(base + needs.memory_size, kStackAlignment);
  uint64_t keep = kMinimumStack;
  if (program.options.place == Place::automatic) {
    // Nobody said that it was linked large for libraries: what programs get by default is left to them.
    keep = std::max(kUsualStack, (*bounds.high - *bounds.low) / 2);
  }
  if (*bounds.high > program.memory->size.load(std::memory_order_acquire)) {
    return refuse(
        fmt::format("{} says that its stack ends at {:#x}, which is outside of its memory", main.name, *bounds.high));
  }
  if (low > *bounds.high || *bounds.high - low < keep) {
    const uint64_t enough = align(low - *bounds.low + kMinimumStack, kStackAlignment);
    return refuse(fmt::format(
        "of the stack of {} bytes, {} have to stay free; {} and say --place=stack", *bounds.high - *bounds.low, keep,
        program.symbols.defined ? fmt::format("give --stack-size={}", enough)
                                : fmt::format("link {} with -Wl,-z,stack-size={}", main.name, enough)));
  }
  if (low + kStackInUse > bounds.pointer) {
    return refuse(
        fmt::format("the stack is in use down to {:#x}, and the library would end at {:#x}", bounds.pointer, low));
  }
  thread.state().stack_low = low;
  return MemoryRange{.place = Place::stack, .base = base, .size = needs.memory_size};
}

Result<MemoryRange> Placement::by_growing(Namespace& program, const Needs& needs) {
  const std::scoped_lock lock(mutex_);
  const Dso& main = *program.main;
  if (owns_all_memory(main)) {
    return refuse(
        fmt::format("{} was made by Emscripten, whose allocator owns all memory behind __heap_base", main.name));
  }
  if (const auto base = grown_.take(needs.memory_size, needs.memory_alignment)) {
    return MemoryRange{.place = Place::grow, .base = *base, .size = needs.memory_size};
  }
  // What is left of an earlier growth may be the start of it, when memory still ends there.
  runtime::Memory& memory = *program.memory;
  const uint64_t end = memory.size.load(std::memory_order_acquire);
  const uint64_t start = std::max(grown_.start_of_range_up_to(end), kGap);
  const uint64_t behind = align(start, needs.memory_alignment) + needs.memory_size;
  const uint64_t pages = behind <= end ? 0 : (behind - end + wasm::kPageSize - 1) / wasm::kPageSize;
  const int64_t before = memory.grow(pages);
  if (before < 0) {
    return refuse(
        fmt::format("{} bytes of memory besides the {} there are: its maximum ({} pages of 64 KiB) was given "
                    "when the main module was linked, or is the program's limit (--max-memory)",
                    needs.memory_size, end, memory.maximum_pages()));
  }
  const uint64_t first = static_cast<uint64_t>(before) * wasm::kPageSize;
  grown_.give(std::max(first, kGap), pages * wasm::kPageSize - (first < kGap ? kGap - first : 0));
  const auto base = grown_.take(needs.memory_size, needs.memory_alignment);
  if (!base) {  // the guest grew memory at the same time
    return refuse("the guest is growing its memory at the same time");
  }
  return MemoryRange{.place = Place::grow, .base = *base, .size = needs.memory_size};
}

void Placement::give(Namespace& program, GuestThread& thread, const MemoryRange& range) {
  if (range.size == 0) {
    return;
  }
  // Pages that are used by nobody go back to the host now, and not when they are given out again.
  program.memory->clear(range.base, range.size);
  {
    const std::scoped_lock lock(mutex_);
    switch (range.place) {
      case Place::reserve:
        reserve_.give(range.base, range.size);
        return;
      case Place::stack:
        stack_.give(range.base, range.size);
        return;
      case Place::grow:
        grown_.give(range.base, range.size);
        return;
      case Place::automatic:
        return;
      case Place::heap:
        break;
    }
  }
  const auto free = find_allocator(program, "free", free_type());
  if (!free || program.ending) {
    return;  // nobody can have it back
  }
  std::array<abi::Cell, 1> cells{abi::Cell{.u64 = range.block}};
  if (auto freed =
          call_guest(program, thread, free->function, cells, {}, "giving memory back by free of", free->dso->name);
      !freed) {
    program.report.line(kDebugFiles, "{}", freed.error().message);
  }
}

Result<MemoryRange> Placement::take_block(Namespace& program, uint64_t size, uint32_t alignment,
                                          const std::string& what) {
  Needs needs;
  needs.name = what;
  needs.memory_size = size;
  needs.memory_alignment = std::max(alignment, kBlockAlignment);
  if (program.memory == nullptr || program.main == nullptr || needs.memory_alignment > kMaximumBlockAlignment) {
    return fail(ErrorKind::limit, "no place for {}: {}", what,
                program.memory == nullptr ? "the program has no memory" : "it asks for too large an alignment");
  }
  auto range = from_reserve(program, needs);
  if (!range) {
    range = by_growing(program, needs);
  }
  if (!range) {
    return fail(ErrorKind::limit, "no place for the {} bytes of {}: {}", size, what, range.error().message);
  }
  return range;
}

void Placement::give_block(Namespace& program, const MemoryRange& block) {
  if (block.size == 0) {
    return;
  }
  // Whoever has it next may take it for fresh memory.
  program.memory->clear(block.base, block.size);
  const std::scoped_lock lock(mutex_);
  (block.place == Place::reserve ? reserve_ : grown_).give(block.base, block.size);
}

}  // namespace tenon::link
