// Calls into guests: exec envs, and how a call that fails becomes an exception.
#include <algorithm>
#include <cstdarg>
#include <cstring>

#include "capi/instance.h"
#include "link/binding.h"

namespace tenon::capi {

namespace {

using wasm::ValueType;

thread_local constinit ActiveCall* innermost = nullptr;

/// Instances that the calling thread has called into, so that it can leave them.
thread_local std::vector<std::weak_ptr<WASMModuleInstanceCommon>> entered;
thread_local constinit uint64_t entered_last = 0;

/// Exec envs of the calling thread, which a guest made, by instance: for natives. It is of one program only.
thread_local std::unordered_map<uint64_t, std::unique_ptr<WASMExecEnv>> own_envs;

void note_entered(WASMModuleInstanceCommon& instance) {
  if (entered_last == instance.id) {
    return;
  }
  entered_last = instance.id;
  std::erase_if(entered, [](const auto& known) { return known.expired(); });
  const auto is_same = [&](const auto& known) { return known.lock().get() == &instance; };
  if (std::ranges::none_of(entered, is_same)) {
    entered.push_back(instance.weak_from_this());
  }
}

Result<link::CallOutcome> enter(WASMModuleInstanceCommon& instance, const Function& function,
                                std::span<const abi::Cell> arguments) {
  link::Program& program = *instance.program;
  switch (function.kind) {
    case Function::Kind::defined:
      // What ends with `_start`: destructors, and threads that are left.
      if (function.dso == program.main() && function.dso->shared().start == function.index && arguments.empty()) {
        return program.run();
      }
      return program.call(*function.dso, function.index, arguments);
    case Function::Kind::slot:
      return program.call_slot(function.index, arguments);
    case Function::Kind::element:
      break;
  }
  // While the thread is in the program, what it reads is not taken away.
  link::Namespace& state = instance.main()->program();
  const link::Presence presence(state, *TENON_TRY(state.threads.enter(state)));
  const abi::FunctionDescriptor* const target = function.index < function.table->size.load(std::memory_order_acquire)
                                                    ? function.table->get(function.index).function
                                                    : nullptr;
  if (target == nullptr || target != function.reference) {
    return fail(ErrorKind::usage, "the table has another function there now");
  }
  return program.call(*target, arguments);
}

/// So many cells of 32 bits a value takes in argv.
uint32_t cells_of(ValueType type) {
  if (type == ValueType::v128) {
    return 4;
  }
  return type == ValueType::i64 || type == ValueType::f64 || type == ValueType::externref ? 2 : 1;
}

uint32_t cells_of(const std::vector<ValueType>& types) {
  uint32_t count = 0;
  for (const ValueType type : types) {
    count += cells_of(type);
  }
  return count;
}

std::vector<abi::Cell> read_cells(const WASMModuleInstanceCommon& instance, const std::vector<ValueType>& types,
                                  const uint32_t* argv) {
  std::vector<abi::Cell> cells;
  cells.reserve(types.size());
  for (const ValueType type : types) {
    abi::Cell cell{.u64 = argv[0]};
    if (cells_of(type) >= 2) {
      std::memcpy(&cell, argv, sizeof(cell));
    }
    if (type == ValueType::v128) {
      cells.push_back(cell);
      std::memcpy(&cell, argv + 2, sizeof(cell));
    } else if (type == ValueType::funcref) {
      cell.function = function_at(instance, argv[0]);
    }
    cells.push_back(cell);
    argv += cells_of(type);
  }
  return cells;
}

void write_cells(const WASMModuleInstanceCommon& instance, const std::vector<ValueType>& types,
                 std::span<const abi::Cell> cells, uint32_t* argv) {
  auto cell = cells.begin();
  for (const ValueType type : types) {
    if (const uint32_t words = cells_of(type); words >= 2) {
      std::memcpy(argv, &*cell, words * sizeof(uint32_t));
    } else {
      *argv = type == ValueType::funcref ? function_index(instance, cell->function) : cell->u32;
    }
    cell += abi::cells_of(type);
    argv += cells_of(type);
  }
}

abi::Cell to_cell(const WASMModuleInstanceCommon& instance, const wasm_val_t& value) {
  abi::Cell cell{.u64 = 0};
  switch (value.kind) {
    case WASM_I32:
    case WASM_F32:
      cell.i32 = value.of.i32;
      break;
    case WASM_FUNCREF:
      cell.function = function_at(instance, static_cast<uint32_t>(value.of.i32));
      break;
    case WASM_EXTERNREF:
      cell.pointer = reinterpret_cast<void*>(value.of.foreign);
      break;
    default:
      cell.i64 = value.of.i64;
      break;
  }
  return cell;
}

wasm_val_t to_value(const WASMModuleInstanceCommon& instance, ValueType type, abi::Cell cell) {
  wasm_val_t value{};
  value.kind = to_valkind(type);
  switch (type) {
    case ValueType::i32:
    case ValueType::f32:
      value.of.i32 = cell.i32;
      break;
    case ValueType::funcref:
      value.of.i32 = static_cast<int32_t>(function_index(instance, cell.function));
      break;
    case ValueType::externref:
      value.of.foreign = reinterpret_cast<uintptr_t>(cell.pointer);
      break;
    default:
      value.of.i64 = cell.i64;
      break;
  }
  return value;
}

/// The function that `function` is, when `env` may call it; else null with an exception.
const Function* callable(wasm_exec_env_t env, wasm_function_inst_t function) {
  if (env == nullptr) {
    return nullptr;
  }
  const auto* const known = static_cast<const Function*>(function);
  if (known == nullptr || known->instance != env->instance) {
    env->instance->exception.set(known == nullptr ? "there is no function to call"
                                                  : "the function belongs to another instance");
    return nullptr;
  }
  return known;
}

bool call_with_cells(WASMExecEnv& env, const Function& function, uint32_t argc, uint32_t* argv) {
  WASMModuleInstanceCommon& instance = *env.instance;
  const wasm::FunctionType& type = function.type;
  const uint32_t needed = cells_of(type.parameters);
  if (argc < needed || (argv == nullptr && (needed != 0 || !type.results.empty()))) {
    instance.exception.set(fmt::format("invalid argument count {}, must be no smaller than {}", argc, needed));
    return false;
  }
  std::vector<abi::Cell> results;
  if (argv == nullptr) {
    return call(env, function, {}, results);
  }
  if (!call(env, function, read_cells(instance, type.parameters, argv), results)) {
    return false;
  }
  write_cells(instance, type.results, results, argv);
  return true;
}

bool call_with_values(WASMExecEnv& env, const Function& function, std::span<wasm_val_t> results,
                      std::span<const wasm_val_t> arguments) {
  WASMModuleInstanceCommon& instance = *env.instance;
  const wasm::FunctionType& type = function.type;
  const auto is_vector = [](ValueType value) { return value == ValueType::v128; };
  if (std::ranges::any_of(type.parameters, is_vector) || std::ranges::any_of(type.results, is_vector)) {
    instance.exception.set("a wasm_val_t cannot hold a v128: use wasm_runtime_call_wasm");
    return false;
  }
  if (arguments.size() != type.parameters.size()) {
    instance.exception.set("the argument value number does not match the function declaration");
    return false;
  }
  if (results.size() != type.results.size()) {
    instance.exception.set("the result value number does not match the function declaration");
    return false;
  }
  std::vector<abi::Cell> cells;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].kind != to_valkind(type.parameters[i])) {
      instance.exception.set("the argument value type does not match the function declaration");
      return false;
    }
    cells.push_back(to_cell(instance, arguments[i]));
  }
  std::vector<abi::Cell> returned;
  if (!call(env, function, cells, returned)) {
    return false;
  }
  for (size_t i = 0; i < returned.size(); ++i) {
    results[i] = to_value(instance, type.results[i], returned[i]);
  }
  return true;
}

}  // namespace

