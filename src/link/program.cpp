#include "link/program.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "interp/interp.h"
#include "link/destructors.h"
#include "link/evaluate.h"
#include "link/examine.h"
#include "link/guest_call.h"
#include "link/guest_dl.h"
#include "link/instantiate.h"
#include "link/layout.h"
#include "link/load.h"
#include "link/lookup.h"
#include "link/namespace.h"
#include "link/open.h"
#include "link/resolve.h"
#include "link/unload.h"

namespace tenon::link {

namespace {

constexpr size_t kListedExports = 10;

/// DSO 0: the owner of host functions, a module without anything.
Result<> add_host_dso(Namespace& state) {
  auto module = std::make_shared<wasm::Module>();
  module->name = "host";
  auto shared = TENON_TRY(SharedModule::make(std::move(module), state.options.code));
  Dso* const host = TENON_TRY(state.add_dso(std::move(shared), "host"));
  (void)TENON_TRY(state.main_thread->add_instance(*host, 0));
  return {};
}

std::string list_functions(const wasm::Module& module) {
  std::string list;
  size_t count = 0;
  for (const wasm::Export& symbol : module.exports) {
    if (symbol.kind == wasm::ExternKind::function && count++ < kListedExports) {
      list += (list.empty() ? "" : ", ") + printable(symbol.name);
    }
  }
  if (count > kListedExports) {
    list += fmt::format(" and {} more", count - kListedExports);
  }
  return count == 0 ? "no functions" : list;
}

const wasm::Export* find_export(const Dso& dso, std::string_view name, wasm::ExternKind kind) {
  const wasm::Export* const symbol = dso.module().find_export(name);
  return symbol != nullptr && symbol->kind == kind ? symbol : nullptr;
}

/// What is pending in a thread that left the guest. Inside of another call it stays pending, so that the host function
/// in between, which has to return false, hands it on.
CallOutcome take_pending(Namespace& state, runtime::Thread& thread, bool nested) {
  CallOutcome outcome;
  switch (thread.pending) {
    case abi::Pending::exit:
      outcome.kind = CallOutcome::Kind::exit;
      outcome.exit_code = thread.exit_code;
      state.exit_code = thread.exit_code;
      break;
    case abi::Pending::exception:
      outcome.kind = CallOutcome::Kind::exception;
      break;
    default:
      outcome.kind = CallOutcome::Kind::trap;
      outcome.trap = thread.trap;
      break;
  }
  if (!nested) {
    thread.pending = abi::Pending::none;
    thread.exception = nullptr;
    thread.trap = {};
  }
  return outcome;
}

/// Calls `target`, or what is function number `function` of `dso` when that has to be found first.
CallOutcome call_function(Namespace& state, Dso& dso, uint32_t function, std::span<const abi::Cell> arguments,
                          const abi::FunctionDescriptor* target = nullptr) {
  CallOutcome outcome;
  if (state.exit_code) {
    outcome.kind = CallOutcome::Kind::exit;
    outcome.exit_code = *state.exit_code;
    return outcome;
  }
  const bool nested = state.calls_in_progress != 0;
  GuestThread& guest = *state.main_thread;
  runtime::Thread& thread = guest.state();
  if (!nested) {
    guest.adopt_native_stack();
  }
  state.main_was_started = true;
  const PendingKept pending(thread);
  if (target == nullptr) {
    target = dso.descriptor(thread, function);
  }
  abi::Instance* const instance = target == nullptr ? nullptr : dso.instance_of(thread, target->dso);
  if (instance == nullptr) {
    return take_pending(state, thread, nested);
  }
  outcome.results.resize(target->type->results.size());
  ++state.calls_in_progress;
  const bool returned = interp::invoke(thread, instance, *target->code, arguments, outcome.results);
  --state.calls_in_progress;
  if (!returned) {
    outcome = take_pending(state, thread, nested);
  } else if (state.exit_code) {  // asked for by what a host function opened or closed
    outcome = {.kind = CallOutcome::Kind::exit, .results = {}, .exit_code = *state.exit_code, .trap = {}};
  }
  if (!nested) {
    reclaim(state);
  }
  return outcome;
}

}  // namespace

Program::Program(std::unique_ptr<Namespace> state) : state_(std::move(state)) {}

Program::~Program() {
  if (state_->main != nullptr && state_->report.wants(kDebugStatistics)) {
    state_->report.line(kDebugStatistics, "{}", state_->report.statistics.text());
  }
}

Result<std::unique_ptr<Program>> Program::create(Engine& engine, ProgramOptions options) {
  auto state = std::make_unique<Namespace>(engine, std::move(options));
  state->main_thread =
      TENON_TRY(GuestThread::create(state->options.interpreter_stack, state->options.maximum_libraries + 1));
  TENON_CHECK(add_host_dso(*state));
  TENON_CHECK(state->host.add(std::string(kDestructorModule), destructor_functions(), state.get()));
  for (const GuestInterface& interface : guest_interfaces()) {
    TENON_CHECK(state->host.add(interface.module, interface.functions, state.get()));
  }
  return std::unique_ptr<Program>(new Program(std::move(state)));
}

Result<> Program::add_host_module(const std::string& name, std::span<const runtime::HostFunctionDefinition> functions,
                                  void* environment) {
  return state_->host.add(name, functions, environment);
}

Result<> Program::load_main(const std::string& path) {
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot load {}: the program has a main module already", path);
  }
  state_->main_thread->adopt_native_stack();
  Found main = TENON_TRY(state_->search.find_main(path));
  return load(*state_, std::move(main), path);
}

