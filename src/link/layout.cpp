#include "link/layout.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/align.h"

namespace tenon::link {

namespace {

constexpr uint64_t kFirstHeap = wasm::kPageSize;

using base::align;

/// Hands out ranges of memory, upwards.
class Cursor {
 public:
  Cursor(uint64_t start, uint64_t limit) : next_(start), limit_(limit) {}

  Result<uint64_t> take(uint64_t size, uint32_t alignment, const std::string& owner, const char* what) {
    const uint64_t base = align(next_, alignment);
    if (base > limit_ || size > limit_ - base) {
      return fail(ErrorKind::limit,
                  "no room for {} of {}: {} bytes at address {} are more than the memory may have ({} bytes; "
                  "--max-memory, and what the modules themselves give as maximum)",
                  what, owner, size, base, limit_);
    }
    next_ = base + size;
    return base;
  }

  [[nodiscard]] uint64_t next() const { return next_; }

 private:
  uint64_t next_;
  uint64_t limit_;
};

Result<uint64_t> take_slots(uint64_t& next, const Needs& needs, uint64_t limit) {
  const uint64_t base = align(next, needs.table_alignment);
  if (base > limit || needs.table_size > limit - base) {
    return fail(ErrorKind::limit,
                "no room in the function table for {}: {} slots from {} on are more than the table may have ({})",
                needs.name, needs.table_size, base, limit);
  }
  next = base + needs.table_size;
  return base;
}

/// What all memory imports of a program ask of the one memory that they get; so for the table.
struct Demand {
  uint64_t minimum = 0;
  std::optional<uint64_t> maximum;
  const Dso* maximum_by = nullptr;
  const Dso* shared_by = nullptr;
  const Dso* unshared_by = nullptr;