ActiveCall::ActiveCall(WASMExecEnv& env) : env_(env), instance_(*env.instance), outer_(innermost) {
  innermost = this;
}

ActiveCall::~ActiveCall() {
  innermost = outer_;
}

WASMExecEnv* ActiveCall::find(const WASMModuleInstanceCommon& instance) {
  for (const ActiveCall* call = innermost; call != nullptr; call = call->outer_) {
    if (&call->instance_ == &instance) {
      return &call->env_;
    }
  }
  return nullptr;
}

WASMExecEnv& ActiveCall::env_of(WASMModuleInstanceCommon& instance) {
  if (WASMExecEnv* const active = find(instance)) {
    return *active;
  }
  auto& own = own_envs[instance.id];
  if (own == nullptr) {
    own = std::make_unique<WASMExecEnv>(WASMExecEnv{.instance = &instance});
  }
  return *own;
}

bool call(WASMExecEnv& env, const Function& function, std::span<const abi::Cell> arguments,
          std::vector<abi::Cell>& results) {
  WASMModuleInstanceCommon& instance = *env.instance;
  if (instance.exception.is_set()) {
    return false;
  }
  if (instance.has_ended) {
    instance.exception.set("wasi proc exit");
    return false;
  }
  note_entered(instance);
  const bool is_nested = ActiveCall::find(instance) != nullptr;
  const ActiveCall active(env);
  // Counted before it is looked whether the instance was terminated: who terminates it looks at the count afterwards.
  instance.calls_in_progress += is_nested ? 0 : 1;
  auto outcome =
      instance.is_terminated ? fail(ErrorKind::usage, "terminated by user") : enter(instance, function, arguments);
  instance.calls_in_progress -= is_nested ? 0 : 1;
  if (!outcome) {
    instance.exception.set(outcome.error().message);
    return false;
  }
  switch (outcome->kind) {
    case link::CallOutcome::Kind::returned:
      results = std::move(outcome->results);
      return !instance.exception.is_set();
    case link::CallOutcome::Kind::exit:
      instance.exit_code = outcome->exit_code;
      instance.has_ended = !is_nested && !instance.program->forget_exit();
      return true;
    case link::CallOutcome::Kind::exception:
      instance.exception.set("uncaught wasm exception");
      return false;
    case link::CallOutcome::Kind::trap:
      if (!instance.exception.is_set()) {
        instance.exception.set(exception_text(outcome->trap));
      }
      env.last_trap = std::move(outcome->trap);
      return false;
  }
  return false;
}