Result<> Program::load_main(std::shared_ptr<SharedModule> module, const std::string& directory) {
  const std::string name = module->module().name;
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot load {}: the program has a main module already", name);
  }
  state_->main_thread->adopt_native_stack();
  state_->search.set_main_directory(directory);
  Found main;
  main.module = std::move(module);
  main.directory = directory;
  main.origin = Origin::embedder;
  main.through = FoundThrough::main;
  return load(*state_, std::move(main), name);
}

Result<Dso*> Program::instantiate(std::shared_ptr<SharedModule> module, const std::string& name) {
  Namespace& state = *state_;
  if (state.calls_in_progress == 0) {
    state.main_thread->adopt_native_stack();
  }
  // sandbox: code without bounds checks runs only on memories that are guarded.
  if (module->options() != state.options.code) {
    return fail(ErrorKind::usage, "{} was loaded with other code options than the program's", printable(name));
  }
  Dso* const dso = TENON_TRY(state.add_dso(std::move(module), printable(name)));
  dso->origin = Origin::embedder;
  dso->found_through = FoundThrough::instantiated;
  Result<> prepared = make_own(state, *dso);
  if (prepared) {
    prepared = resolve_plain(state, *dso);
  }
  if (!prepared) {
    state.discard({dso});
    return std::unexpected(std::move(prepared).error());
  }
  if (auto instantiated = instantiate_plain(state, *dso); !instantiated) {
    dso->state = State::failed;
    return std::unexpected(std::move(instantiated).error());
  }
  dso->state = State::ready;
  const std::unique_lock lock(state.link_map_lock);
  state.link_map.push_back(dso);
  return dso;
}

void Program::register_instance(std::string name, Dso& dso) {
  const std::unique_lock lock(state_->link_map_lock);
  state_->registered_instances[std::move(name)] = &dso;
}

Result<Examination> Program::examine(const std::string& path, bool resolve_symbols) {
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot examine {}: the program has a main module already", path);
  }
  Found main = TENON_TRY(state_->search.find_main(path));
  return link::examine(*state_, std::move(main), path, resolve_symbols);
}

Result<MemoryMap> Program::map_memory(const std::string& path) {
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot map {}: the program has a main module already", path);
  }
  Found main = TENON_TRY(state_->search.find_main(path));
  return link::map_memory(*state_, std::move(main), path);
}

Result<CallOutcome> Program::run() {
  if (state_->exit_code) {
    return CallOutcome{.kind = CallOutcome::Kind::exit, .results = {}, .exit_code = *state_->exit_code, .trap = {}};
  }
  if (state_->main == nullptr) {
    return fail(ErrorKind::usage, "there is no main module to run");
  }
  const auto start = state_->main->shared().start;
  if (!start) {
    return fail(ErrorKind::usage, "{} has no function _start to run; it exports {} (see --invoke)", state_->main->name,
                list_functions(state_->main->module()));
  }
  CallOutcome outcome = call_function(*state_, *state_->main, *start, {});
  // A libc that keeps no list of destructors did not run them.
  if (outcome.kind == CallOutcome::Kind::returned && !state_->destructors.empty()) {
    if (auto ran = state_->destructors.run_from(*state_, *state_->main_thread, 0); !ran) {
      outcome.kind = CallOutcome::Kind::trap;
      outcome.trap = {.kind = runtime::TrapKind::host, .message = ran.error().message, .backtrace = {}, .omitted = 0};
    } else if (state_->exit_code) {
      outcome.kind = CallOutcome::Kind::exit;
      outcome.exit_code = *state_->exit_code;
    }
  }
  return outcome;
}

Result<Dso*> Program::open(const std::string& name, OpenFlags flags) {
  if (state_->calls_in_progress == 0) {
    state_->main_thread->adopt_native_stack();
  }
  const PendingKept pending(state_->main_thread->state());
  return link::open(*state_, name, nullptr, flags);
}

