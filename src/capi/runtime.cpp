#include "capi/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ranges>

#include "capi/instance.h"
#include "capi/module.h"

namespace tenon::capi {

namespace {

/// Never destroyed: threads of the host's may still use it while the process exits.
struct Process {
  std::mutex mutex;  ///< guards the next two
  uint32_t initialised = 0;
  std::shared_ptr<Runtime> runtime;

  Handles<WASMModuleCommon> modules;
  Handles<WASMModuleInstanceCommon> instances;
  Handles<WASMExecEnv> exec_envs;
  std::atomic<int> log_level{WASM_LOG_LEVEL_WARNING};
};

Process& process() {
  static Process& the_one = *new Process;
  return the_one;
}

using Malloc = void* (*)(unsigned int);
using Realloc = void* (*)(void*, unsigned int);
using Free = void (*)(void*);

bool is_valid(const RuntimeInitArgs& args) {
  switch (to_number(args.mem_alloc_type)) {
    case Alloc_With_Pool:
      return args.mem_alloc_option.pool.heap_buf != nullptr && args.mem_alloc_option.pool.heap_size != 0;
    case Alloc_With_Allocator:
      return args.mem_alloc_option.allocator.malloc_func != nullptr &&
             args.mem_alloc_option.allocator.realloc_func != nullptr &&
             args.mem_alloc_option.allocator.free_func != nullptr;
    case Alloc_With_System_Allocator:
      return true;
    default:
      return false;
  }
}

bool is_supported(const RunningMode& mode) {
  return to_number(mode) == Mode_Interp;
}

bool initialise(const RuntimeInitArgs& args) {
  const bool has_mode = to_number(args.running_mode) != 0;
  if (!is_valid(args) || (has_mode && !is_supported(args.running_mode))) {
    return false;
  }
  Process& the_process = process();
  const std::scoped_lock lock(the_process.mutex);
  if (the_process.runtime == nullptr) {
    auto runtime = std::make_shared<Runtime>();
    runtime->allocator.type = args.mem_alloc_type;
    runtime->allocator.option = args.mem_alloc_option;
    if (args.mem_alloc_type == Alloc_With_Pool) {
      // What is handed out is aligned, whatever the buffer is.
      const auto begin = reinterpret_cast<uintptr_t>(args.mem_alloc_option.pool.heap_buf);
      runtime->allocator.pool.emplace(begin, args.mem_alloc_option.pool.heap_size);
    }
    if (args.max_thread_num != 0) {
      runtime->maximum_threads = args.max_thread_num;
    }
    if (args.n_native_symbols != 0 &&
        !runtime->add_natives(args.native_module_name, args.native_symbols, args.n_native_symbols, false)) {
      return false;
    }
    the_process.runtime = std::move(runtime);
  }
  ++the_process.initialised;
  return true;
}

/// The blocks of a pool know their sizes; who moves one copies it.
void* reallocate_in_pool(RangeHeap& pool, void* block, unsigned int size) {
  const auto address = reinterpret_cast<uintptr_t>(block);
  const uint64_t had = pool.size_of(address);
  if (had >= size && had != 0) {
    return block;
  }
  const auto moved = had == 0 ? std::nullopt : pool.allocate(size);
  if (!moved) {
    return nullptr;
  }
  void* const target = reinterpret_cast<void*>(*moved);
  std::memcpy(target, block, had);
  pool.free(address);
  return target;
}

thread_local bool thread_is_initialised = false;

}  // namespace

std::shared_ptr<Runtime> Runtime::current() {
  const std::scoped_lock lock(process().mutex);
  return process().runtime;
}

std::optional<FoundNative> Runtime::find_native(std::string_view module, std::string_view name) {
  const std::scoped_lock lock(mutex);
  const auto find = [&](std::string_view wanted) -> std::optional<FoundNative> {
    for (const NativeModule& natives_of : std::views::reverse(natives)) {
      if (natives_of.name != module) {
        continue;
      }
      for (uint32_t i = 0; i < natives_of.count; ++i) {
        const NativeSymbol& symbol = natives_of.symbols[i];
        if (symbol.symbol != nullptr && symbol.func_ptr != nullptr && wanted == symbol.symbol) {
          return FoundNative{symbol, natives_of.is_raw};
        }
      }
    }
    return std::nullopt;
  };
  auto found = find(name);
  if (!found && name.starts_with('_')) {
    found = find(name.substr(1));
  }
  return found;
}

bool Runtime::has_natives(std::string_view module) {
  const std::scoped_lock lock(mutex);
  return std::ranges::any_of(natives, [&](const NativeModule& known) { return known.name == module; });
}

bool Runtime::add_natives(const char* module, NativeSymbol* symbols, uint32_t count, bool is_raw) {
  if (module == nullptr || symbols == nullptr) {
    return false;
  }
  const std::scoped_lock lock(mutex);
  natives.push_back({module, symbols, count, is_raw});
  return true;
}

Handles<WASMModuleCommon>& module_handles() {
  return process().modules;
}
Handles<WASMModuleInstanceCommon>& instance_handles() {
  return process().instances;
}
Handles<WASMExecEnv>& exec_env_handles() {
  return process().exec_envs;
}

void set_error(char* buffer, uint32_t size, std::string_view text) {
  if (buffer != nullptr && size != 0) {
    const size_t length = std::min<size_t>(text.size(), size - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = '\0';
  }
}

bool wants_log(log_level_t level) {
  return static_cast<int>(level) <= process().log_level.load(std::memory_order_relaxed);
}

void write_log(log_level_t level, const std::string& text) {
  std::fprintf(stderr, "tenon: %s%s\n", level == WASM_LOG_LEVEL_WARNING ? "warning: " : "", text.c_str());
}

}  // namespace tenon::capi

using tenon::capi::initialise;
using tenon::capi::process;
using tenon::capi::Runtime;

extern "C" {

bool wasm_runtime_init(void) {
  RuntimeInitArgs args{};
  args.mem_alloc_type = Alloc_With_System_Allocator;
  return initialise(args);
}

bool wasm_runtime_full_init(RuntimeInitArgs* init_args) {
  return init_args != nullptr && initialise(*init_args);
}

void wasm_runtime_destroy(void) {
  std::shared_ptr<Runtime> last;
  {
    const std::scoped_lock lock(process().mutex);
    uint32_t& initialised = process().initialised;
    initialised -= initialised == 0 ? 0 : 1;
    if (initialised != 0 || process().runtime == nullptr) {
      return;
    }
    last = std::move(process().runtime);
  }
  // Modules that are registered refer to it.
  std::map<std::string, std::shared_ptr<WASMModuleCommon>, std::less<>> modules;
  {
    const std::scoped_lock lock(last->mutex);
    last->natives.clear();
    last->linking = {};
    modules.swap(last->modules);
  }
  tenon::capi::forget_extern_objects();
}

void wasm_runtime_set_log_level(log_level_t level) {
  process().log_level.store(static_cast<int>(tenon::capi::to_number(level)), std::memory_order_relaxed);
}

void wasm_runtime_get_version(uint32_t* major, uint32_t* minor, uint32_t* patch) {
  if (major != nullptr) {
    *major = 2;
  }
  if (minor != nullptr) {
    *minor = 4;
  }
  if (patch != nullptr) {
    *patch = 0;
  }
}

bool wasm_runtime_is_running_mode_supported(RunningMode running_mode) {
  return tenon::capi::is_supported(running_mode);
}

bool wasm_runtime_set_default_running_mode(RunningMode running_mode) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || !tenon::capi::is_supported(running_mode)) {
    return false;
  }
  const std::scoped_lock lock(runtime->mutex);
  runtime->default_mode = running_mode;
  return true;
}

