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

/// How the program ended, for who finds that it has.
CallOutcome ended(const Namespace& state) {
  CallOutcome outcome;
  if (auto trap = state.ending.trap()) {
    outcome.kind = CallOutcome::Kind::trap;
    outcome.trap = *std::move(trap);
  } else {
    outcome.kind = CallOutcome::Kind::exit;
    outcome.exit_code = *state.ending;
  }
  return outcome;
}

/// What is pending in a thread that left the guest. Inside of another call it stays pending, so that the host function
/// in between, which has to return false, hands it on.
CallOutcome take_pending(Namespace& state, GuestThread& guest, bool nested) {
  runtime::Thread& thread = guest.state();
  CallOutcome outcome;
  switch (thread.pending) {
    case abi::Pending::exit:
      outcome.kind = CallOutcome::Kind::exit;
      outcome.exit_code = thread.exit_code;
      if (!guest.has_ended) {  // that ends the thread alone (pthread_exit), which stays pending
        end_program(state, &guest, thread.exit_code);
      }
      break;
    case abi::Pending::exception:
      outcome.kind = CallOutcome::Kind::exception;
      break;
    default:
      outcome.kind = CallOutcome::Kind::trap;
      outcome.trap = thread.trap;
      if (outcome.trap.kind == runtime::TrapKind::interrupted && state.ending) {
        outcome = ended(state);
      }
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
CallOutcome call_function(Namespace& state, GuestThread& guest, Dso& dso, uint32_t function,
                          std::span<const abi::Cell> arguments, const abi::FunctionDescriptor* target = nullptr) {
  if (state.ending) {
    return ended(state);
  }
  CallOutcome outcome;
  const bool nested = guest.calls_in_progress != 0 || guest.kind == GuestThread::Kind::spawned;
  runtime::Thread& thread = guest.state();
  state.main_was_started.store(true, std::memory_order_relaxed);
  const PendingKept pending(thread);
  if (target == nullptr) {
    target = dso.descriptor(thread, function);
  }
  abi::Instance* const instance = target == nullptr ? nullptr : dso.instance_of(thread, target->dso);
  if (instance == nullptr) {
    return take_pending(state, guest, nested);
  }
  outcome.results.resize(abi::cells_of(target->type->results));
  ++guest.calls_in_progress;
  const bool returned = interp::invoke(thread, instance, *target->code, arguments, outcome.results);
  --guest.calls_in_progress;
  if (!returned) {
    outcome = take_pending(state, guest, nested);
  } else if (state.ending) {  // asked for by what a host function opened or closed, or by another thread
    outcome = ended(state);
  }
  if (!nested) {
    reclaim(state, guest);
  }
  return outcome;
}

/// The function in a slot of the function table. The thread is in the program.
Result<const abi::FunctionDescriptor*> in_slot(const Namespace& program, uint32_t slot) {
  const runtime::Table* const table = program.functions.table();
  const abi::FunctionDescriptor* const target =
      table == nullptr || slot >= table->size.load(std::memory_order_acquire) ? nullptr : table->get(slot).function;
  if (target == nullptr) {
    const std::string owner = program.functions.former_owner(slot);
    return fail(ErrorKind::usage, "table slot {} holds no function{}", slot,
                owner.empty() ? "" : ": it was one of unloaded library " + owner);
  }
  return target;
}

}  // namespace

Program::Program(std::unique_ptr<Namespace> state) : state_(std::move(state)) {}

Program::~Program() {
  if (state_ == nullptr) {
    return;
  }
  end_program(*state_, nullptr, 0);
  state_->threads.close(*state_);
  if (state_->main != nullptr && state_->report.wants(kDebugStatistics)) {
    state_->report.line(kDebugStatistics, "{}", state_->report.statistics.text());
  }
}

Result<std::unique_ptr<Program>> Program::create(Engine& engine, ProgramOptions options) {
  auto state = std::make_unique<Namespace>(engine, std::move(options));
  state->main_thread = TENON_TRY(GuestThread::create(GuestThread::Kind::main, state->options.interpreter_stack,
                                                     state->options.maximum_libraries + 1));
  state->threads.add(*state->main_thread);
  TENON_CHECK(add_host_dso(*state));
  TENON_CHECK(state->host.add(std::string(kDestructorModule), destructor_functions(), state.get()));
  TENON_CHECK(state->host.add("wasi", wasi_thread_functions(), state.get()));
  for (const GuestInterface& interface : guest_interfaces()) {
    TENON_CHECK(state->host.add(interface.module, interface.functions, state.get()));
  }
  return std::unique_ptr<Program>(new Program(std::move(state)));
}

Result<> Program::add_host_module(const std::string& name, std::span<const runtime::HostFunctionDefinition> functions,
                                  void* environment) {
  return state_->host.add(name, functions, environment);
}

void Program::set_host_resolver(HostResolver resolver) {
  state_->host.set_resolver(std::move(resolver));
}

Result<> Program::load_main(const std::string& path) {
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot load {}: the program has a main module already", path);
  }
  const Presence presence(*state_, *TENON_TRY(state_->threads.enter(*state_)));
  Found main = TENON_TRY(state_->search.find_main(path));
  return load(*state_, std::move(main), path);
}