uint32_t function_index(const WASMModuleInstanceCommon& instance, const abi::FunctionDescriptor* function) {
  const link::Dso* const main = instance.main();
  if (function == nullptr || main == nullptr) {
    return UINT32_MAX;
  }
  if (function->dso == main->index) {
    return function->function;
  }
  for (uint32_t i = 0; i < main->module().imported_functions; ++i) {
    if (main->functions[i].load(std::memory_order_acquire) == function) {
      return i;
    }
  }
  return UINT32_MAX;
}

const abi::FunctionDescriptor* function_at(const WASMModuleInstanceCommon& instance, uint32_t index) {
  link::Dso* const main = instance.main();
  if (main == nullptr || index >= main->module().functions.size()) {
    return nullptr;
  }
  if (!main->module().is_imported_function(index)) {
    return main->own_function(index);
  }
  return link::resolve_function(*main, index).value_or(nullptr);
}

std::string exception_text(const runtime::Trap& trap) {
  switch (trap.kind) {
    case runtime::TrapKind::call_stack_exhausted:
      return trap.message.empty() ? "wasm operand stack overflow" : "wasm auxiliary stack overflow";
    case runtime::TrapKind::uncaught_exception:
      return "uncaught wasm exception";
    case runtime::TrapKind::unresolved_symbol:
      return "failed to call unlinked import function: " + trap.message;
    case runtime::TrapKind::interrupted:
      return "terminated by user";
    case runtime::TrapKind::host:
      return trap.message.empty() ? runtime::to_string(trap.kind) : trap.message;
    default:
      return runtime::to_string(trap.kind);
  }
}

void leave_instances() {
  for (const auto& known : std::exchange(entered, {})) {
    if (const auto instance = known.lock()) {
      instance->program->leave();
    }
  }
  entered_last = 0;
}

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

wasm_exec_env_t wasm_runtime_create_exec_env(wasm_module_inst_t module_inst, uint32_t /*stack_size*/) {
  return module_inst == nullptr
             ? nullptr
             : exec_env_handles().add(std::make_shared<WASMExecEnv>(WASMExecEnv{.instance = module_inst}));
}

void wasm_runtime_destroy_exec_env(wasm_exec_env_t exec_env) {
  (void)exec_env_handles().take(exec_env);
}

wasm_exec_env_t wasm_runtime_get_exec_env_singleton(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? nullptr : &module_inst->singleton;
}