Result<> Program::close(Dso& dso) {
  if (state_->calls_in_progress == 0) {
    state_->main_thread->adopt_native_stack();
  }
  const PendingKept pending(state_->main_thread->state());
  return link::close(*state_, dso, Party::embedder);
}

Result<Program::Symbol> Program::symbol(Dso& dso, std::string_view name) {
  const SymbolAddress found = TENON_TRY(find_address(*state_, LookIn::library, &dso, name));
  Symbol symbol{.address = found.address, .is_function = found.function != nullptr, .type = {}};
  if (found.function != nullptr) {
    symbol.type = *found.function->type;
  }
  return symbol;
}

Result<CallOutcome> Program::call_slot(uint32_t function, std::span<const abi::Cell> arguments) {
  const runtime::Table* const table = state_->functions.table();
  const abi::FunctionDescriptor* const target =
      table == nullptr || function >= table->size.load(std::memory_order_acquire) ? nullptr
                                                                                  : table->get(function).function;
  if (target == nullptr) {
    const std::string owner = state_->functions.former_owner(function);
    return fail(ErrorKind::usage, "table slot {} holds no function{}", function,
                owner.empty() ? "" : ": it was one of unloaded library " + owner);
  }
  if (target->type->parameters.size() != arguments.size()) {
    return fail(ErrorKind::usage, "the function in table slot {} takes {} arguments {}, not {}", function,
                target->type->parameters.size(), to_string(*target->type), arguments.size());
  }
  Dso* const dso = state_->dso(target->dso);
  if (dso == nullptr) {
    return fail(ErrorKind::usage, "the function in table slot {} is one of unloaded library {}", function,
                state_->name_of_retired(target->dso));
  }
  return call_function(*state_, *dso, target->function, arguments, target);
}

Result<uint32_t> Program::add_callback(const runtime::HostFunctionDefinition& function, void* environment) {
  state_->callbacks.push_back(std::make_unique<HostFunctionEntry>("callback", function, environment));
  auto slot = state_->functions.slot_of(state_->callbacks.back()->function);
  if (!slot) {
    state_->callbacks.pop_back();
  }
  return slot;
}

uint8_t* Program::memory(uint64_t address, uint64_t length) const {
  const uint64_t size = memory_size();
  return state_->memory == nullptr || length > size || address > size - length ? nullptr
                                                                               : state_->memory->base + address;
}

Result<CallOutcome> Program::call(Dso& dso, std::string_view function, std::span<const abi::Cell> arguments) {
  const wasm::Export* const symbol = find_export(dso, function, wasm::ExternKind::function);
  if (symbol == nullptr) {
    return fail(ErrorKind::usage, "{} exports no function {}; it exports {}", dso.name, printable(function),
                list_functions(dso.module()));
  }
  const wasm::FunctionType& type = dso.module().function_type(symbol->index);
  if (type.parameters.size() != arguments.size()) {
    return fail(ErrorKind::usage, "{} of {} takes {} arguments {}, not {}", printable(function), dso.name,
                type.parameters.size(), to_string(type), arguments.size());
  }
  return call_function(*state_, dso, symbol->index, arguments);
}

Result<GlobalReference> Program::global(Dso& dso, std::string_view name) {
  const wasm::Export* const symbol = find_export(dso, name, wasm::ExternKind::global);
  abi::Instance* const instance = state_->main_thread->instance(dso);
  if (symbol == nullptr || instance == nullptr) {
    return fail(ErrorKind::usage, "{} exports no global {}", dso.name, printable(name));
  }
  return GlobalReference{dso.module().globals[symbol->index].type, global_cell(dso, *instance, symbol->index)};
}

Dso* Program::main() const {
  return state_->main;
}

std::vector<LinkMapEntry> Program::link_map() const {
  const std::shared_lock lock(state_->link_map_lock);
  std::vector<LinkMapEntry> entries;
  for (const Dso* const dso : state_->link_map) {
    LinkMapEntry& entry = entries.emplace_back();
    entry.name = dso->name;
    entry.path = dso->path;
    entry.found_through = dso->found_through;
    entry.requester = dso->requester;
    for (const Dso* const needed : dso->needed) {
      entry.needed.push_back(needed->name);
    }
    entry.position_independent = dso->shared().position_independent;
    entry.memory_base = dso->memory_base;
    entry.memory_size = dso->memory_size();
    entry.table_base = dso->table_base;
    entry.table_size = dso->table_size();
  }
  return entries;
}

const Statistics& Program::statistics() const {
  return state_->report.statistics;
}

uint64_t Program::memory_size() const {
  return state_->memory == nullptr ? 0 : state_->memory->size.load(std::memory_order_acquire);
}

}  // namespace tenon::link