Result<> Program::load_main(std::shared_ptr<SharedModule> module, const std::string& directory) {
  const std::string name = module->module().name;
  if (state_->main != nullptr) {
    return fail(ErrorKind::usage, "cannot load {}: the program has a main module already", name);
  }
  const Presence presence(*state_, *TENON_TRY(state_->threads.enter(*state_)));
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
  const Presence presence(state, *TENON_TRY(state.threads.enter(state)));
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
  if (state_->main == nullptr) {
    return fail(ErrorKind::usage, "there is no main module to run");
  }
  if (state_->ending) {
    return ended(*state_);
  }
  const auto start = state_->main->shared().start;
  if (!start) {
    return fail(ErrorKind::usage, "{} has no function _start to run; it exports {} (see --invoke)", state_->main->name,
                list_functions(state_->main->module()));
  }
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  CallOutcome outcome = call_function(*state_, thread, *state_->main, *start, {});
  // A libc that keeps no list of destructors did not run them.
  if (outcome.kind == CallOutcome::Kind::returned && !state_->destructors.empty()) {
    if (auto ran = state_->destructors.run_from(*state_, thread, 0); !ran) {
      outcome.kind = CallOutcome::Kind::trap;
      outcome.trap = {.kind = runtime::TrapKind::host, .message = ran.error().message, .backtrace = {}, .omitted = 0};
    } else if (state_->ending) {
      outcome = ended(*state_);
    }
  }
  // Whoever comes back from `_start` ends the program, and with it the threads that it spawned.
  if (state_->threads.has_spawned()) {
    if (outcome.kind == CallOutcome::Kind::trap) {
      end_program(*state_, &thread, outcome.trap);
    } else {
      end_program(*state_, &thread, outcome.kind == CallOutcome::Kind::exit ? outcome.exit_code : 0);
    }
    state_->threads.end_spawned(*state_);
  }
  return outcome;
}

Result<Dso*> Program::open(const std::string& name, OpenFlags flags) {
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  const PendingKept pending(thread.state());
  return link::open(*state_, thread, name, nullptr, flags);
}

Result<> Program::close(Dso& dso) {
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  const PendingKept pending(thread.state());
  return link::close(*state_, thread, dso, Party::embedder);
}

void Program::interrupt() {
  state_->threads.interrupt(nullptr);
}

bool Program::interrupt(int32_t thread) {
  return state_->threads.interrupt(thread);
}

std::optional<int32_t> Program::this_thread() const {
  const GuestThread* const thread = Presence::find(*state_);
  return thread == nullptr ? std::nullopt : std::optional(thread->id);
}

void Program::leave() {
  state_->threads.leave(*state_);
}

Result<Program::Symbol> Program::symbol(Dso& dso, std::string_view name) {
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  const SymbolAddress found = TENON_TRY(find_address(*state_, thread, LookIn::library, &dso, name));
  Symbol symbol{.address = found.address, .is_function = found.function != nullptr, .type = {}};
  if (found.function != nullptr) {
    symbol.type = *found.function->type;
  }
  return symbol;
}

Result<wasm::FunctionType> Program::slot_type(uint32_t function) const {
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  return *TENON_TRY(in_slot(*state_, function))->type;
}

Result<CallOutcome> Program::call_slot(uint32_t function, std::span<const abi::Cell> arguments) {
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  const abi::FunctionDescriptor* const target = TENON_TRY(in_slot(*state_, function));
  if (abi::cells_of(target->type->parameters) != arguments.size()) {
    return fail(ErrorKind::usage, "the function in table slot {} takes {} arguments {}, not {}", function,
                abi::cells_of(target->type->parameters), to_string(*target->type), arguments.size());
  }
  if (state_->dso(target->dso) == nullptr) {
    return fail(ErrorKind::usage, "the function in table slot {} is one of unloaded library {}", function,
                state_->name_of_retired(target->dso));
  }
  return call(*target, arguments);
}

Result<CallOutcome> Program::call(const abi::FunctionDescriptor& function, std::span<const abi::Cell> arguments) {
  if (abi::cells_of(function.type->parameters) != arguments.size()) {
    return fail(ErrorKind::usage, "the function takes {} arguments {}, not {}",
                abi::cells_of(function.type->parameters), to_string(*function.type), arguments.size());
  }
  Dso* const dso = state_->dso(function.dso);
  if (dso == nullptr) {
    return fail(ErrorKind::usage, "the function is one of unloaded library {}", state_->name_of_retired(function.dso));
  }
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  return call_function(*state_, thread, *dso, function.function, arguments, &function);
}

Result<uint32_t> Program::add_callback(const runtime::HostFunctionDefinition& function, void* environment) {
  const std::scoped_lock lock(state_->loader_lock);
  state_->callbacks.push_back(std::make_unique<HostFunctionEntry>("callback", function, environment));
  auto slot = state_->functions.slot_of(state_->callbacks.back()->function);
  if (!slot) {
    state_->callbacks.pop_back();
  }
  return slot;
}

const runtime::Memory* Program::shared_memory() const {
  return state_->memory;
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
  if (abi::cells_of(type.parameters) != arguments.size()) {
    return fail(ErrorKind::usage, "{} of {} takes {} arguments {}, not {}", printable(function), dso.name,
                abi::cells_of(type.parameters), to_string(type), arguments.size());
  }
  return call(dso, symbol->index, arguments);
}

Result<CallOutcome> Program::call(Dso& dso, uint32_t function, std::span<const abi::Cell> arguments) {
  const wasm::Module& module = dso.module();
  if (function >= module.functions.size() ||
      abi::cells_of(module.function_type(function).parameters) != arguments.size()) {
    return fail(ErrorKind::usage, "{} has no function {} that takes {} arguments", dso.name, function,
                arguments.size());
  }
  GuestThread& thread = *TENON_TRY(state_->threads.enter(*state_));
  const Presence presence(*state_, thread);
  return call_function(*state_, thread, dso, function, arguments);
}

bool Program::forget_exit() {
  if (!state_->ending) {
    return true;
  }
  if (state_->ending.trap() || (state_->memory != nullptr && state_->memory->type().shared) ||
      state_->main_thread->while_present([](pthread_t /*runner*/) {})) {
    return false;
  }
  state_->ending.forget();
  return true;
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
