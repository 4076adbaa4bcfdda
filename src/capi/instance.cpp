#include "capi/instance.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "runtime/executable.h"
#include "runtime/thread.h"

struct InstantiationArgs2 {
  InstantiationArgs args{};
};

namespace tenon::capi {

namespace {

std::atomic<uint64_t> last_id{0};

/// WASI's functions but those that natives stand before.
std::vector<runtime::HostFunctionDefinition> wasi_functions(Runtime& runtime, std::string_view module,
                                                            std::span<const runtime::HostFunctionDefinition> all) {
  std::vector<runtime::HostFunctionDefinition> functions;
  for (const runtime::HostFunctionDefinition& function : all) {
    if (!runtime.find_native(module, function.name)) {
      functions.push_back(function);
    }
  }
  return functions;
}

/// What the linker asks the host's reader.
link::ModuleReader reader_of(const LinkSettings& linking) {
  if (linking.reader == nullptr) {
    return nullptr;
  }
  return [reader = linking.reader, destroyer = linking.destroyer](
             const std::string& name, const std::string& /*requester*/) -> Result<std::optional<base::FileBytes>> {
    return ask_reader(reader, destroyer, name);
  };
}

link::Place place_of(wasm_dl_placement_t placement) {
  switch (placement) {
    case WASM_DL_PLACE_AUTOMATIC:
      return link::Place::automatic;
    case WASM_DL_PLACE_RESERVE:
      return link::Place::reserve;
    case WASM_DL_PLACE_HEAP:
      return link::Place::heap;
    case WASM_DL_PLACE_STACK:
      return link::Place::stack;
    case WASM_DL_PLACE_GROW:
      return link::Place::grow;
  }
  return link::Place::automatic;
}

/// The limit of the memory, as WAMR takes it: what the host says, but not less than the module begins with.
uint64_t memory_limit(const wasm::Module& module, uint32_t pages) {
  uint64_t limit = pages;
  for (const wasm::Memory& memory : module.memories) {
    limit = std::max(limit, memory.type.limits.minimum);
  }
  return std::min(limit, wasm::kMaximumPages32) * wasm::kPageSize;
}

link::ProgramOptions options_for(WASMModuleInstanceCommon& instance, const InstantiationArgs& args) {
  const LinkSettings& linking = instance.linking;
  link::ProgramOptions options;
  options.library_path = linking.search_path;
  options.registered_modules = linking.modules;
  options.module_reader = reader_of(linking);
  wasi::Wasi& wasi = *instance.wasi;
  options.open_guest_file = [&wasi](const std::string& path) { return wasi.open_for_linker(path); };
  if (wasi.guest_can_write_files()) {
    options.guest_can_write = [&wasi](int descriptor) { return wasi.guest_can_write(descriptor); };
  }
  options.on_library = [&instance](const link::LibraryEvent& event) { instance.tell(event); };
  options.bind_now = linking.policy != WASM_DL_LOAD_LAZY;
  if (linking.policy == WASM_DL_LOAD_PRELOAD_ALL) {
    options.lazy_loading = link::LazyLoading::none;
  }
  options.place = place_of(linking.placement);
  options.reserve = linking.reserve;
  options.interpreter_stack = std::max<uint64_t>(options.interpreter_stack, args.default_stack_size);
  if (args.max_memory_pages != 0) {
    options.maximum_memory = memory_limit(instance.module->module(), args.max_memory_pages);
  }
  const std::scoped_lock lock(instance.runtime->mutex);
  options.maximum_threads = instance.runtime->maximum_threads;
  // A library that was registered the way WAMR's hosts do is found by that name as well.
  for (const auto& [name, module] : instance.runtime->modules) {
    if (module->shared->is_dynamic()) {
      options.registered_modules.try_emplace(name, module->shared);
    }
  }
  return options;
}

/// What a call that has to succeed for the instance to be there says when it does not.
Result<> check(const Result<link::CallOutcome>& outcome) {
  if (!outcome) {
    return std::unexpected(outcome.error());
  }
  if (outcome->kind == link::CallOutcome::Kind::trap) {
    return fail(ErrorKind::trap, "Exception: {}", exception_text(outcome->trap));
  }
  return {};
}

/// Instances of the plain modules that `module` imports from, dependencies first, each once.
Result<> add_submodules(WASMModuleInstanceCommon& instance, const WASMModuleCommon& module) {
  for (const auto& [name, dependency] : module.dependencies) {
    if (instance.submodules.contains(name)) {
      continue;
    }
    TENON_CHECK(add_submodules(instance, *dependency));
    link::Dso* const dso = TENON_TRY(instance.program->instantiate(dependency->shared, name));
    instance.submodules.emplace(name, dso);
    instance.program->register_instance(name, *dso);
    if (dependency->shared->initialize) {
      TENON_CHECK(check(instance.program->call(*dso, *dependency->shared->initialize, {})));
    }
  }
  return {};
}

Result<std::shared_ptr<WASMModuleInstanceCommon>> make(const wasm_module_t module, const InstantiationArgs& args) {
  auto instance = std::make_shared<WASMModuleInstanceCommon>();
  instance->id = last_id.fetch_add(1, std::memory_order_relaxed) + 1;
  instance->module = module->shared_from_this();
  instance->runtime = module->runtime;
  instance->heap_size = args.host_managed_heap_size;
  wasi::Options wasi;
  {
    const std::scoped_lock lock(module->mutex);
    wasi = module->wasi;
  }
  {
    const std::scoped_lock lock(instance->runtime->mutex);
    instance->linking = instance->runtime->linking;
    instance->mode = instance->runtime->default_mode;
  }
  instance->wasi = TENON_TRY(wasi::Wasi::create(std::move(wasi)));
  instance->program = TENON_TRY(link::Program::create(instance->runtime->engine, options_for(*instance, args)));
  link::Program& program = *instance->program;
  const auto add_wasi = [&](std::string_view name, std::span<const runtime::HostFunctionDefinition> all) {
    return program.add_host_module(std::string(name), wasi_functions(*instance->runtime, name, all),
                                   instance->wasi->environment());
  };
  TENON_CHECK(add_wasi(wasi::Wasi::kModule, wasi::Wasi::functions()));
  TENON_CHECK(add_wasi(wasi::Wasi::kUnstableModule, wasi::Wasi::unstable_functions()));
  program.set_host_resolver(
      [&the_instance = *instance](std::string_view from, std::string_view name, const wasm::FunctionType* type) {
        return resolve_native(the_instance, from, name, type);
      });
  const ActiveCall active(instance->singleton);
  TENON_CHECK(add_submodules(*instance, *module));
  TENON_CHECK(program.load_main(module->shared));
  for (const link::LinkMapEntry& entry : program.link_map()) {
    if (entry.found_through != link::FoundThrough::main && entry.found_through != link::FoundThrough::instantiated) {
      instance->tell({.kind = link::LibraryEvent::Kind::needed,
                      .requester = entry.requester,
                      .name = entry.name,
                      .path = entry.path,
                      .message = {}});
    }
  }
  // Constructors that asked to end have had their say; the host may call all the same, as with WAMR.
  return instance;
}

}  // namespace

void ExceptionText::set(std::string_view text) {
  constexpr std::string_view kPrefix = "Exception: ";
  const std::scoped_lock lock(mutex_);
  const size_t length = std::min(text.size(), text_.size() - kPrefix.size() - 1);
  std::memcpy(text_.data(), kPrefix.data(), kPrefix.size());
  std::memcpy(text_.data() + kPrefix.size(), text.data(), length);
  text_[kPrefix.size() + length] = '\0';
  is_set_.store(true, std::memory_order_release);
}

Function* exported_function(WASMModuleInstanceCommon& instance, std::string_view name) {
  link::Dso& main = *instance.main();
  const wasm::Export* const symbol = main.module().find_export(name);
  return symbol == nullptr || symbol->kind != wasm::ExternKind::function ? nullptr
                                                                         : instance.function(main, symbol->index);
}

}  // namespace tenon::capi

