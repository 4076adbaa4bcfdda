/* Threads of the host's in guests: those that the runtime made, and others. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <time.h>

#include "check.h"

enum { threads = 4, rounds = 1000 };

static wasm_module_inst_t shared, unshared;

static void rest(long milliseconds) {
  const struct timespec time = {0, milliseconds * 1000000};
  nanosleep(&time, NULL);
}

static int32_t call_in(wasm_exec_env_t env, const char* name, uint32_t argument) {
  uint32_t argv[1] = {argument};
  const wasm_module_inst_t instance = wasm_runtime_get_module_inst(env);
  wasm_function_inst_t function = wasm_runtime_lookup_function(instance, name);
  return wasm_runtime_call_wasm(env, function, wasm_func_get_param_count(function, instance), argv) ? (int32_t)argv[0]
                                                                                                    : -1;
}

/* A thread that the runtime did not make. */
static void* add_from_outside(void* with_env) {
  if (with_env != NULL) {
    (void)wasm_runtime_init_thread_env();
  }
  wasm_exec_env_t env = wasm_runtime_create_exec_env(shared, 8192);
  const intptr_t own = call_in(env, "add_many", rounds);
  wasm_runtime_destroy_exec_env(env);
  if (with_env != NULL) {
    wasm_runtime_destroy_thread_env();
  }
  return (void*)own;
}

static void threads_of_the_host_s(void) {
  const int32_t before = call_i32(shared, "total", 0);
  for (int with_env = 0; with_env < 2; ++with_env) {
    pthread_t all[threads];
    for (int i = 0; i < threads; ++i) {
      CHECK(pthread_create(&all[i], NULL, add_from_outside, with_env ? &all : NULL) == 0);
    }
    for (int i = 0; i < threads; ++i) {
      void* own = NULL;
      pthread_join(all[i], &own);
      CHECK((intptr_t)own == rounds); /* its thread-local variable began at 0 */
    }
  }
  CHECK(call_i32(shared, "total", 0) == before + 2 * threads * rounds);
}

static void* add_from_inside(wasm_exec_env_t env, void* argument) {
  CHECK(wasm_runtime_thread_env_inited() && wasm_runtime_get_module_inst(env) == shared);
  return (void*)(intptr_t)(call_in(env, "add_many", rounds) + *(int*)argument);
}

static void threads_of_the_runtime_s(void) {
  int one = 1;
  wasm_thread_t all[threads];
  wasm_exec_env_t env = wasm_runtime_create_exec_env(shared, 8192);
  for (int i = 0; i < threads; ++i) {
    CHECK(wasm_runtime_spawn_thread(env, &all[i], add_from_inside, &one) == 0);
  }
  for (int i = 0; i < threads; ++i) {
    void* result = NULL;
    CHECK(wasm_runtime_join_thread(all[i], &result) == 0 && (intptr_t)result == rounds + 1);
  }
  CHECK(wasm_runtime_join_thread(all[0], NULL) != 0 && wasm_runtime_join_thread(0, NULL) != 0);
  CHECK(wasm_runtime_spawn_thread(env, NULL, add_from_inside, NULL) == -1);
  CHECK(wasm_runtime_spawn_thread(env, &all[0], NULL, NULL) == -1);
  CHECK(wasm_runtime_spawn_thread(NULL, &all[0], add_from_inside, NULL) == -1);

  wasm_exec_env_t spawned = wasm_runtime_spawn_exec_env(env);
  CHECK(spawned != NULL && wasm_runtime_get_module_inst(spawned) == shared);
  CHECK(call_in(spawned, "add_many", 1) > 0);
  wasm_runtime_destroy_spawned_exec_env(spawned);
  wasm_runtime_destroy_spawned_exec_env(NULL);
  CHECK(wasm_runtime_spawn_exec_env(NULL) == NULL);
  CHECK(wasm_memory_get_shared(wasm_runtime_get_default_memory(shared)));
  wasm_runtime_destroy_exec_env(env);

  /* Not in an instance whose memory is not shared. */
  env = wasm_runtime_create_exec_env(unshared, 8192);
  CHECK(wasm_runtime_spawn_exec_env(env) == NULL);
  CHECK_CONTAINS(wasm_runtime_get_exception(unshared), "not shared");
  wasm_runtime_clear_exception(unshared);
  CHECK(wasm_runtime_spawn_thread(env, &all[0], add_from_inside, NULL) == -1);
  wasm_runtime_clear_exception(unshared);
  wasm_runtime_destroy_exec_env(env);
}