wasm_module_inst_t wasm_runtime_get_module_inst(wasm_exec_env_t exec_env) {
  return exec_env == nullptr ? nullptr : exec_env->instance;
}

void wasm_runtime_set_module_inst(wasm_exec_env_t exec_env, const wasm_module_inst_t module_inst) {
  if (exec_env != nullptr && module_inst != nullptr) {
    exec_env->instance = module_inst;
  }
}

void wasm_runtime_set_user_data(wasm_exec_env_t exec_env, void* user_data) {
  if (exec_env != nullptr) {
    exec_env->user_data = user_data;
  }
}

void* wasm_runtime_get_user_data(wasm_exec_env_t exec_env) {
  return exec_env == nullptr ? nullptr : exec_env->user_data;
}

void* wasm_runtime_get_function_attachment(wasm_exec_env_t exec_env) {
  return exec_env == nullptr ? nullptr : exec_env->attachment;
}

bool wasm_runtime_call_wasm(wasm_exec_env_t exec_env, wasm_function_inst_t function, uint32_t argc, uint32_t argv[]) {
  const Function* const target = callable(exec_env, function);
  return target != nullptr && call_with_cells(*exec_env, *target, argc, argv);
}

bool wasm_runtime_call_wasm_a(wasm_exec_env_t exec_env, wasm_function_inst_t function, uint32_t num_results,
                              wasm_val_t results[], uint32_t num_args, wasm_val_t* args) {
  const Function* const target = callable(exec_env, function);
  return target != nullptr && call_with_values(*exec_env, *target, {results, results == nullptr ? 0 : num_results},
                                               {args, args == nullptr ? 0 : num_args});
}

bool wasm_runtime_call_wasm_v(wasm_exec_env_t exec_env, wasm_function_inst_t function, uint32_t num_results,
                              wasm_val_t results[], uint32_t num_args, ...) {
  const Function* const target = callable(exec_env, function);
  if (target == nullptr) {
    return false;
  }
  const std::vector<ValueType>& types = target->type.parameters;
  std::vector<wasm_val_t> arguments(num_args);
  va_list list;
  va_start(list, num_args);
  for (size_t i = 0; i < num_args && num_args == types.size(); ++i) {
    arguments[i].kind = to_valkind(types[i]);
    switch (types[i]) {
      case ValueType::i32:
      case ValueType::funcref:
        arguments[i].of.i32 = va_arg(list, int32_t);
        break;
      case ValueType::i64:
        arguments[i].of.i64 = va_arg(list, int64_t);
        break;
      case ValueType::f32:
        arguments[i].of.f32 = static_cast<float>(va_arg(list, double));
        break;
      case ValueType::f64:
        arguments[i].of.f64 = va_arg(list, double);
        break;
      default:
        arguments[i].of.foreign = va_arg(list, uintptr_t);
        break;
    }
  }
  va_end(list);
  return call_with_values(*exec_env, *target, {results, results == nullptr ? 0 : num_results}, arguments);
}

bool wasm_runtime_call_indirect(wasm_exec_env_t exec_env, uint32_t element_index, uint32_t argc, uint32_t argv[]) {
  if (exec_env == nullptr) {
    return false;
  }
  WASMModuleInstanceCommon& instance = *exec_env->instance;
  tenon::link::Namespace& state = instance.main()->program();
  const auto thread = state.threads.enter(state);
  if (!thread) {
    instance.exception.set(thread.error().message);
    return false;
  }
  // While the thread is in the program, what it reads is not taken away.
  const tenon::link::Presence presence(state, **thread);
  tenon::runtime::Table* const table = instance.table(0);
  if (table == nullptr || element_index >= table->size.load(std::memory_order_acquire) ||
      table->type().element != ValueType::funcref) {
    instance.exception.set("undefined element");
    return false;
  }
  const tenon::abi::FunctionDescriptor* const target = table->get(element_index).function;
  if (target == nullptr) {
    instance.exception.set("uninitialized element");
    return false;
  }
  const Function function{.instance = &instance,
                          .type = *target->type,
                          .kind = Function::Kind::element,
                          .index = element_index,
                          .table = table,
                          .reference = target};
  return call_with_cells(*exec_env, function, argc, argv);
}

}  // extern "C"