using namespace tenon;        // NOLINT(google-build-using-namespace)
using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

Function* WASMModuleInstanceCommon::function(link::Dso& dso, uint32_t index) {
  const std::scoped_lock lock(mutex);
  Function*& known = defined_functions[{&dso, index}];
  if (known == nullptr) {
    known = &functions.emplace_back(Function{.instance = this,
                                             .type = dso.module().function_type(index),
                                             .kind = Function::Kind::defined,
                                             .dso = &dso,
                                             .index = index});
  }
  return known;
}

runtime::Memory* WASMModuleInstanceCommon::default_memory() const {
  const link::Dso* const dso = main();
  return dso == nullptr || dso->memories.empty() ? nullptr : dso->memories.front();
}

uint8_t* WASMModuleInstanceCommon::memory(uint64_t address, uint64_t length) const {
  runtime::Memory* const memory = default_memory();
  const uint64_t size = memory == nullptr ? 0 : memory->size.load(std::memory_order_acquire);
  return memory == nullptr || length > size || address > size - length ? nullptr : memory->base + address;
}

WASMMemoryInstance* WASMModuleInstanceCommon::handle_of(runtime::Memory* memory) {
  if (memory == nullptr) {
    return nullptr;
  }
  const std::scoped_lock lock(mutex);
  auto& handle = memories[memory];
  if (handle == nullptr) {
    handle = std::make_unique<WASMMemoryInstance>(WASMMemoryInstance{memory});
  }
  return handle.get();
}

