#include "link/instantiate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_set>

#include "base/mapped_file.h"
#include "base/prefault.h"
#include "link/binding.h"
#include "link/evaluate.h"
#include "link/guest_call.h"
#include "link/layout.h"
#include "link/put_off.h"
#include "runtime/thread.h"

namespace tenon::link {

namespace {

Result<abi::Instance*> make_instance(Namespace& program, GuestThread& thread, Dso& dso) {
  ++program.report.statistics.instances;
  return thread.add_instance(dso, program.options.maximum_table);
}

/// Makes the thread's instances of what cells, tables and addresses of `dso` are taken from, where that has none yet.
/// Runs guest code.
Result<> make_definers(GuestThread& thread, const Dso& dso) {
  const auto make = [&](Dso* definer) -> Result<> {
    if (definer != nullptr && thread.instance(*definer) == nullptr &&
        definer->instance_of(thread.state(), definer->index) == nullptr) {
      return fail(ErrorKind::trap, "{} needs {}: {}", dso.name, definer->name, thread.state().take_trap().message);
    }
    return {};
  };
  for (const GlobalBinding& binding : dso.globals) {
    using enum GlobalBinding::Kind;
    if (binding.kind == data || binding.kind == thread_local_data || binding.kind == cell) {
      TENON_CHECK(make(binding.dso));
    }
  }
  for (const TableBinding& table : dso.tables) {
    if (table.kind == TableBinding::Kind::other) {
      TENON_CHECK(make(table.dso));
    }
  }
  return {};
}

/// Tables that belong to someone else, and globals: imported ones but for GOT cells, then the module's own.
Result<> fill_globals(GuestThread& thread, Dso& dso, runtime::Table* program_table) {
  abi::Instance& instance = *thread.instance(dso);
  const runtime::InstanceLayout& layout = dso.executable().layout();
  for (uint32_t i = 0; i < dso.tables.size(); ++i) {
    auto& table = runtime::at<abi::Table*>(instance, layout.table(i));
    switch (dso.tables[i].kind) {
      case TableBinding::Kind::own:
        break;
      case TableBinding::Kind::program:
        table = program_table;
        break;
      case TableBinding::Kind::other: {
        const Dso& other = *dso.tables[i].dso;
        table =
            runtime::at<abi::Table*>(*thread.instance(other), other.executable().layout().table(dso.tables[i].index));
        break;
      }
    }
  }

  const wasm::Module& module = dso.module();
  for (uint32_t i = 0; i < module.imported_globals; ++i) {
    auto& cell = runtime::at<abi::Cell>(instance, layout.global(i));
    const GlobalBinding& binding = dso.globals[i];
    abi::Cell* source = nullptr;
    if (binding.kind == GlobalBinding::Kind::stack_pointer) {
      source = &thread.state().stack_pointer;
    } else if (binding.kind == GlobalBinding::Kind::cell) {
      abi::Instance* const definer = thread.instance(*binding.dso);
      source = definer == nullptr ? nullptr : global_cell(*binding.dso, *definer, binding.index);
    }
    if (binding.kind == GlobalBinding::Kind::memory_base) {
      cell.bits = dso.memory_base;
    } else if (binding.kind == GlobalBinding::Kind::table_base) {
      cell.bits = dso.table_base;
    } else if (!dso.shared().is_indirect(i)) {
      cell.bits = source == nullptr ? binding.value : source->bits;
      if (dso.shared().globals[i].role == GlobalRole::memory_base && cell.u32 + dso.memory_size() > uint64_t{1} << 32) {
        // sandbox: compiled code relies on it.
        return fail(ErrorKind::unlinkable, "{}: its data would not fit behind {}, which is {:#x}", dso.name,
                    printable(dso.shared().globals[i].name.text), cell.u32);
      }
    } else if (source != nullptr) {
      cell.cell = source;
    } else {
      // sandbox: code follows the pointer in this Cell without a check.
      return fail(ErrorKind::unlinkable,
                  "{}: imported global {} has no storage yet: it needs {} before that is instantiated", dso.name,
                  printable(dso.shared().globals[i].name.text), binding.dso == nullptr ? "" : binding.dso->name);
    }
  }
  uint32_t vector = layout.vectors;
  for (uint32_t i = module.imported_globals; i < module.globals.size(); ++i) {
    auto& cell = runtime::at<abi::Cell>(instance, layout.global(i));
    if (module.globals[i].type.type == wasm::ValueType::v128) {
      auto& place = runtime::at<abi::V128>(instance, vector);
      place = evaluate_v128(module.globals[i].initial, dso, instance);
      cell.pointer = &place;
      vector += sizeof(abi::V128);
    } else {
      cell = evaluate(module.globals[i].initial, dso, instance);
    }
  }
  return {};
}

abi::Cell element(const wasm::ElementSegment& segment, uint32_t i, Dso& dso, abi::Instance& instance) {
  if (!segment.expressions.empty()) {
    return evaluate(segment.expressions[i], dso, instance);
  }
  const uint32_t function = segment.functions[i];
  if (function == wasm::kNoIndex) {
    return {.bits = 0};
  }
  return {.function = dso.module().is_imported_function(function)
                          ? dso.functions[function].load(std::memory_order_acquire)
                          : dso.own_function(function)};
}

/// Puts functions of a DSO into the program's table, some at a time: one lock is not worth one function.
void place_functions(Namespace& program, Dso& dso, std::span<const uint32_t> functions, uint64_t slot) {
  std::array<const LinkedFunction*, 64> found{};
  while (!functions.empty()) {
    const std::span<const uint32_t> some = functions.first(std::min(found.size(), functions.size()));
    dso.own_functions.get_all(some, dso.index, found);
    for (size_t i = 0; i < some.size(); ++i) {
      if (some[i] != wasm::kNoIndex && dso.module().is_imported_function(some[i])) {
        found[i] = dso.functions[some[i]].load(std::memory_order_acquire);
      }
    }
    program.functions.place(std::span(found).first(some.size()), slot);
    functions = functions.subspan(some.size());
    slot += some.size();
  }
}

/// The specification's words for an active segment that does not fit.
struct OutOfBounds {
  runtime::TrapKind kind;
  std::string message;
};

/// Writes one active element segment. `only_own`: leaves alone what other threads see.
std::optional<OutOfBounds> write_elements(Namespace& program, Dso& dso, abi::Instance& instance, uint32_t index,
                                          bool only_own) {
  const wasm::ElementSegment& segment = dso.module().elements[index];
  const runtime::InstanceLayout& layout = dso.executable().layout();
  if (segment.mode == wasm::SegmentMode::passive) {
    return std::nullopt;
  }
  runtime::at<uint8_t>(instance, layout.dropped_elements + index) = 1;
  if (segment.mode == wasm::SegmentMode::declarative ||
      (only_own && dso.tables[segment.table].kind != TableBinding::Kind::own)) {
    return std::nullopt;
  }
  auto* const table = static_cast<runtime::Table*>(runtime::at<abi::Table*>(instance, layout.table(segment.table)));
  const uint64_t offset = evaluate(segment.offset, dso, instance).u32;
  const uint64_t size = table->size.load(std::memory_order_acquire);
  if (segment.size() > size || offset > size - segment.size()) {
    return OutOfBounds{runtime::TrapKind::table_out_of_bounds,
                       fmt::format("element segment {} puts {} elements at slot {} of a table of {}", index,
                                   segment.size(), offset, size)};
  }
  const bool is_program_table = table == program.functions.table();
  if (is_program_table && segment.expressions.empty()) {
    place_functions(program, dso, segment.functions.view(), offset);
    return std::nullopt;
  }
  for (uint32_t i = 0; i < segment.size(); ++i) {
    const abi::Cell value = element(segment, i, dso, instance);
    if (is_program_table && value.bits != 0) {
      program.functions.place(*static_cast<const LinkedFunction*>(value.function), offset + i);
    } else {
      table->set(offset + i, value);
    }
  }
  return std::nullopt;
}

/// Copies one active data segment. The result says whether the bytes could be read.
Result<std::optional<OutOfBounds>> write_data(Dso& dso, abi::Instance& instance, uint32_t index) {
  const wasm::DataSegment& segment = dso.module().data[index];
  if (segment.mode != wasm::SegmentMode::active) {
    return std::nullopt;
  }
  runtime::at<uint8_t>(instance, dso.executable().layout().dropped_data + index) = 1;
  const runtime::Memory& memory = *dso.memories[segment.memory];
  const uint64_t offset = evaluate(segment.offset, dso, instance).u32;
  const uint64_t size = memory.size.load(std::memory_order_acquire);
  if (segment.size > size || offset > size - segment.size) {
    return OutOfBounds{runtime::TrapKind::memory_out_of_bounds,
                       fmt::format("data segment {} puts {} bytes at address {} of a memory of {}", index, segment.size,
                                   offset, size)};
  }
  base::prefault(memory.base + offset, segment.size, base::Access::write);
  if (!base::guarded_copy(memory.base + offset, dso.module().bytes().subspan(segment.bytes_offset, segment.size))) {
    return fail(ErrorKind::io, "{}: the file was truncated while it was being loaded", dso.name);
  }
  return std::nullopt;
}

/// A library writes what it was given and nothing else: a segment outside is a broken or hostile one, found before
/// anything is written.
Result<> check_segments(Namespace& program, Dso& dso, abi::Instance& instance) {
  const wasm::Module& module = dso.module();
  for (uint32_t i = 0; i < module.elements.size(); ++i) {
    const wasm::ElementSegment& segment = module.elements[i];
    if (segment.mode == wasm::SegmentMode::active && dso.tables[segment.table].kind == TableBinding::Kind::program) {
      const uint64_t offset = evaluate(segment.offset, dso, instance).u32;
      if (!is_inside(offset, segment.size(), dso.table_base, dso.table_size())) {
        return fail(ErrorKind::unlinkable,
                    "{}: element segment {} puts {} elements at slot {}, outside of the {} slots from {} on that its "
                    "dylink.0 section asked for; build it with -shared -fPIC",
                    dso.name, i, segment.size(), offset, dso.table_size(), dso.table_base);
      }
    }
  }
  for (uint32_t i = 0; i < module.data.size(); ++i) {
    const wasm::DataSegment& segment = module.data[i];
    if (segment.mode == wasm::SegmentMode::active && dso.memories[segment.memory] == program.memory) {
      const uint64_t offset = evaluate(segment.offset, dso, instance).u32;
      if (!is_inside(offset, segment.size, dso.memory_base, dso.memory_size())) {
        return fail(ErrorKind::unlinkable,
                    "{}: data segment {} puts {} bytes at address {}, outside of the {} bytes from {} on that its "
                    "dylink.0 section asked for; build it with -shared -fPIC",
                    dso.name, i, segment.size, offset, dso.memory_size(), dso.memory_base);
      }
    }
  }
  return {};
}

/// What GOT cells hold, the same in every thread: computed by the first one, in the bindings, for all others to copy.
Result<> settle_cells(Namespace& program, GuestThread& thread, Dso& dso, LoadSet& load) {
  std::vector<const LinkedFunction*> functions;
  for (const GlobalBinding& binding : dso.globals) {
    if (binding.kind == GlobalBinding::Kind::function) {
      functions.push_back(binding.function);
    }
  }
  const size_t slots = load.new_slots.size();
  TENON_CHECK(program.functions.give_slots(functions, load.new_slots));
  program.report.statistics.table_slots += load.new_slots.size() - slots;
  for (GlobalBinding& binding : dso.globals) {
    if (binding.kind == GlobalBinding::Kind::data) {
      const uint32_t address = static_cast<uint32_t>(binding.dso->memory_base) +
                               global_value(*binding.dso, *thread.instance(*binding.dso), binding.index).u32;
      binding = {.kind = GlobalBinding::Kind::value, .value = address};
    } else if (binding.kind == GlobalBinding::Kind::function) {
      binding = {.kind = GlobalBinding::Kind::value,
                 .value = binding.function->slot.load(std::memory_order_relaxed),
                 .function = binding.function};
    }
  }
  return {};
}

/// Fills the GOT cells of one instance but for thread-local addresses.
void fill_cells(Namespace& program, GuestThread& thread, const Dso& dso) {
  abi::Instance& instance = *thread.instance(dso);
  for (uint32_t i = 0; i < dso.globals.size(); ++i) {
    const GlobalImport& import = dso.shared().globals[i];
    if (import.is_got && dso.globals[i].kind == GlobalBinding::Kind::value) {
      runtime::at<abi::Cell>(instance, dso.executable().layout().global(i)).bits = dso.globals[i].value;
      ++program.report.statistics.cells;
      program.report.line(kDebugReloc, "cell {}.{} of {} is {:#x}", import.import->module, Printable{import.name.text},
                          dso.name, dso.globals[i].value);
    }
  }
}

/// Gives the instance its thread's thread-local block of the DSO, as everyone but the first thread needs one: that has
/// the DSO's image. Runs guest code.
Result<> make_tls_block(Namespace& program, GuestThread& thread, Dso& dso) {
  const std::optional<TlsNeeds> needs = TENON_TRY(tls_needs(dso));
  if (!needs) {
    return {};
  }
  abi::Instance& instance = *thread.instance(dso);
  MemoryRange block = thread.take_block(dso.index);
  if (block.size == 0) {
    block = TENON_TRY(
        program.placement.take_block(program, needs->size, needs->alignment, "the thread-local block of " + dso.name));
  }
  thread.keep_block(dso.index, block);
  const abi::Cell argument{.u64 = block.base};
  program.report.line(kDebugReloc, "thread {}: thread-local block of {} at {:#x} size {:#x}", thread.id, dso.name,
                      block.base, block.size);
  return call_guest(program, thread, dso.own_function(*dso.shared().init_tls), {&argument, 1}, {},
                    "making the thread-local block of", dso.name, &instance);
}

/// Fills the cells of thread-local addresses: after the definers' start functions have set up their blocks.
Result<> fill_thread_local_cells(GuestThread& thread, const Dso& dso) {
  for (uint32_t i = 0; i < dso.globals.size(); ++i) {
    const GlobalBinding& binding = dso.globals[i];
    if (binding.kind != GlobalBinding::Kind::thread_local_data) {
      continue;
    }
    const auto base = binding.dso->shared().tls_base;
    if (!base) {
      return fail(ErrorKind::unlinkable,
                  "{} uses thread-local {} of {}, which does not export __tls_base: link that with "
                  "-Wl,--export-if-defined=__tls_base",
                  dso.name, printable(dso.shared().globals[i].name.text), binding.dso->name);
    }
    abi::Instance& definer = *thread.instance(*binding.dso);
    runtime::at<abi::Cell>(*thread.instance(dso), dso.executable().layout().global(i)).u64 =
        global_value(*binding.dso, definer, *base).u32 + global_value(*binding.dso, definer, binding.index).u32;
  }
  return {};
}

/// Patches the import slots whose functions are decided and whose definers have an instance.
void bind_decided(GuestThread& thread, Dso& dso) {
  for (uint32_t i = 0; i < dso.module().imported_functions; ++i) {
    if (const LinkedFunction* const target = dso.functions[i].load(std::memory_order_acquire)) {
      if (abi::Instance* const instance = thread.instance(target->dso)) {
        patch(*thread.instance(dso), i, *target, instance);
      }
    }
  }
}

/// Where the stack of a main module with fixed addresses ends, when it says so; a PIE's is the linker's choice.
void learn_stack(GuestThread& thread, const Dso& dso) {
  const wasm::Export* const low = dso.module().find_export("__stack_low");
  if (!dso.shared().position_independent && low != nullptr && low->kind == wasm::ExternKind::global) {
    // Libraries may have been placed in its low end.
    thread.state().stack_low =
        std::max<uint64_t>(thread.state().stack_low, global_value(dso, *thread.instance(dso), low->index).u32);
  }
}

Result<> run_start_function(Namespace& program, GuestThread& thread, Dso& dso) {
  if (!dso.module().start) {
    return {};
  }
  return call_guest(program, thread, dso, *dso.module().start, "running the start function of");
}

Result<> trap(GuestThread& thread, const Dso& dso, OutOfBounds what) {
  thread.state().raise(what.kind, std::move(what.message));
  return fail(ErrorKind::trap, "while instantiating {}: {}", dso.name, thread.state().take_trap().message);
}

}  // namespace

Result<> instantiate(Namespace& program, LoadSet& load) {
  GuestThread& thread = *load.thread;
  std::vector<Dso*> dsos;
  std::ranges::copy_if(load.dsos, std::back_inserter(dsos),
                       [](const Dso* dso) { return dso->state != State::put_off; });
  const std::vector<Dso*> order = dependency_order(dsos);
  for (Dso* const dso : order) {
    (void)TENON_TRY(make_instance(program, thread, *dso));
  }
  if (!load.is_first) {
    for (const Dso* const dso : order) {
      TENON_CHECK(make_definers(thread, *dso));
    }
  }
  for (Dso* const dso : order) {
    TENON_CHECK(fill_globals(thread, *dso, program.functions.table()));
  }
  if (load.is_first) {
    learn_stack(thread, *program.main);
  }
  for (Dso* const dso : order) {
    if (!dso->is_main || dso->shared().position_independent) {
      TENON_CHECK(check_segments(program, *dso, *thread.instance(*dso)));
    }
  }
  // Not in dependency order: the slot of a function is the one that its own DSO, or main, put it in.
  for (Dso* const dso : dsos) {
    for (uint32_t i = 0; i < dso->module().elements.size(); ++i) {
      if (auto outside = write_elements(program, *dso, *thread.instance(*dso), i, false)) {
        return trap(thread, *dso, *std::move(outside));
      }
    }
  }
  for (Dso* const dso : dsos) {
    TENON_CHECK(settle_cells(program, thread, *dso, load));
    fill_cells(program, thread, *dso);
  }
  for (Dso* const dso : dsos) {
    for (uint32_t i = 0; i < dso->module().data.size(); ++i) {
      if (auto outside = TENON_TRY(write_data(*dso, *thread.instance(*dso), i))) {
        return trap(thread, *dso, *std::move(outside));
      }
    }
    bind_decided(thread, *dso);
  }
  for (Dso* const dso : order) {
    load.code_ran |= dso->module().start.has_value();
    TENON_CHECK(run_start_function(program, thread, *dso));
    if (program.ending) {
      return {};
    }
  }
  for (Dso* const dso : order) {
    TENON_CHECK(fill_thread_local_cells(thread, *dso));
  }
  return {};
}

Result<> instantiate_plain(Namespace& program, Dso& dso) {
  GuestThread& thread = *program.main_thread;
  abi::Instance& instance = *TENON_TRY(make_instance(program, thread, dso));
  TENON_CHECK(fill_globals(thread, dso, program.functions.table()));
  bind_decided(thread, dso);
  for (uint32_t i = 0; i < dso.module().elements.size(); ++i) {
    if (auto outside = write_elements(program, dso, instance, i, false)) {
      return trap(thread, dso, *std::move(outside));
    }
  }
  for (uint32_t i = 0; i < dso.module().data.size(); ++i) {
    if (auto outside = TENON_TRY(write_data(dso, instance, i))) {
      return trap(thread, dso, *std::move(outside));
    }
  }
  return run_start_function(program, thread, dso);
}

Result<> apply_data_relocations(Namespace& program, LoadSet& load) {
  for (Dso* const dso : dependency_order(load.dsos)) {
    const auto function = dso->shared().apply_data_relocs;
    if (function && dso->state != State::put_off && !program.ending) {
      program.report.line(kDebugReloc, "relocation processing: {}", dso->name);
      ++program.report.statistics.data_relocations;
      load.code_ran = true;
      TENON_CHECK(call_guest(program, *load.thread, *dso, *function, "applying the data relocations of"));
    }
  }
  return {};
}

namespace {

/// What a thread that was not there when `dso` was loaded does to have its instance, which is in place and empty. As
/// wasi-threads says: globals, cells and the start function, which finds the shared memory initialised; no data, no
/// elements that other threads see, no relocations, no constructors.
Result<> fill_for_thread(Namespace& program, GuestThread& thread, Dso& dso) {
  abi::Instance& instance = *thread.instance(dso);
  TENON_CHECK(make_definers(thread, dso));
  TENON_CHECK(fill_globals(thread, dso, program.functions.table()));
  for (uint32_t i = 0; i < dso.module().data.size(); ++i) {
    if (dso.module().data[i].mode == wasm::SegmentMode::active) {
      runtime::at<uint8_t>(instance, dso.executable().layout().dropped_data + i) = 1;
    }
  }
  for (uint32_t i = 0; i < dso.module().elements.size(); ++i) {
    if (auto outside = write_elements(program, dso, instance, i, true)) {
      return trap(thread, dso, *std::move(outside));
    }
  }
  fill_cells(program, thread, dso);
  bind_decided(thread, dso);
  TENON_CHECK(run_start_function(program, thread, dso));
  if (!program.ending) {
    TENON_CHECK(make_tls_block(program, thread, dso));
  }
  if (program.ending) {
    return {};
  }
  return fill_thread_local_cells(thread, dso);
}

}  // namespace

void bind_decided(Namespace& program, GuestThread& thread, uint32_t index) {
  const std::shared_lock lock(program.link_map_lock);
  Dso* const dso = program.dsos[index].get();
  if (dso != nullptr && dso->state != State::gone && thread.instance(*dso) != nullptr) {
    bind_decided(thread, *dso);
  }
}

Result<std::optional<TlsNeeds>> tls_needs(const Dso& dso) {
  const SharedModule& module = dso.shared();
  if (module.lacks_tls_exports()) {
    return fail(ErrorKind::unlinkable,
                "{} has thread-local variables but does not export {}, so that only the first thread can use it: link "
                "it with -Wl,--export-if-defined=__wasm_init_tls,--export-if-defined=__tls_base,"
                "--export-if-defined=__tls_size,--export-if-defined=__tls_align, as tenon-cc -pthread does",
                dso.name, module.init_tls ? "__tls_size" : "__wasm_init_tls");
  }
  if (!dso.shared().is_dynamic() || !module.init_tls) {
    return std::nullopt;
  }
  const uint64_t size = exported_constant(dso.module(), "__tls_size").value_or(0);
  const uint32_t alignment = exported_constant(dso.module(), "__tls_align").value_or(0);
  if (size == 0) {
    return std::nullopt;
  }
  return TlsNeeds{.size = size,
                  .alignment = alignment == 0 ? 4U : static_cast<uint32_t>(std::bit_width(alignment - 1))};
}

namespace {

/// Whether `dso`, which is gone, is used by another one that is gone, and of which the thread has an instance: it may
/// be inside of that, and goes on there. Until it has said that it is not, both stay (see unload.cpp). A lock on the
/// link map is held.
bool is_used_by_what_the_thread_has(const Namespace& program, const GuestThread& thread, const Dso& dso) {
  std::vector<const Dso*> work;
  std::ranges::copy_if(program.gone, std::back_inserter(work),
                       [&](const Dso* one) { return thread.instance(*one) != nullptr; });
  std::unordered_set<const Dso*> seen(work.begin(), work.end());
  while (!work.empty()) {
    const Dso* const user = work.back();
    work.pop_back();
    for (const auto* const list : {&user->needed, &user->also_uses}) {
      for (const Dso* const used : *list) {
        if (used == &dso) {
          return true;
        }
        if (seen.insert(used).second) {
          work.push_back(used);
        }
      }
    }
  }
  return false;
}

std::string being_loaded(const Dso& dso) {
  return "call into " + dso.name + ", which is in the middle of being loaded";
}

}  // namespace

abi::Instance* instance_for_thread(Namespace& program, abi::Thread& thread_state, uint32_t index) {
  GuestThread& thread = GuestThread::of(thread_state);
  runtime::Thread& state = thread.state();
  const runtime::InLinker in_linker(state);
  Dso* dso = nullptr;   // unless `refusal` says why not
  std::string refusal;  // made under the lock: what is gone may be freed, and what is not published may vanish, then
  auto refused_as = runtime::TrapKind::host;
  Result<abi::Instance*> instance = nullptr;
  // Whoever takes a DSO away holds the lock alone: then either the thread is refused, or it is seen to have an
  // instance.
  const auto find = [&] {
    const std::shared_lock lock(program.link_map_lock);
    dso = program.dsos[index].get();
    if (dso == nullptr || (dso->state == State::gone && !is_used_by_what_the_thread_has(program, thread, *dso))) {
      refusal = "call into unloaded library " + (dso == nullptr ? program.name_of_retired(index) : dso->name);
      refused_as = runtime::TrapKind::uninitialized_element;
      dso = nullptr;
    } else if (dso->state == State::loading && dso->loader.load(std::memory_order_relaxed) != &thread) {
      // Nobody is asked whether they are inside of it when its load fails.
      refusal = being_loaded(*dso);
      dso = nullptr;
    } else if (dso->state != State::put_off && dso->state != State::arriving && thread.instance(*dso) == nullptr) {
      instance = make_instance(program, thread, *dso);
    }
  };
  find();
  if (dso != nullptr && (dso->state == State::put_off || dso->state == State::arriving)) {
    if (auto loaded = load_put_off(program, thread, *dso); !loaded) {
      state.raise(runtime::TrapKind::host, loaded.error().message);
      return nullptr;
    }
    if (program.ending) {
      state.raise_exit(*program.ending);
      return nullptr;
    }
    if (abi::Instance* const made = thread.instance(*dso)) {
      return made;
    }
    find();
  }
  if (dso == nullptr) {
    state.raise(refused_as, std::move(refusal));
    return nullptr;
  }
  Result<> filled;
  if (!instance) {
    filled = std::unexpected(std::move(instance).error());
  } else if (*instance != nullptr) {
    filled = fill_for_thread(program, thread, *dso);
  }
  if (!filled) {
    thread.hide_instance(*dso);  // others may have been bound to it
    state.raise(runtime::TrapKind::host, filled.error().message);
    return nullptr;
  }
  if (program.ending) {
    state.raise_exit(*program.ending);
    return nullptr;
  }
  abi::Instance* const made = thread.instance(*dso);
  if (made == nullptr) {
    state.raise(runtime::TrapKind::host, being_loaded(*dso));
  }
  return made;
}

}  // namespace tenon::link
