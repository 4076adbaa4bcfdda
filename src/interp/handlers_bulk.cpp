// Handlers of memory.size, memory.grow, bulk memory and table instructions. Operands are in consecutive slots from `a`,
// a result goes to slot `target`, the instruction's indices are the halves of the third word. All bounds are checked
// before anything is written, in both modes.
#include <algorithm>
#include <cstring>

#include "base/mapped_file.h"
#include "interp/bulk.h"
#include "interp/handlers.h"
#include "interp/operands.h"
#include "interp/operations.h"
#include "runtime/linked_module.h"

namespace tenon::interp {

namespace {

using runtime::Executable;
using runtime::LinkedModule;
using runtime::TrapKind;
using wasm::Opcode;

using numeric::kFine;

[[nodiscard]] inline const Indices& indices(const Instruction* pc) {
  return word<Indices>(pc, 2);
}

[[nodiscard]] runtime::Table& table_of(Instance& instance, uint32_t index) {
  const auto& layout = LinkedModule::of(instance).executable().layout();
  return *static_cast<runtime::Table*>(runtime::at<abi::Table*>(instance, layout.table(index)));
}

/// Whether [start, start + count) is inside `size`.
[[nodiscard]] constexpr bool inside(uint64_t start, uint64_t count, uint64_t size) {
  return count <= size && start <= size - count;
}

[[nodiscard]] uint64_t memory_bytes(const Instance& instance) {
  return instance.memory->size.load(std::memory_order_acquire);
}

// Each returns a TrapKind, kFine or kPending.

int memory_size(Instance& instance, const Cell* arguments, Cell& result, const Indices&) {
  (void)arguments;
  result.u64 = memory_bytes(instance) / wasm::kPageSize;
  return kFine;
}

int memory_grow(Instance& instance, const Cell* arguments, Cell& result, const Indices&) {
  result.u64 = static_cast<uint32_t>(LinkedModule::of(instance).memory(0).grow(arguments[0].u32));
  return kFine;
}

int memory_copy(Instance& instance, const Cell* arguments, Cell&, const Indices&) {
  const uint64_t to = arguments[0].u32;
  const uint64_t from = arguments[1].u32;
  const uint64_t count = arguments[2].u32;
  const uint64_t size = memory_bytes(instance);
  if (!inside(to, count, size) || !inside(from, count, size)) {
    return static_cast<int>(TrapKind::memory_out_of_bounds);
  }
  std::memmove(instance.memory_base + to, instance.memory_base + from, count);
  return kFine;
}

int memory_fill(Instance& instance, const Cell* arguments, Cell&, const Indices&) {
  const uint64_t to = arguments[0].u32;
  const uint64_t count = arguments[2].u32;
  if (!inside(to, count, memory_bytes(instance))) {
    return static_cast<int>(TrapKind::memory_out_of_bounds);
  }
  std::memset(instance.memory_base + to, static_cast<uint8_t>(arguments[1].u32), count);
  return kFine;
}

int memory_init(Instance& instance, const Cell* arguments, Cell&, const Indices& index) {
  const Executable& executable = LinkedModule::of(instance).executable();
  const wasm::Module& module = executable.module();
  const wasm::DataSegment& segment = module.data[index.first];
  const bool dropped = runtime::at<uint8_t>(instance, executable.layout().dropped_data + index.first) != 0;
  const uint64_t to = arguments[0].u32;
  const uint64_t from = arguments[1].u32;
  const uint64_t count = arguments[2].u32;
  if (!inside(from, count, dropped ? 0 : segment.size) || !inside(to, count, memory_bytes(instance))) {
    return static_cast<int>(TrapKind::memory_out_of_bounds);
  }
  if (!base::guarded_copy(instance.memory_base + to, module.bytes().subspan(segment.bytes_offset + from, count))) {
    runtime::Thread::of(*instance.thread)
        .raise(TrapKind::module_changed, fmt::format("{} was truncated while it was in use", module.name));
    return kPending;
  }
  return kFine;
}

int data_drop(Instance& instance, const Cell*, Cell&, const Indices& index) {
  const auto& layout = LinkedModule::of(instance).executable().layout();
  runtime::at<uint8_t>(instance, layout.dropped_data + index.first) = 1;
  return kFine;
}

/// The value of element `index` of a segment.
bool element_value(Instance& instance, const wasm::ElementSegment& segment, size_t index, Cell& value) {
  value.bits = 0;
  uint32_t function = wasm::kNoIndex;
  if (segment.expressions.empty()) {
    function = segment.functions[index];
  } else {
    const wasm::ConstantInstruction& instruction = segment.expressions[index].front();
    switch (instruction.opcode) {
      case 0x23: {  // global.get
        Executable& executable = LinkedModule::of(instance).executable();
        const auto global = static_cast<uint32_t>(instruction.immediate);
        const Cell& cell = runtime::at<Cell>(instance, executable.layout().global(global));
        value = executable.global_access(global) == runtime::GlobalAccess::indirect ? *cell.cell : cell;
        return true;
      }
      case 0xd2:  // ref.func
        function = static_cast<uint32_t>(instruction.immediate);
        break;
      default:  // ref.null
        break;
    }
  }
  if (function != wasm::kNoIndex) {
    value.function = LinkedModule::of(instance).descriptor(*instance.thread, function);
    return value.function != nullptr;
  }
  return true;
}

int table_init(Instance& instance, const Cell* arguments, Cell&, const Indices& index) {
  const Executable& executable = LinkedModule::of(instance).executable();
  const wasm::ElementSegment& segment = executable.module().elements[index.first];
  const bool dropped = runtime::at<uint8_t>(instance, executable.layout().dropped_elements + index.first) != 0;
  runtime::Table& table = table_of(instance, index.second);
  const uint64_t to = arguments[0].u32;
  const uint64_t from = arguments[1].u32;
  const uint64_t count = arguments[2].u32;
  if (!inside(from, count, dropped ? 0 : segment.size()) ||
      !inside(to, count, table.size.load(std::memory_order_acquire))) {
    return static_cast<int>(TrapKind::table_out_of_bounds);
  }
  for (uint64_t n = 0; n < count; ++n) {
    Cell value;
    if (!element_value(instance, segment, from + n, value)) {
      return kPending;
    }
    table.set(to + n, value);
  }
  return kFine;
}

int elem_drop(Instance& instance, const Cell*, Cell&, const Indices& index) {
  const auto& layout = LinkedModule::of(instance).executable().layout();
  runtime::at<uint8_t>(instance, layout.dropped_elements + index.first) = 1;
  return kFine;
}

int table_copy(Instance& instance, const Cell* arguments, Cell&, const Indices& index) {
  runtime::Table& to_table = table_of(instance, index.first);
  runtime::Table& from_table = table_of(instance, index.second);
  const uint64_t to = arguments[0].u32;
  const uint64_t from = arguments[1].u32;
  const uint64_t count = arguments[2].u32;
  if (!inside(to, count, to_table.size.load(std::memory_order_acquire)) ||
      !inside(from, count, from_table.size.load(std::memory_order_acquire))) {
    return static_cast<int>(TrapKind::table_out_of_bounds);
  }
  for (uint64_t n = 0; n < count; ++n) {
    const uint64_t at = to <= from ? n : count - 1 - n;  // overlapping ranges of one table
    to_table.set(to + at, from_table.get(from + at));
  }
  return kFine;
}

int table_fill(Instance& instance, const Cell* arguments, Cell&, const Indices& index) {
  runtime::Table& table = table_of(instance, index.first);
  const uint64_t to = arguments[0].u32;
  const uint64_t count = arguments[2].u32;
  if (!inside(to, count, table.size.load(std::memory_order_acquire))) {
    return static_cast<int>(TrapKind::table_out_of_bounds);
  }
  for (uint64_t n = 0; n < count; ++n) {
    table.set(to + n, arguments[1]);
  }
  return kFine;
}

int table_get(Instance& instance, const Cell* arguments, Cell& result, const Indices& index) {
  const runtime::Table& table = table_of(instance, index.first);
  if (arguments[0].u32 >= table.size.load(std::memory_order_acquire)) {
    return static_cast<int>(TrapKind::table_out_of_bounds);
  }
  result = table.get(arguments[0].u32);
  return kFine;
}

int table_set(Instance& instance, const Cell* arguments, Cell&, const Indices& index) {
  runtime::Table& table = table_of(instance, index.first);
  if (arguments[0].u32 >= table.size.load(std::memory_order_acquire)) {
    return static_cast<int>(TrapKind::table_out_of_bounds);
  }
  table.set(arguments[0].u32, arguments[1]);
  return kFine;
}

int table_grow(Instance& instance, const Cell* arguments, Cell& result, const Indices& index) {
  result.u64 = static_cast<uint32_t>(table_of(instance, index.first).grow(arguments[1].u32, arguments[0]));
  return kFine;
}

int table_size(Instance& instance, const Cell*, Cell& result, const Indices& index) {
  result.u64 = table_of(instance, index.first).size.load(std::memory_order_acquire);
  return kFine;
}

template <auto kOperation>
TENON_HANDLER plain(TENON_HANDLER_PARAMETERS) {
  const Operands& o = operands(pc);
  Cell result{};
  const int trap = kOperation(*instance, values + o.a, result, indices(pc));
  if (trap != kFine) [[unlikely]] {
    if (trap == kPending) {
      __attribute__((musttail)) return leave(TENON_HANDLER_ARGUMENTS);
    }
    TENON_TRAP(trap);
  }
  values[o.target] = result;
  TENON_NEXT(3);
}

}  // namespace

#define TENON_BULK_OPERATIONS(X) \
  X(memory_size)                 \
  X(memory_grow)                 \
  X(memory_copy)                 \
  X(memory_fill)                 \
  X(memory_init)                 \
  X(data_drop)                   \
  X(table_init)                  \
  X(elem_drop)                   \
  X(table_copy)                  \
  X(table_fill)                  \
  X(table_get)                   \
  X(table_set)                   \
  X(table_grow)                  \
  X(table_size)

Handler plain_handler(Opcode opcode) {
  switch (opcode) {
#define BULK_HANDLER(name) \
  case Opcode::name:       \
    return &plain<name>;
    TENON_BULK_OPERATIONS(BULK_HANDLER)
    default:
      return nullptr;
  }
}

int run_bulk(Opcode opcode, Instance& instance, const Cell* arguments, Cell& result, const Indices& indices) {
  switch (opcode) {
#define BULK_OPERATION(name) \
  case Opcode::name:         \
    return name(instance, arguments, result, indices);
    TENON_BULK_OPERATIONS(BULK_OPERATION)
    default:
      return static_cast<int>(TrapKind::unreachable);
  }
}

}  // namespace tenon::interp
