#include "tenon/program.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/state.h"
#include "link/dso.h"

namespace tenon {

namespace detail {

struct CallerAccess {
  [[nodiscard]] static Caller make(runtime::HostCall& call, std::shared_ptr<ProgramState> program) {
    Caller caller;
    caller.call_ = &call;
    caller.program_ = std::move(program);
    return caller;
  }
  [[nodiscard]] static bool is_over(const Caller& caller) { return caller.is_over_; }
};

struct FunctionAccess {
  [[nodiscard]] static FunctionHandle make(std::shared_ptr<ProgramState> program, uint32_t slot, std::string name) {
    FunctionHandle handle;
    handle.program_ = std::move(program);
    handle.slot_ = slot;
    handle.name_ = std::move(name);
    return handle;
  }
};

namespace {

bool call_defined(void* environment, runtime::HostCall& call) {
  const auto& defined = *static_cast<const DefinedFunction*>(environment);
  Caller caller = CallerAccess::make(call, defined.program.self.lock());
  static_assert(sizeof(abi::Cell) == sizeof(uint64_t));
  defined.function(caller, reinterpret_cast<uint64_t*>(call.cells()));
  return !CallerAccess::is_over(caller);
}

/// In the letters of the opcode table.
std::string signature_of(const FunctionType& type) {
  const auto letter = [](ValueType value) {
    switch (value) {
      case ValueType::i64:
        return 'I';
      case ValueType::f32:
        return 'f';
      case ValueType::f64:
        return 'F';
      default:
        return 'i';
    }
  };
  std::string text;
  std::ranges::transform(type.parameters, std::back_inserter(text), letter);
  text += '_';
  std::ranges::transform(type.results, std::back_inserter(text), letter);
  return text;
}

std::vector<abi::Cell> to_cells(std::span<const uint64_t> bits) {
  std::vector<abi::Cell> cells(bits.size());
  std::ranges::transform(bits, cells.begin(), [](uint64_t value) { return abi::Cell{.u64 = value}; });
  return cells;
}

/// What a call gave, or why it gave nothing.
Result<std::vector<abi::Cell>> results_of(ProgramState& program, Result<link::CallOutcome> outcome) {
  if (!outcome) {
    return std::unexpected(std::move(outcome).error());
  }
  switch (outcome->kind) {
    case link::CallOutcome::Kind::returned:
      return std::move(outcome->results);
    case link::CallOutcome::Kind::trap:
      return fail(ErrorKind::trap, "{}", runtime::to_string(outcome->trap));
    case link::CallOutcome::Kind::exit:
      program.exit_code = outcome->exit_code;
      return fail(ErrorKind::exit, "the program ended with exit code {}", outcome->exit_code);
    case link::CallOutcome::Kind::exception:
      break;
  }
  return fail(ErrorKind::trap, "an exception was thrown and nobody caught it");
}

Result<> check_type(std::string_view what, const wasm::FunctionType& found, const FunctionType& wanted) {
  if (to_public(found) != wanted) {
    return fail(ErrorKind::unlinkable, "{} is a function {}, not {}", what, wasm::to_string(found), to_string(wanted));
  }
  return {};
}

Result<FunctionHandle> find_in(const std::shared_ptr<ProgramState>& state, link::Dso& dso, std::string_view name,
                               const FunctionType& type) {
  // A main module without a function table: its functions have no addresses.
  if (const wasm::Export* const symbol = dso.module().find_export(name);
      symbol != nullptr && symbol->kind == wasm::ExternKind::function && dso.is_main && !dso.shared().is_dynamic()) {
    TENON_CHECK(check_type(name, dso.module().function_type(symbol->index), type));
    return FunctionAccess::make(state, 0, std::string(name));
  }
  const link::Program::Symbol symbol = TENON_TRY(state->program->symbol(dso, name));
  if (!symbol.is_function) {
    return fail(ErrorKind::unlinkable, "{} is data, not a function {}", name, to_string(type));
  }
  TENON_CHECK(check_type(name, symbol.type, type));
  return FunctionAccess::make(state, symbol.address, {});
}

link::ProgramOptions program_options(ProgramOptions options, const runtime::CodeOptions& code) {
  link::ProgramOptions internal;
  internal.library_path = std::move(options.library_path);
  internal.preload = std::move(options.preload);
  internal.trust_runtime_path = options.trust_runtime_path;
  for (const auto& [name, module] : options.modules) {
    internal.registered_modules.emplace(name, ModuleAccess::shared(module));
  }
  if (options.module_reader) {
    internal.module_reader = [reader = std::move(options.module_reader)](
                                 const std::string& name,
                                 const std::string& requester) -> Result<std::optional<base::FileBytes>> {
      auto bytes = TENON_TRY(reader(name, requester));
      return bytes ? std::optional(base::FileBytes::own(*std::move(bytes))) : std::nullopt;
    };
  }
  if (options.library_filter) {
    internal.library_filter = [filter = std::move(options.library_filter)](const link::LibraryCandidate& candidate) {
      return filter({.name = candidate.name,
                     .path = candidate.path,
                     .requester = candidate.requester,
                     .is_opened = candidate.is_opened,
                     .sha256 = candidate.sha256});
    };
  }
  internal.guest_may_open = options.guest_may_open;
  if (options.on_library) {
    internal.on_library = [tell = std::move(options.on_library)](const link::LibraryEvent& event) {
      const auto kind = [&] {
        switch (event.kind) {
          case link::LibraryEvent::Kind::opened:
            return LibraryEvent::Kind::opened;
          case link::LibraryEvent::Kind::needed:
            return LibraryEvent::Kind::needed;
          case link::LibraryEvent::Kind::closed:
            return LibraryEvent::Kind::closed;
          case link::LibraryEvent::Kind::failed:
            break;
        }
        return LibraryEvent::Kind::failed;
      };
      tell({.kind = kind(),
            .requester = event.requester,
            .name = event.name,
            .path = event.path,
            .message = event.message});
    };
  }
  internal.bind_now = options.bind_now;
  switch (options.loading) {
    case ProgramOptions::Loading::unobservable:
      internal.lazy_loading = link::LazyLoading::unobservable;
      break;
    case ProgramOptions::Loading::lazy:
      internal.lazy_loading = link::LazyLoading::all;
      break;
    case ProgramOptions::Loading::eager:
      internal.lazy_loading = link::LazyLoading::none;
      break;
  }
  switch (options.place) {
    case ProgramOptions::Place::automatic:
      internal.place = link::Place::automatic;
      break;
    case ProgramOptions::Place::reserve:
      internal.place = link::Place::reserve;
      break;
    case ProgramOptions::Place::heap:
      internal.place = link::Place::heap;
      break;
    case ProgramOptions::Place::stack:
      internal.place = link::Place::stack;
      break;
    case ProgramOptions::Place::grow:
      internal.place = link::Place::grow;
      break;
  }
  internal.code = code;
  internal.stack_size = options.stack_size;
  internal.reserve = options.reserve;
  internal.interpreter_stack = options.limits.interpreter_stack;
  internal.thread_stack = options.limits.thread_stack;
  internal.maximum_memory = options.limits.memory;
  internal.maximum_table = options.limits.table;
  internal.maximum_libraries = options.limits.libraries;
  internal.maximum_threads = options.limits.threads;
  internal.debug_sink = std::move(options.debug_sink);
  return internal;
}

wasi::Options wasi_options(WasiOptions options) {
  wasi::Options internal;
  internal.arguments = std::move(options.arguments);
  internal.environment = std::move(options.environment);
  for (WasiOptions::Directory& directory : options.directories) {
    internal.preopens.push_back(
        {.host = std::move(directory.host), .guest = std::move(directory.guest), .read_only = directory.read_only});
  }
  for (const int socket : options.sockets) {
    internal.sockets.push_back({.descriptor = socket});
  }
  internal.stdin_fd = options.stdin_fd;
  internal.stdout_fd = options.stdout_fd;
  internal.stderr_fd = options.stderr_fd;
  return internal;
}

}  // namespace

runtime::HostFunctionDefinition DefinedFunction::definition() const {
  return {.name = name, .signature = signature, .function = &call_defined};
}

Result<> FunctionHandle::call(std::span<const uint64_t> arguments, std::span<uint64_t> results) const {
  const std::shared_ptr<ProgramState> program = program_;  // until it has returned
  const std::vector<abi::Cell> cells = to_cells(arguments);
  auto outcome = slot_ == 0 ? program->program->call(*program->program->main(), name_, cells)
                            : program->program->call_slot(slot_, cells);
  const std::vector<abi::Cell> values = TENON_TRY(results_of(*program, std::move(outcome)));
  if (values.size() != results.size()) {
    return fail(ErrorKind::usage, "the function gives {} results, not {}: it is another one now", values.size(),
                results.size());
  }
  std::ranges::transform(values, results.begin(), [](abi::Cell cell) { return cell.u64; });
  return {};
}

}  // namespace detail

using detail::FunctionHandle;
using detail::ProgramState;

MemoryView Caller::memory() const {
  const auto& call = *static_cast<const runtime::HostCall*>(call_);
  const abi::Memory* const memory = call.memory();
  return memory == nullptr ? MemoryView() : MemoryView(program_, memory->base, &memory->size);
}

Program Caller::program() const {
  return Program(program_);
}

void Caller::exit(uint32_t code) {
  if (!std::exchange(is_over_, true)) {
    (void)static_cast<runtime::HostCall*>(call_)->exit(code);
  }
}

void Caller::trap(std::string message) {
  if (!std::exchange(is_over_, true)) {
    (void)static_cast<runtime::HostCall*>(call_)->trap(std::move(message));
  }
}

Program::Program(std::shared_ptr<ProgramState> state) : state_(std::move(state)) {}

Result<Program> Program::create(const Engine& engine, ProgramOptions options) {
  auto state = std::make_shared<ProgramState>();
  state->self = state;
  state->engine = engine.state_;
  auto wanted_wasi = std::exchange(options.wasi, std::nullopt);
  link::DebugCategories debug = TENON_TRY(link::parse_debug_categories(options.debug));
  link::ProgramOptions internal = detail::program_options(std::move(options), engine.state_->code);
  internal.debug = debug;
  if (wanted_wasi) {
    state->wasi = TENON_TRY(wasi::Wasi::create(detail::wasi_options(*std::move(wanted_wasi))));
    const wasi::Wasi& wasi = *state->wasi;
    internal.open_guest_file = [&wasi](const std::string& path) { return wasi.open_for_linker(path); };
    if (wasi.guest_can_write_files()) {
      internal.guest_can_write = [&wasi](int descriptor) { return wasi.guest_can_write(descriptor); };
    }
  }
  state->program = TENON_TRY(link::Program::create(state->engine->engine, std::move(internal)));
  if (state->wasi != nullptr) {
    TENON_CHECK(state->program->add_host_module(std::string(wasi::Wasi::kModule), wasi::Wasi::functions(),
                                                state->wasi->environment()));
    TENON_CHECK(state->program->add_host_module(std::string(wasi::Wasi::kUnstableModule),
                                                wasi::Wasi::unstable_functions(), state->wasi->environment()));
  }
  return Program(std::move(state));
}

Result<> Program::define(const std::string& module, const std::string& name, detail::TypedHostFunction function) const {
  const std::scoped_lock lock(state_->defining);
  if (state_->program->main() != nullptr) {
    return fail(ErrorKind::usage, "cannot define {}.{}: the program is loaded already", module, name);
  }
  state_->functions.push_back({.program = *state_,
                               .name = name,
                               .signature = detail::signature_of(function.type),
                               .function = std::move(function.function)});
  detail::DefinedFunction& defined = state_->functions.back();
  const runtime::HostFunctionDefinition definition = defined.definition();
  auto added = state_->program->add_host_module(module, {&definition, 1}, &defined);
  if (!added) {
    state_->functions.pop_back();
  }
  return added;
}

Result<uint32_t> Program::add_callback(detail::TypedHostFunction function) const {
  detail::DefinedFunction* defined = nullptr;
  {
    const std::scoped_lock lock(state_->defining);
    state_->functions.push_back({.program = *state_,
                                 .name = "callback",
                                 .signature = detail::signature_of(function.type),
                                 .function = std::move(function.function)});
    defined = &state_->functions.back();
  }
  return state_->program->add_callback(defined->definition(), defined);
}

Result<> Program::load(const std::string& path) const {
  const std::shared_ptr<ProgramState> state = state_;
  return state->program->load_main(path);
}

Result<> Program::load(const Module& main) const {
  const std::shared_ptr<ProgramState> state = state_;
  return state->program->load_main(detail::ModuleAccess::shared(main), detail::ModuleAccess::directory(main));
}

Result<int> Program::run() const {
  const std::shared_ptr<ProgramState> state = state_;
  const auto results = detail::results_of(*state, state->program->run());
  if (!results && results.error().kind == ErrorKind::exit) {
    return static_cast<int>(state->exit_code);
  }
  return results ? Result<int>(0) : std::unexpected(results.error());
}

Result<FunctionHandle> Program::find(std::string_view name, const FunctionType& type) const {
  if (state_->program->main() == nullptr) {
    return fail(ErrorKind::usage, "cannot look for {}: nothing is loaded", name);
  }
  return detail::find_in(state_, *state_->program->main(), name, type);
}

Result<FunctionHandle> Program::find_pointer(uint32_t pointer, const FunctionType& type) const {
  const wasm::FunctionType found = TENON_TRY(state_->program->slot_type(pointer));
  TENON_CHECK(detail::check_type(fmt::format("the function in table slot {}", pointer), found, type));
  return detail::FunctionAccess::make(state_, pointer, {});
}

Result<std::vector<Value>> Program::call(std::string_view name, std::span<const Value> arguments) const {
  const std::shared_ptr<ProgramState> state = state_;
  link::Dso* const main = state->program->main();
  const wasm::Export* const symbol = main == nullptr ? nullptr : main->module().find_export(name);
  if (symbol == nullptr || symbol->kind != wasm::ExternKind::function) {
    return fail(ErrorKind::not_found, "cannot call {}: {}", name,
                main == nullptr ? "nothing is loaded" : main->name + " exports no such function");
  }
  const FunctionType type = detail::to_public(main->module().function_type(symbol->index));
  const auto is_number = [](ValueType value) { return value >= ValueType::f64; };
  if (!std::ranges::all_of(type.parameters, is_number) || !std::ranges::all_of(type.results, is_number)) {
    return fail(ErrorKind::unsupported, "cannot call {}: it is a function {}, and values here are numbers", name,
                to_string(type));
  }
  if (!std::ranges::equal(arguments, type.parameters, {}, &Value::type)) {
    return fail(ErrorKind::usage, "cannot call {}: it is a function {}, and the arguments are others", name,
                to_string(type));
  }
  std::vector<abi::Cell> cells(arguments.size());
  std::ranges::transform(arguments, cells.begin(), [](const Value& value) { return abi::Cell{.u64 = value.bits()}; });
  const auto results = TENON_TRY(detail::results_of(*state, state->program->call(*main, name, cells)));
  std::vector<Value> values;
  values.reserve(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    values.emplace_back(type.results[i], results[i].u64);
  }
  return values;
}

std::optional<uint32_t> Program::exit_code() const {
  const int64_t code = state_->exit_code;
  return code < 0 ? std::nullopt : std::optional(static_cast<uint32_t>(code));
}

Result<Dso> Program::open(const std::string& name, OpenFlags flags) const {
  const std::shared_ptr<ProgramState> state = state_;
  link::Dso* const dso = TENON_TRY(state->program->open(name, {.now = flags.now,
                                                               .global = flags.global,
                                                               .only_if_loaded = flags.only_if_loaded,
                                                               .keep = flags.keep,
                                                               .own_first = flags.own_first}));
  return Dso(state, dso, dso->name);
}

std::vector<Program::Library> Program::libraries() const {
  std::vector<Library> list;
  for (link::LinkMapEntry& entry : state_->program->link_map()) {
    list.push_back({.name = std::move(entry.name),
                    .path = std::move(entry.path),
                    .needed = std::move(entry.needed),
                    .memory_base = entry.memory_base,
                    .memory_size = entry.memory_size,
                    .table_base = entry.table_base,
                    .table_size = entry.table_size});
  }
  return list;
}

MemoryView Program::memory() const {
  const runtime::Memory* const memory = state_->program->shared_memory();
  return memory == nullptr ? MemoryView() : MemoryView(state_, memory->base, &memory->size);
}

void Program::interrupt() const {
  state_->program->interrupt();
}

bool Program::interrupt(int32_t thread) const {
  return state_->program->interrupt(thread);
}

void Program::limit_time(std::chrono::nanoseconds time) const {
  const std::scoped_lock lock(state_->limiting);
  state_->time_limit.emplace(*state_->program, time);
}

std::optional<int32_t> Program::this_thread() const {
  return state_->program->this_thread();
}

void Program::leave() const {
  state_->program->leave();
}

Dso::Dso(std::shared_ptr<ProgramState> program, void* dso, std::string name)
    : program_(std::move(program)), dso_(dso), name_(std::move(name)) {}

Dso::Dso(Dso&& other) noexcept
    : program_(std::move(other.program_)), dso_(std::exchange(other.dso_, nullptr)), name_(std::move(other.name_)) {}

Dso& Dso::operator=(Dso&& other) noexcept {
  if (this != &other) {
    close_unheard();
    program_ = std::move(other.program_);
    dso_ = std::exchange(other.dso_, nullptr);
    name_ = std::move(other.name_);
  }
  return *this;
}

Dso::~Dso() {
  close_unheard();
}

void Dso::close_unheard() {
  // Who wants to know what a destructor of the library did calls close(): it is closed either way.
  [[maybe_unused]] const auto closed = close();
}

const std::string& Dso::name() const {
  return name_;
}

Result<FunctionHandle> Dso::find(std::string_view symbol, const FunctionType& type) const {
  if (dso_ == nullptr) {
    return fail(ErrorKind::usage, "cannot look for {} in {}: it is closed", symbol, name_);
  }
  return detail::find_in(program_, *static_cast<link::Dso*>(dso_), symbol, type);
}

Result<uint32_t> Dso::address(std::string_view symbol) const {
  if (dso_ == nullptr) {
    return fail(ErrorKind::usage, "cannot look for {} in {}: it is closed", symbol, name_);
  }
  const link::Program::Symbol found = TENON_TRY(program_->program->symbol(*static_cast<link::Dso*>(dso_), symbol));
  if (found.is_function) {
    return fail(ErrorKind::unlinkable, "{} of {} is a function, not data", symbol, name_);
  }
  return found.address;
}

Result<> Dso::close() {
  if (dso_ == nullptr) {
    return {};
  }
  const std::shared_ptr<ProgramState> program = program_;
  return program->program->close(*static_cast<link::Dso*>(std::exchange(dso_, nullptr)));
}

}  // namespace tenon
