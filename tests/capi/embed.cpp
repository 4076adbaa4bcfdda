// The same interface from C++17.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "check.h"

namespace {

template <auto function>
struct Deleter {
  template <class Handle>
  void operator()(Handle* handle) const {
    function(handle);
  }
};
using Module = std::unique_ptr<std::remove_pointer_t<wasm_module_t>, Deleter<wasm_runtime_unload>>;
using Instance = std::unique_ptr<std::remove_pointer_t<wasm_module_inst_t>, Deleter<wasm_runtime_deinstantiate>>;
using ExecEnv = std::unique_ptr<std::remove_pointer_t<wasm_exec_env_t>, Deleter<wasm_runtime_destroy_exec_env>>;

void handles_in_smart_pointers() {
  const Module module(load_file("plain.wasm"));
  const Instance instance(instantiate(module.get()));
  const ExecEnv env(wasm_runtime_create_exec_env(instance.get(), 8192));
  wasm_val_t results[1] = {};
  wasm_val_t arguments[2] = {};
  arguments[0].kind = arguments[1].kind = WASM_F64;
  arguments[0].of.f64 = 1.5;
  arguments[1].of.f64 = 2;
  wasm_function_inst_t add = wasm_runtime_lookup_function(instance.get(), "addd");
  CHECK(wasm_runtime_call_wasm_a(env.get(), add, 1, results, 2, arguments) && results[0].of.f64 == 3.5);
  CHECK(!wasm_runtime_call_wasm(env.get(), wasm_runtime_lookup_function(instance.get(), "crash"), 0, nullptr));
  CHECK(std::string(wasm_runtime_get_exception(instance.get())) == "Exception: unreachable");
}

// Two settings of libraries, side by side, and used at once.
void two_programs_at_once() {
  const char* path[] = {std::getenv("CAPI_SYSROOT_LIBRARIES"), "."};
  CHECK(wasm_runtime_dl_set_search_path(path, 2));
  const Module linked(load_file("program.wasm"));
  const Module plain(load_file("plain.wasm"));
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      wasm_runtime_init_thread_env();
      for (int round = 0; round < 5; ++round) {
        const Instance instance(instantiate(i % 2 == 0 ? linked.get() : plain.get()));
        const bool is_right =
            i % 2 == 0 ? call_i32(instance.get(), "call_needed", 0) == 35 : call_i32(instance.get(), "count", 0) == 8;
        right += is_right ? 1 : 0;
      }
      wasm_runtime_destroy_thread_env();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(right == 20);
}

int32_t twice(wasm_exec_env_t /*env*/, int32_t value) {
  return 2 * value;
}

}  // namespace

int main() {
  NativeSymbol natives[] = {{"native_value", reinterpret_cast<void*>(twice), "(i)i", nullptr}};
  CHECK(wasm_runtime_init());
  CHECK(wasm_runtime_register_natives("env", natives, 1));
  RUN(handles_in_smart_pointers);
  RUN(two_programs_at_once);
  wasm_runtime_destroy();
  return check_failures != 0 ? 1 : 0;
}