void* wasm_runtime_malloc(unsigned int size) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr) {
    return nullptr;
  }
  size = std::max(size, 1U);
  switch (runtime->allocator.type) {
    case Alloc_With_Pool: {
      const std::scoped_lock lock(runtime->mutex);
      return reinterpret_cast<void*>(runtime->allocator.pool->allocate(size).value_or(0));
    }
    case Alloc_With_Allocator:
      return reinterpret_cast<tenon::capi::Malloc>(runtime->allocator.option.allocator.malloc_func)(size);
    case Alloc_With_System_Allocator:
      return std::malloc(size);
  }
  return nullptr;
}

void* wasm_runtime_realloc(void* ptr, unsigned int size) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr) {
    return nullptr;
  }
  if (ptr == nullptr) {
    return wasm_runtime_malloc(size);
  }
  size = std::max(size, 1U);
  switch (runtime->allocator.type) {
    case Alloc_With_Pool: {
      const std::scoped_lock lock(runtime->mutex);
      return tenon::capi::reallocate_in_pool(*runtime->allocator.pool, ptr, size);
    }
    case Alloc_With_Allocator:
      return reinterpret_cast<tenon::capi::Realloc>(runtime->allocator.option.allocator.realloc_func)(ptr, size);
    case Alloc_With_System_Allocator:
      return std::realloc(ptr, size);
  }
  return nullptr;
}