static void* call_count(void* count) {
  *(int32_t*)count = call_i32(unshared, "count", 0);
  return NULL;
}

/* An instance without threads goes from one thread to the next. */
static void one_thread_after_the_other(void) {
  pthread_t other;
  int32_t count = 0;
  CHECK(call_i32(unshared, "count", 0) == 8);
  CHECK(pthread_create(&other, NULL, call_count, &count) == 0 && pthread_join(other, NULL) == 0 && count == 9);
  CHECK(call_i32(unshared, "count", 0) == 10);
}

static wasm_module_inst_t spinning;
static void* spin(void* text) {
  wasm_exec_env_t env = wasm_runtime_create_exec_env(spinning, 8192);
  CHECK(!wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(spinning, "spin"), 0, NULL));
  snprintf((char*)text, 64, "%s", wasm_runtime_get_exception(spinning));
  wasm_runtime_destroy_exec_env(env);
  return NULL;
}

static void terminated_calls(void) {
  char text[64] = "";
  uint32_t argv[2] = {1, 2};
  wasm_module_inst_t instances[2] = {unshared, shared};
  for (int i = 0; i < 2; ++i) {
    pthread_t other;
    spinning = instances[i];
    CHECK(pthread_create(&other, NULL, spin, text) == 0);
    rest(30 * i); /* it is in the loop already, or is about to enter */
    wasm_runtime_terminate(spinning);
    pthread_join(other, NULL);
    CHECK_TEXT(text, "Exception: terminated by user");
    wasm_exec_env_t env = wasm_runtime_create_exec_env(spinning, 8192);
    CHECK(!wasm_runtime_begin_blocking_op(env) && !wasm_runtime_begin_blocking_op(NULL));
    CHECK(call_in(env, i == 0 ? "count" : "total", 0) == -1);
    wasm_runtime_clear_exception(spinning);
    CHECK(call_in(env, i == 0 ? "count" : "total", 0) > 0);
    CHECK(wasm_runtime_begin_blocking_op(env));
    wasm_runtime_end_blocking_op(env);
    wasm_runtime_end_blocking_op(NULL);
    wasm_runtime_destroy_exec_env(env);
  }
  CHECK(wasm_runtime_call_wasm(wasm_runtime_get_exec_env_singleton(unshared),
                               wasm_runtime_lookup_function(unshared, "add"), 2, argv));
  wasm_runtime_terminate(NULL);
}

static void stack_that_is_left(void) {
  wasm_exec_env_t env = wasm_runtime_create_exec_env(unshared, 8192);
  CHECK(wasm_runtime_detect_native_stack_overflow(env) && !wasm_runtime_detect_native_stack_overflow(NULL));
  CHECK(wasm_runtime_detect_native_stack_overflow_size(env, 4096));
  CHECK(!wasm_runtime_detect_native_stack_overflow_size(env, UINT32_MAX));
  CHECK_TEXT(wasm_runtime_get_exception(unshared), "Exception: native stack overflow");
  CHECK(!wasm_runtime_detect_native_stack_overflow_size(NULL, 1));
  wasm_runtime_clear_exception(unshared);
  wasm_runtime_destroy_exec_env(env);
}

int main(void) {
  const char* libraries[] = {getenv("CAPI_SYSROOT_LIBRARIES_THREADS")};
  wasm_runtime_init();
  wasm_runtime_set_max_thread_num(64);
  CHECK(wasm_runtime_dl_set_search_path(libraries, 1));
  wasm_module_t module = load_file("threads.wasm");
  shared = instantiate(module);
  wasm_module_t plain = load_file("plain.wasm");
  unshared = instantiate(plain);
  RUN(threads_of_the_host_s);
  RUN(threads_of_the_runtime_s);
  RUN(one_thread_after_the_other);
  RUN(terminated_calls);
  RUN(stack_that_is_left);
  wasm_runtime_deinstantiate(shared);
  wasm_runtime_deinstantiate(unshared);
  wasm_runtime_unload(module);
  wasm_runtime_unload(plain);
  wasm_runtime_destroy();
  return check_failures != 0;
}
