#include "link/dso.h"

#include <algorithm>
#include <optional>

#include "link/binding.h"
#include "link/caller.h"
#include "link/evaluate.h"
#include "link/instantiate.h"
#include "link/namespace.h"
#include "runtime/thread.h"

namespace tenon::link {

Dso::Dso(Namespace& program, std::shared_ptr<SharedModule> module, std::string its_name)
    : LinkedModule(std::move(module)), name(std::move(its_name)), own_functions(executable()), program_(program) {
  functions = std::make_unique<std::atomic<const LinkedFunction*>[]>(this->module().imported_functions);
}

uint64_t Dso::memory_size() const {
  return module().dylink ? module().dylink->memory_size : 0;
}

uint64_t Dso::table_size() const {
  return module().dylink ? module().dylink->table_size : 0;
}

Dso::Range Dso::data_range() const {
  if (shared().position_independent || !is_main) {
    return {memory_base, memory_size()};
  }
  // Linked to fixed addresses: its segments, and what is zero behind them as far as it says.
  uint64_t begin = UINT64_MAX;
  uint64_t end = 0;
  for (const wasm::DataSegment& segment : module().data) {
    if (const auto offset = segment.mode == wasm::SegmentMode::active ? constant_value(segment.offset) : std::nullopt) {
      begin = std::min<uint64_t>(begin, *offset);
      end = std::max<uint64_t>(end, *offset + segment.size);
    }
  }
  end = std::max<uint64_t>(end, exported_constant(module(), "__data_end").value_or(0));
  return begin < end ? Range{begin, end - begin} : Range{};
}

const abi::FunctionDescriptor* Dso::descriptor(abi::Thread& thread, uint32_t function) {
  if (!module().is_imported_function(function)) {
    return own_function(function);
  }
  auto resolved = resolve_function(*this, function);
  if (!resolved) {
    runtime::Thread::of(thread).raise(runtime::TrapKind::unresolved_symbol, resolved.error().text());
    return nullptr;
  }
  if (*resolved == nullptr) {
    runtime::Thread::of(thread).raise(runtime::TrapKind::unresolved_symbol, undefined_weak_text(*this, function));
  }
  return *resolved;
}

const abi::FunctionDescriptor* Dso::bind(abi::Thread& thread, abi::Instance& importer, uint32_t import) {
  const runtime::InLinker in_linker(runtime::Thread::of(thread));
  const bool is_first = functions[import].load(std::memory_order_relaxed) == nullptr;
  const abi::FunctionDescriptor* const target = descriptor(thread, import);
  if (target == nullptr) {
    return nullptr;
  }
  abi::Instance* const instance = instance_of(thread, target->dso);
  if (instance == nullptr) {
    return nullptr;
  }
  program_.report.statistics.bound_lazily += is_first ? 1 : 0;
  patch(importer, import, *target, instance);
  return target;
}

std::string Dso::describe_null_element(const abi::Table& table, uint64_t element) const {
  if (&table != program_.functions.table()) {
    return {};
  }
  const std::string owner = program_.functions.former_owner(element);
  return owner.empty() ? "" : "call into unloaded library " + owner;
}

abi::Instance* Dso::running_instance(abi::Thread& thread, const runtime::Executable& executable) const {
  const Dso* const dso = running_dso(program_, runtime::Thread::of(thread), executable);
  return dso == nullptr ? nullptr : thread.instances[dso->index];
}

abi::Instance* Dso::instance_of(abi::Thread& thread, uint32_t dso) {
  if (abi::Instance* const instance = thread.instances[dso]) {
    return instance;
  }
  return instance_for_thread(program_, thread, dso);
}

}  // namespace tenon::link