void wasm_runtime_free(void* ptr) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || ptr == nullptr) {
    return;
  }
  switch (runtime->allocator.type) {
    case Alloc_With_Pool: {
      const std::scoped_lock lock(runtime->mutex);
      runtime->allocator.pool->free(reinterpret_cast<uintptr_t>(ptr));
      return;
    }
    case Alloc_With_Allocator:
      reinterpret_cast<tenon::capi::Free>(runtime->allocator.option.allocator.free_func)(ptr);
      return;
    case Alloc_With_System_Allocator:
      std::free(ptr);
      return;
  }
}

bool wasm_runtime_get_mem_alloc_info(mem_alloc_info_t* mem_alloc_info) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || mem_alloc_info == nullptr) {
    return false;
  }
  const std::scoped_lock lock(runtime->mutex);
  if (!runtime->allocator.pool) {
    return false;
  }
  const tenon::capi::RangeHeap& pool = *runtime->allocator.pool;
  *mem_alloc_info = {.total_size = static_cast<uint32_t>(pool.size()),
                     .total_free_size = static_cast<uint32_t>(pool.free_size()),
                     .highmark_size = static_cast<uint32_t>(pool.most_used())};
  return true;
}

void wasm_runtime_set_max_thread_num(uint32_t num) {
  if (const auto runtime = Runtime::current()) {
    const std::scoped_lock lock(runtime->mutex);
    runtime->maximum_threads = num;
  }
}

bool wasm_runtime_init_thread_env(void) {
  if (Runtime::current() == nullptr) {
    return false;
  }
  tenon::capi::thread_is_initialised = true;
  return true;
}

void wasm_runtime_destroy_thread_env(void) {
  tenon::capi::thread_is_initialised = false;
  tenon::capi::leave_instances();
}

bool wasm_runtime_thread_env_inited(void) {
  return tenon::capi::thread_is_initialised;
}

bool wasm_runtime_register_natives(const char* module_name, NativeSymbol* native_symbols, uint32_t n_native_symbols) {
  const auto runtime = Runtime::current();
  return runtime != nullptr && runtime->add_natives(module_name, native_symbols, n_native_symbols, false);
}

bool wasm_runtime_register_natives_raw(const char* module_name, NativeSymbol* native_symbols,
                                       uint32_t n_native_symbols) {
  const auto runtime = Runtime::current();
  return runtime != nullptr && runtime->add_natives(module_name, native_symbols, n_native_symbols, true);
}

bool wasm_runtime_unregister_natives(const char* module_name, NativeSymbol* native_symbols) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr || module_name == nullptr) {
    return false;
  }
  const std::scoped_lock lock(runtime->mutex);
  const auto found = std::ranges::find_if(runtime->natives, [&](const tenon::capi::NativeModule& known) {
    return known.symbols == native_symbols && known.name == module_name;
  });
  if (found == runtime->natives.end()) {
    return false;
  }
  runtime->natives.erase(found);
  return true;
}

bool wasm_runtime_is_import_func_linked(const char* module_name, const char* func_name) {
  const auto runtime = Runtime::current();
  return runtime != nullptr && module_name != nullptr && func_name != nullptr &&
         (runtime->find_native(module_name, func_name) || tenon::capi::wasi_has(module_name, func_name));
}

bool wasm_runtime_is_import_global_linked(const char* /*module_name*/, const char* /*global_name*/) {
  return false;
}

}  // extern "C"