  void add(const wasm::Limits& limits, const Dso& dso) {
    minimum = std::max(minimum, limits.minimum);
    if (limits.maximum && (!maximum || *limits.maximum < *maximum)) {
      maximum = limits.maximum;
      maximum_by = &dso;
    }
  }
};

bool is_program_memory(const wasm::Import& import) {
  return import.module == "env" && import.name == "memory";
}

bool is_program_table(const wasm::Import& import) {
  return import.module == "env" && import.name == "__indirect_function_table";
}

Result<Demand> memory_demand(const LoadSet& load) {
  Demand demand;
  for (const Dso* const dso : load.dsos) {
    for (const wasm::Import* const import : dso->shared().memories) {
      if (is_program_memory(*import)) {
        const wasm::MemoryType& type = dso->module().memories[import->index].type;
        demand.add(type.limits, *dso);
        (type.shared ? demand.shared_by : demand.unshared_by) = dso;
      }
    }
  }
  if (demand.shared_by != nullptr && demand.unshared_by != nullptr) {
    return fail(ErrorKind::unlinkable,
                "{} imports env.memory as shared and {} as not shared: build both with -pthread, or neither",
                demand.shared_by->name, demand.unshared_by->name);
  }
  if (demand.maximum && *demand.maximum < demand.minimum) {
    return fail(ErrorKind::limit,
                "the modules need a memory of at least {} pages of 64 KiB, but {} allows no more than {}: link it with "
                "a larger --max-memory",
                demand.minimum, demand.maximum_by->name, *demand.maximum);
  }
  return demand;
}

Demand table_demand(const LoadSet& load) {
  Demand demand;
  for (const Dso* const dso : load.dsos) {
    for (const wasm::Import* const import : dso->shared().tables) {
      if (is_program_table(*import)) {
        demand.add(dso->module().tables[import->index].type.limits, *dso);
      }
    }
  }
  return demand;
}

Needs needs_of(const Dso& dso) {
  Needs needs{.name = dso.name};
  if (const auto& dylink = dso.module().dylink) {
    needs.memory_size = dylink->memory_size;
    needs.memory_alignment = dylink->memory_alignment;
    needs.table_size = dylink->table_size;
    needs.table_alignment = dylink->table_alignment;
  }
  return needs;
}

void tell(Namespace& program, const Dso& dso) {
  program.report.line(kDebugFiles, "file={};  placed  memory {:#x} size {:#x}  table {} size {}", dso.name,
                      dso.memory_base, dso.memory_size(), dso.table_base, dso.table_size());
}

Result<> make_memory(Namespace& program, Dso& owner, const wasm::MemoryType& type) {
  auto memory = runtime::Memory::create(type, program.options.code.checks, program.options.maximum_memory);
  if (!memory) {
    return fail(memory.error().kind, "{}: {}", owner.name, memory.error().message);
  }
  owner.own_memories.push_back(*std::move(memory));
  return {};
}

Result<> make_table(Namespace& program, Dso& owner, const wasm::TableType& type) {
  auto table = runtime::Table::create(type, program.options.maximum_table);
  if (!table) {
    return fail(table.error().kind, "{}: {}", owner.name, table.error().message);
  }
  program.functions.adopt(*std::move(table));
  return {};
}

/// Memory, stack and table for a main module that can be placed.
Result<> lay_out_position_independent(Namespace& program, LoadSet& load) {
  const Demand memory = TENON_TRY(memory_demand(load));
  const Demand table = table_demand(load);
  PlanLimits limits;
  limits.stack_size = program.options.stack_size;
  limits.reserve = program.options.reserve;
  limits.minimum_pages = memory.minimum;
  limits.maximum_memory =
      std::min(memory.maximum.value_or(wasm::kMaximumPages32), wasm::kMaximumPages32) * wasm::kPageSize;
  limits.maximum_memory = std::min(limits.maximum_memory, program.options.maximum_memory);
  limits.minimum_table = table.minimum;
  limits.maximum_table = std::min(table.maximum.value_or(UINT32_MAX), program.options.maximum_table);

  std::vector<Needs> needs;
  needs.reserve(load.dsos.size());
  for (const Dso* const dso : load.dsos) {
    needs.push_back(needs_of(*dso));
  }
  const ProgramPlan plan = TENON_TRY(plan_program(needs, limits));
  for (size_t i = 0; i < load.dsos.size(); ++i) {
    load.dsos[i]->memory_base = plan.placed[i].memory_base;
    load.dsos[i]->table_base = plan.placed[i].table_base;
    tell(program, *load.dsos[i]);
  }
  program.symbols = plan.symbols;
  program.placement.set_reserve(plan.reserve_base, limits.reserve);

  Dso& main = *load.dsos.front();
  wasm::MemoryType memory_type;
  memory_type.limits = {plan.memory_pages, memory.maximum};
  memory_type.shared = memory.shared_by != nullptr;
  TENON_CHECK(make_memory(program, main, memory_type));
  program.memory = main.own_memories.front().get();
  TENON_CHECK(make_table(program, main, {wasm::ValueType::funcref, {plan.table_size, table.maximum}}));
  program.main_thread->state().stack_pointer.u64 = plan.symbols.stack_high;
  program.main_thread->state().stack_low = plan.symbols.stack_low;
  program.report.line(kDebugFiles, "memory: stack {:#x} to {:#x}, heap from {:#x} to {:#x}", plan.symbols.stack_low,
                      plan.symbols.stack_high, plan.symbols.heap_base, plan.symbols.heap_end);
  return {};
}

/// The memory and table that a main module with fixed addresses defines or imports for itself.
Result<> take_fixed_main(Namespace& program, Dso& main) {
  const wasm::Module& module = main.module();
  if (!module.memories.empty()) {
    const bool imported = module.imported_memories != 0;
    if (!imported || is_program_memory(*main.shared().memories.front())) {
      TENON_CHECK(make_memory(program, main, module.memories.front().type));
      program.memory = main.own_memories.front().get();
    }
  }
  std::optional<uint32_t> table = main.shared().function_table;
  for (const wasm::Import* const import : main.shared().tables) {
    if (is_program_table(*import)) {
      table = import->index;
    }
  }
  if (table && (*table >= module.imported_tables || is_program_table(*main.shared().tables[*table])) &&
      module.tables[*table].type.element == wasm::ValueType::funcref) {
    TENON_CHECK(make_table(program, main, module.tables[*table].type));
  }
  return {};
}

/// Gives one library its memory, wherever there is a place for it, and its table range.
Result<> place_library(Namespace& program, GuestThread& thread, Dso& dso) {
  const Needs needs = needs_of(dso);
  const MemoryRange range = TENON_TRY(program.placement.take(program, thread, needs));
  {
    const std::unique_lock lock(program.link_map_lock);  // who places another one looks where this is
    dso.range = range;
    dso.memory_base = range.base;
  }
  if (needs.table_size != 0) {
    dso.table_base = TENON_TRY(program.functions.reserve(needs.table_size, needs.table_alignment, dso.name));
  }
  tell(program, dso);
  return {};
}

/// Grows memory and table to what the libraries' imports ask for at least.
Result<> satisfy_imports(Namespace& program, const LoadSet& load) {
  const Demand memory = TENON_TRY(memory_demand(load));
  if (program.memory != nullptr && memory.minimum > program.memory->pages() &&
      program.memory->grow(memory.minimum - program.memory->pages()) < 0) {
    return fail(ErrorKind::limit,
                "the libraries of {} import a memory of at least {} pages of 64 KiB; there are {} and may be {} "
                "(--max-memory, or the maximum it was linked with)",
                load.dsos.front()->name, memory.minimum, program.memory->pages(), program.memory->maximum_pages());
  }
  const Demand table = table_demand(load);
  if (const runtime::Table* const functions = program.functions.table()) {
    const uint64_t size = functions->size.load(std::memory_order_acquire);
    if (table.minimum > size) {
      (void)TENON_TRY(program.functions.reserve(table.minimum - size, 0, "a library's table import"));
    }
  }
  return {};
}

}  // namespace

Result<ProgramPlan> plan_program(std::span<const Needs> needs, const PlanLimits& limits) {
  ProgramPlan plan;
  Cursor cursor(kGap, limits.maximum_memory);
  plan.symbols.defined = true;
  if (limits.stack_size > limits.maximum_memory) {
    return fail(ErrorKind::limit, "a stack of {} bytes (--stack-size) does not fit a memory of at most {} bytes",
                limits.stack_size, limits.maximum_memory);
  }
  const uint64_t stack_size = align(limits.stack_size, kStackAlignment);
  plan.symbols.stack_low = TENON_TRY(cursor.take(stack_size, kStackAlignment, "the program", "the stack"));
  plan.symbols.stack_high = cursor.next();
  uint64_t next_slot = 1;  // slot 0 is the null pointer
  for (const Needs& one : needs) {
    Placed& placed = plan.placed.emplace_back();
    placed.memory_base = TENON_TRY(cursor.take(one.memory_size, one.memory_alignment, one.name, "the data"));
    placed.table_base = TENON_TRY(take_slots(next_slot, one, limits.maximum_table));
  }
  plan.reserve_base = TENON_TRY(cursor.take(limits.reserve, kStackAlignment, "the program", "the reserve (--reserve)"));
  plan.symbols.heap_base = TENON_TRY(cursor.take(0, kStackAlignment, "the program", "the heap"));

  // As much of a first heap as the limit allows, for an allocator that starts with what is there.
  const uint64_t used_pages = (plan.symbols.heap_base + wasm::kPageSize - 1) / wasm::kPageSize;
  const uint64_t limit_pages = limits.maximum_memory / wasm::kPageSize;
  plan.memory_pages = std::max(std::min(used_pages + kFirstHeap / wasm::kPageSize, limit_pages), limits.minimum_pages);
  if (used_pages > limit_pages || limits.minimum_pages > limit_pages) {
    return fail(
        ErrorKind::limit,
        "the program needs a memory of at least {} pages of 64 KiB, but may have no more than {} (--max-memory, "
        "and what the modules themselves give as maximum)",
        std::max(used_pages, limits.minimum_pages), limit_pages);
  }
  plan.symbols.heap_end = plan.memory_pages * wasm::kPageSize;
  plan.table_size = std::max(next_slot, limits.minimum_table);
  if (plan.table_size > limits.maximum_table) {
    return fail(ErrorKind::limit, "the program needs a table of {} slots, but may have no more than {}",
                plan.table_size, limits.maximum_table);
  }
  return plan;
}

Result<> lay_out(Namespace& program, LoadSet& load) {
  Dso& main = *program.main;
  if (main.shared().position_independent) {
    TENON_CHECK(lay_out_position_independent(program, load));
  } else {
    TENON_CHECK(take_fixed_main(program, main));
    for (Dso* const dso : std::span(load.dsos).subspan(1)) {
      TENON_CHECK(place_library(program, *load.thread, *dso));
    }
    if (load.dsos.size() > 1) {
      TENON_CHECK(satisfy_imports(program, load));
    }
  }
  for (Dso* const dso : load.dsos) {
    TENON_CHECK(make_own(program, *dso));
  }
  return {};
}

Result<> place(Namespace& program, LoadSet& load) {
  for (Dso* const dso : load.dsos) {
    TENON_CHECK(place_library(program, *load.thread, *dso));
    if (program.ending) {
      return {};
    }
  }
  return satisfy_imports(program, load);
}

Result<> make_own(Namespace& program, Dso& dso) {
  const wasm::Module& module = dso.module();
  dso.memories.resize(module.memories.size());
  dso.tables.resize(module.tables.size());
  dso.tags.resize(module.tags.size());
  dso.globals.resize(module.imported_globals);
  // Layout has made memory 0 of a main that defines one.
  size_t made = dso.is_main && module.imported_memories == 0 ? dso.own_memories.size() : 0;
  for (size_t i = module.imported_memories; i < module.memories.size(); ++i) {
    if (made == 0) {
      TENON_CHECK(make_memory(program, dso, module.memories[i].type));
      dso.memories[i] = dso.own_memories.back().get();
    } else {
      dso.memories[i] = dso.own_memories[i].get();
      --made;
    }
  }
  for (size_t i = module.imported_tags; i < module.tags.size(); ++i) {
    dso.own_tags.push_back({module.types[module.tags[i].type]});
    dso.tags[i] = &dso.own_tags.back();
  }
  return {};
}

}  // namespace tenon::link
