// Threads of the host's in guests.
#include <pthread.h>

#include <cerrno>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

/// What wasm_thread_t points to.
struct HostThread {
  wasm_exec_env_t env;
  wasm_thread_callback_t callback;
  void* argument;
  pthread_t handle{};
};

/// Threads that are to be joined. Never destroyed, as the instances' handles are not.
Handles<HostThread>& host_threads() {
  static Handles<HostThread>& all = *new Handles<HostThread>;
  return all;
}

void* run(void* its_thread) {
  const HostThread thread = *static_cast<HostThread*>(its_thread);
  wasm_runtime_init_thread_env();
  void* const result = thread.callback(thread.env, thread.argument);
  wasm_runtime_destroy_spawned_exec_env(thread.env);
  wasm_runtime_destroy_thread_env();
  return result;
}

/// Of host stack that a native needs to fail in an orderly way.
constexpr uint32_t kGuardSize = 16 * 1024;

/// The lowest address of the calling thread's stack.
uintptr_t stack_begin() {
  thread_local const uintptr_t begin = [] {
    pthread_attr_t attributes;
    void* address = nullptr;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      pthread_attr_getstack(&attributes, &address, &size);
      pthread_attr_destroy(&attributes);
    }
    return reinterpret_cast<uintptr_t>(address);
  }();
  return begin;
}

}  // namespace

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

wasm_exec_env_t wasm_runtime_spawn_exec_env(wasm_exec_env_t exec_env) {
  if (exec_env == nullptr) {
    return nullptr;
  }
  WASMModuleInstanceCommon& instance = *exec_env->instance;
  const tenon::runtime::Memory* const memory = instance.default_memory();
  if (memory == nullptr || !memory->type().shared) {
    instance.exception.set("spawn exec_env failed: the memory is not shared");
    return nullptr;
  }
  const wasm_exec_env_t spawned = wasm_runtime_create_exec_env(&instance, 0);
  spawned->is_spawned = true;
  return spawned;
}

void wasm_runtime_destroy_spawned_exec_env(wasm_exec_env_t exec_env) {
  const auto spawned = exec_env_handles().take(exec_env);
  if (spawned != nullptr && spawned->is_spawned) {
    spawned->instance->program->leave();
  }
}

int32_t wasm_runtime_spawn_thread(wasm_exec_env_t exec_env, wasm_thread_t* tid, wasm_thread_callback_t callback,
                                  void* arg) {
  if (tid == nullptr || callback == nullptr) {
    return -1;
  }
  const wasm_exec_env_t spawned = wasm_runtime_spawn_exec_env(exec_env);
  if (spawned == nullptr) {
    return -1;
  }
  auto thread = std::make_shared<HostThread>(HostThread{.env = spawned, .callback = callback, .argument = arg});
  if (pthread_create(&thread->handle, nullptr, &run, thread.get()) != 0) {
    (void)exec_env_handles().take(spawned);
    exec_env->instance->exception.set("spawn thread failed: the host has no more threads");
    return -1;
  }
  *tid = reinterpret_cast<wasm_thread_t>(host_threads().add(std::move(thread)));
  return 0;
}

int32_t wasm_runtime_join_thread(wasm_thread_t tid, void** retval) {
  const auto thread = host_threads().take(reinterpret_cast<HostThread*>(tid));
  return thread == nullptr ? ESRCH : pthread_join(thread->handle, retval);
}

bool wasm_runtime_begin_blocking_op(wasm_exec_env_t exec_env) {
  return exec_env != nullptr && !exec_env->instance->is_terminated;
}

void wasm_runtime_end_blocking_op(wasm_exec_env_t /*exec_env*/) {}

bool wasm_runtime_detect_native_stack_overflow(wasm_exec_env_t exec_env) {
  return wasm_runtime_detect_native_stack_overflow_size(exec_env, kGuardSize);
}

bool wasm_runtime_detect_native_stack_overflow_size(wasm_exec_env_t exec_env, uint32_t required_size) {
  if (exec_env == nullptr) {
    return false;
  }
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here - stack_begin() >= required_size) {
    return true;
  }
  exec_env->instance->exception.set("native stack overflow");
  return false;
}

}  // extern "C"