runtime::Table* WASMModuleInstanceCommon::table(uint32_t index) const {
  link::Dso& dso = *main();
  abi::Instance* const instance = dso.program().main_thread->instance(dso);
  if (instance == nullptr || index >= dso.module().tables.size()) {
    return nullptr;
  }
  return static_cast<runtime::Table*>(runtime::at<abi::Table*>(*instance, dso.executable().layout().table(index)));
}

void WASMModuleInstanceCommon::tell(const link::LibraryEvent& event) {
  const std::string& key = event.path.empty() ? event.name : event.path;
  bool is_news = false;
  const bool is_load = event.kind == link::LibraryEvent::Kind::opened || event.kind == link::LibraryEvent::Kind::needed;
  {
    const std::scoped_lock lock(mutex);
    if (is_load) {
      is_news = told_libraries.insert(key).second;
    } else if (event.kind == link::LibraryEvent::Kind::closed) {
      is_news = told_libraries.erase(key) != 0;
    }
  }
  const wasm_dl_library_callback callback = is_load ? linking.on_load : linking.on_unload;
  if (is_news && callback != nullptr) {
    callback(this, event.name.c_str(), event.path.c_str(), linking.user_data);
  }
}

extern "C" {

wasm_module_inst_t wasm_runtime_instantiate(const wasm_module_t module, uint32_t default_stack_size,
                                            uint32_t host_managed_heap_size, char* error_buf, uint32_t error_buf_size) {
  const InstantiationArgs args = {.default_stack_size = default_stack_size,
                                  .host_managed_heap_size = host_managed_heap_size,
                                  .max_memory_pages = 0};
  return wasm_runtime_instantiate_ex(module, &args, error_buf, error_buf_size);
}

wasm_module_inst_t wasm_runtime_instantiate_ex(const wasm_module_t module, const InstantiationArgs* args,
                                               char* error_buf, uint32_t error_buf_size) {
  if (module == nullptr || args == nullptr) {
    set_error(error_buf, error_buf_size,
              "WASM module instantiate failed: there is no module, or there are no arguments");
    return nullptr;
  }
  auto instance = make(module, *args);
  if (!instance) {
    set_error(error_buf, error_buf_size, "WASM module instantiate failed: " + instance.error().message);
    return nullptr;
  }
  return instance_handles().add(*std::move(instance));
}

wasm_module_inst_t wasm_runtime_instantiate_ex2(const wasm_module_t module, const struct InstantiationArgs2* args,
                                                char* error_buf, uint32_t error_buf_size) {
  return wasm_runtime_instantiate_ex(module, args == nullptr ? nullptr : &args->args, error_buf, error_buf_size);
}

bool wasm_runtime_instantiation_args_create(struct InstantiationArgs2** p) {
  if (p == nullptr) {
    return false;
  }
  *p = new InstantiationArgs2;
  return true;
}

void wasm_runtime_instantiation_args_destroy(struct InstantiationArgs2* p) {
  delete p;
}

void wasm_runtime_instantiation_args_set_default_stack_size(struct InstantiationArgs2* p, uint32_t v) {
  if (p != nullptr) {
    p->args.default_stack_size = v;
  }
}

void wasm_runtime_instantiation_args_set_host_managed_heap_size(struct InstantiationArgs2* p, uint32_t v) {
  if (p != nullptr) {
    p->args.host_managed_heap_size = v;
  }
}

void wasm_runtime_instantiation_args_set_max_memory_pages(struct InstantiationArgs2* p, uint32_t v) {
  if (p != nullptr) {
    p->args.max_memory_pages = v;
  }
}

void wasm_runtime_deinstantiate(wasm_module_inst_t module_inst) {
  if (const auto instance = instance_handles().take(module_inst)) {
    // What contexts belong to is still there.
    destroy_contexts(*instance);
    forget_extern_objects(*instance);
  }
}

wasm_module_t wasm_runtime_get_module(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? nullptr : module_inst->module.get();
}

bool wasm_runtime_set_running_mode(wasm_module_inst_t module_inst, RunningMode running_mode) {
  return module_inst != nullptr && to_number(running_mode) == to_number(module_inst->mode);
}

RunningMode wasm_runtime_get_running_mode(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? RunningMode{} : module_inst->mode;
}

void wasm_runtime_set_bounds_checks(wasm_module_inst_t module_inst, bool enable) {
  if (module_inst != nullptr && !enable) {
    log(WASM_LOG_LEVEL_WARNING, "memory bounds checks cannot be disabled");
  }
}

bool wasm_runtime_is_bounds_checks_enabled(wasm_module_inst_t module_inst) {
  return module_inst != nullptr;
}

void wasm_runtime_set_custom_data(wasm_module_inst_t module_inst, void* custom_data) {
  if (module_inst != nullptr) {
    module_inst->custom_data = custom_data;
  }
}

void* wasm_runtime_get_custom_data(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? nullptr : module_inst->custom_data.load();
}

const char* wasm_runtime_get_exception(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? nullptr : module_inst->exception.get();
}

void wasm_runtime_set_exception(wasm_module_inst_t module_inst, const char* exception) {
  if (module_inst == nullptr) {
    return;
  }
  if (exception == nullptr) {
    wasm_runtime_clear_exception(module_inst);
  } else {
    module_inst->exception.set(exception);
  }
}

void wasm_runtime_clear_exception(wasm_module_inst_t module_inst) {
  if (module_inst != nullptr) {
    module_inst->exception.clear();
    module_inst->is_terminated = false;
  }
}

void wasm_runtime_terminate(wasm_module_inst_t module_inst) {
  if (module_inst == nullptr) {
    return;
  }
  module_inst->exception.set("terminated by user");
  module_inst->is_terminated = true;
  // A call that is about to enter the guest, or a thread about to wait, misses one interruption.
  constexpr int kTimes = 50;
  const uint32_t own = ActiveCall::find(*module_inst) == nullptr ? 0 : 1;
  module_inst->program->interrupt();
  for (int i = 0; i < kTimes && module_inst->calls_in_progress > own && module_inst->is_terminated; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    module_inst->program->interrupt();
  }
}

bool wasm_runtime_is_wasi_mode(wasm_module_inst_t module_inst) {
  return module_inst != nullptr && module_inst->module->imports_wasi;
}

wasm_function_inst_t wasm_runtime_lookup_wasi_start_function(wasm_module_inst_t module_inst) {
  return wasm_runtime_is_wasi_mode(module_inst) ? exported_function(*module_inst, "_start") : nullptr;
}

uint32_t wasm_runtime_get_wasi_exit_code(wasm_module_inst_t module_inst) {
  return module_inst == nullptr ? 0 : module_inst->exit_code.load();
}

wasm_function_inst_t wasm_runtime_lookup_function(const wasm_module_inst_t module_inst, const char* name) {
  return module_inst == nullptr || name == nullptr ? nullptr : exported_function(*module_inst, name);
}

uint32_t wasm_func_get_param_count(const wasm_function_inst_t func_inst, const wasm_module_inst_t /*module_inst*/) {
  return func_inst == nullptr ? 0
                              : static_cast<uint32_t>(static_cast<const Function*>(func_inst)->type.parameters.size());
}

uint32_t wasm_func_get_result_count(const wasm_function_inst_t func_inst, const wasm_module_inst_t /*module_inst*/) {
  return func_inst == nullptr ? 0 : static_cast<uint32_t>(static_cast<const Function*>(func_inst)->type.results.size());
}

void wasm_func_get_param_types(const wasm_function_inst_t func_inst, const wasm_module_inst_t /*module_inst*/,
                               wasm_valkind_t* param_types) {
  if (func_inst != nullptr && param_types != nullptr) {
    std::ranges::transform(static_cast<const Function*>(func_inst)->type.parameters, param_types, to_valkind);
  }
}

void wasm_func_get_result_types(const wasm_function_inst_t func_inst, const wasm_module_inst_t /*module_inst*/,
                                wasm_valkind_t* result_types) {
  if (func_inst != nullptr && result_types != nullptr) {
    std::ranges::transform(static_cast<const Function*>(func_inst)->type.results, result_types, to_valkind);
  }
}

}  // extern "C"
