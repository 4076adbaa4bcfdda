/* Instances, calls, exceptions, and what is asked of exec envs. */
#include "check.h"

static wasm_module_t module;
static wasm_module_inst_t instance;
static wasm_exec_env_t env;

static wasm_function_inst_t function(const char* name) {
  return wasm_runtime_lookup_function(instance, name);
}

/* Calls what traps. */
static void check_trap(const char* name, uint32_t argc, uint32_t argv[], const char* text) {
  CHECK(!wasm_runtime_call_wasm(env, function(name), argc, argv));
  CHECK_TEXT(wasm_runtime_get_exception(instance), text);
  wasm_runtime_clear_exception(instance);
}

static void cells_of_every_type(void) {
  uint32_t argv[6] = {3, 4};
  CHECK(wasm_runtime_call_wasm(env, function("add"), 2, argv) && argv[0] == 7);
  const int64_t wide[2] = {1LL << 40, 2};
  memcpy(argv, wide, sizeof(wide));
  CHECK(wasm_runtime_call_wasm(env, function("add64"), 4, argv));
  int64_t wide_sum;
  memcpy(&wide_sum, argv, sizeof(wide_sum));
  CHECK(wide_sum == (1LL << 40) + 2);
  const float floats[2] = {1.5F, 2.25F};
  memcpy(argv, floats, sizeof(floats));
  CHECK(wasm_runtime_call_wasm(env, function("addf"), 2, argv));
  float float_sum;
  memcpy(&float_sum, argv, sizeof(float_sum));
  CHECK(float_sum == 3.75F);
  const double doubles[2] = {1.5, 2.125};
  memcpy(argv, doubles, sizeof(doubles));
  CHECK(wasm_runtime_call_wasm(env, function("addd"), 4, argv));
  double double_sum;
  memcpy(&double_sum, argv, sizeof(double_sum));
  CHECK(double_sum == 3.625);
  argv[0] = 11;
  argv[1] = 22;
  argv[2] = 33;
  CHECK(wasm_runtime_call_wasm(env, function("swap"), 3, argv) && argv[0] == 22 && argv[1] == 33 && argv[2] == 11);
  void* object = &argv;
  memcpy(argv, &object, sizeof(object));
  CHECK(wasm_runtime_call_wasm(env, function("same_extern"), 2, argv) && memcmp(argv, &object, sizeof(object)) == 0);
  argv[0] = 1;
  CHECK(wasm_runtime_call_wasm(env, function("same_func"), 1, argv) && argv[0] == 1);
  argv[0] = UINT32_MAX;
  CHECK(wasm_runtime_call_wasm(env, function("same_func"), 1, argv) && argv[0] == UINT32_MAX);
}

static void values_of_every_type(void) {
  wasm_val_t results[2];
  wasm_val_t arguments[4];
  memset(arguments, 0, sizeof(arguments));
  arguments[0].kind = WASM_I32;
  arguments[0].of.i32 = -1;
  arguments[1].kind = WASM_I64;
  arguments[1].of.i64 = 10;
  arguments[2].kind = WASM_F32;
  arguments[2].of.f32 = 0.5F;
  arguments[3].kind = WASM_F64;
  arguments[3].of.f64 = 0.25;
  CHECK(wasm_runtime_call_wasm_a(env, function("all"), 1, results, 4, arguments));
  CHECK(results[0].kind == WASM_F64 && results[0].of.f64 == 9.75);
  CHECK(wasm_runtime_call_wasm_a(env, function("swap"), 2, results, 2, arguments));
  CHECK(results[0].kind == WASM_I64 && results[0].of.i64 == 10 && results[1].of.i32 == -1);
  CHECK(wasm_runtime_call_wasm_v(env, function("all"), 1, results, 4, 1, (int64_t)2, 0.5, 0.25));
  CHECK(results[0].of.f64 == 3.75);
  arguments[0].kind = WASM_EXTERNREF;
  arguments[0].of.foreign = (uintptr_t)&module;
  CHECK(wasm_runtime_call_wasm_a(env, function("same_extern"), 1, results, 1, arguments));
  CHECK(results[0].kind == WASM_EXTERNREF && results[0].of.foreign == (uintptr_t)&module);
  CHECK(wasm_runtime_call_wasm_v(env, function("same_extern"), 1, results, 1, (uintptr_t)&env));
  CHECK(results[0].of.foreign == (uintptr_t)&env);
  arguments[0].kind = WASM_FUNCREF;
  arguments[0].of.i32 = 0;
  CHECK(wasm_runtime_call_wasm_a(env, function("same_func"), 1, results, 1, arguments));
  CHECK(results[0].kind == WASM_FUNCREF && results[0].of.i32 == 0);
}

static void wrong_calls(void) {
  uint32_t argv[2] = {1, 2};
  wasm_val_t values[2];
  memset(values, 0, sizeof(values));
  CHECK(!wasm_runtime_call_wasm(NULL, function("add"), 2, argv));
  CHECK(!wasm_runtime_call_wasm(env, NULL, 0, argv));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "Exception: ");
  wasm_runtime_clear_exception(instance);
  check_trap("add", 1, argv, "Exception: invalid argument count 1, must be no smaller than 2");
  CHECK(!wasm_runtime_call_wasm(env, function("add"), 2, NULL));
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_wasm_a(env, function("add"), 1, values, 1, values));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "argument value number");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_wasm_a(env, function("add"), 0, NULL, 2, values));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "result value number");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_wasm_a(env, function("add64"), 1, values, 2, values));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "value type");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_wasm_a(NULL, NULL, 0, NULL, 0, NULL));
  CHECK(!wasm_runtime_call_wasm_v(env, function("add"), 1, values, 1, 1));
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_wasm_v(NULL, NULL, 0, NULL, 0));
  /* A function of one instance in another. */
  wasm_module_inst_t other = instantiate(module);
  wasm_exec_env_t other_env = wasm_runtime_create_exec_env(other, 4096);
  CHECK(!wasm_runtime_call_wasm(other_env, function("add"), 2, argv));
  CHECK_CONTAINS(wasm_runtime_get_exception(other), "another instance");
  CHECK(wasm_runtime_get_exception(instance) == NULL);
  wasm_runtime_destroy_exec_env(other_env);
  wasm_runtime_deinstantiate(other);
}

static void traps_have_wamr_s_words(void) {
  uint32_t argv[4] = {1, 0};
  check_trap("crash", 0, NULL, "Exception: unreachable");
  check_trap("divide", 2, argv, "Exception: integer divide by zero");
  argv[0] = 0x80000000;
  argv[1] = UINT32_MAX;
  check_trap("divide", 2, argv, "Exception: integer overflow");
  const double many = 1e30;
  memcpy(argv, &many, sizeof(many));
  check_trap("to_int", 2, argv, "Exception: integer overflow");
  argv[0] = 65536;
  check_trap("load", 1, argv, "Exception: out of bounds memory access");
  argv[0] = 100;
  check_trap("through_table", 2, argv, "Exception: undefined element");
  argv[0] = 0;
  check_trap("through_table", 2, argv, "Exception: uninitialized element");
  argv[0] = 2;
  check_trap("through_table", 2, argv, "Exception: indirect call type mismatch");
  check_trap("recurse", 1, argv, "Exception: wasm operand stack overflow");
  argv[0] = 1;
  argv[1] = 21;
  CHECK(wasm_runtime_call_wasm(env, function("through_table"), 2, argv) && argv[0] == 42);
}

static void calls_fail_while_there_is_an_exception(void) {
  uint32_t argv[2] = {1, 2};
  CHECK(wasm_runtime_get_exception(instance) == NULL);
  wasm_runtime_set_exception(instance, "the host's own");
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: the host's own");
  CHECK(!wasm_runtime_call_wasm(env, function("add"), 2, argv) && argv[0] == 1);
  wasm_runtime_set_exception(instance, NULL);
  CHECK(wasm_runtime_get_exception(instance) == NULL);
  CHECK(wasm_runtime_call_wasm(env, function("add"), 2, argv) && argv[0] == 3);
  char lengthy[5000];
  memset(lengthy, 'x', sizeof(lengthy));
  lengthy[sizeof(lengthy) - 1] = '\0';
  wasm_runtime_set_exception(instance, lengthy);
  CHECK(strlen(wasm_runtime_get_exception(instance)) < 2000);
  wasm_runtime_clear_exception(instance);
  wasm_runtime_set_exception(NULL, "x");
  wasm_runtime_clear_exception(NULL);
  CHECK(wasm_runtime_get_exception(NULL) == NULL);
}

static void function_types(void) {
  wasm_valkind_t kinds[4] = {9, 9, 9, 9};
  wasm_function_inst_t all = function("all");
  CHECK(wasm_func_get_param_count(all, instance) == 4 && wasm_func_get_result_count(all, instance) == 1);
  wasm_func_get_param_types(all, instance, kinds);
  CHECK(kinds[0] == WASM_I32 && kinds[1] == WASM_I64 && kinds[2] == WASM_F32 && kinds[3] == WASM_F64);
  wasm_func_get_result_types(all, instance, kinds);
  CHECK(kinds[0] == WASM_F64);
  CHECK(function("add") == function("add"));
  CHECK(function("absent") == NULL && function("memory") == NULL);
  CHECK(wasm_runtime_lookup_function(NULL, "add") == NULL && wasm_runtime_lookup_function(instance, NULL) == NULL);
  CHECK(wasm_func_get_param_count(NULL, instance) == 0 && wasm_func_get_result_count(NULL, instance) == 0);
  wasm_func_get_param_types(NULL, instance, kinds);
  wasm_func_get_result_types(all, instance, NULL);
}

static void globals_and_tables(void) {
  wasm_global_inst_t global;
  CHECK(wasm_runtime_get_export_global_inst(instance, "counter", &global));
  CHECK(global.kind == WASM_I32 && global.is_mutable && *(int32_t*)global.global_data == 7);
  *(int32_t*)global.global_data = 99;
  CHECK(call_i32(instance, "count", 0) == 100 && *(int32_t*)global.global_data == 100);
  CHECK(wasm_runtime_get_export_global_inst(instance, "big", &global));
  CHECK(global.kind == WASM_I64 && !global.is_mutable && *(int64_t*)global.global_data == 0x123456789abcdef);
  CHECK(!wasm_runtime_get_export_global_inst(instance, "add", &global));
  CHECK(!wasm_runtime_get_export_global_inst(NULL, "counter", &global));
  CHECK(!wasm_runtime_get_export_global_inst(instance, "counter", NULL));

  wasm_table_inst_t table;
  CHECK(wasm_runtime_get_export_table_inst(instance, "table", &table));
  CHECK(table.elem_kind == WASM_FUNCREF && table.cur_size == 4 && table.max_size == 8);
  CHECK(!wasm_runtime_get_export_table_inst(instance, "memory", &table));
  CHECK(!wasm_runtime_get_export_table_inst(NULL, "table", &table));
  wasm_function_inst_t twice = wasm_table_get_func_inst(instance, &table, 1);
  uint32_t argv[2] = {21, 0};
  CHECK(twice != NULL && wasm_runtime_call_wasm(env, twice, 1, argv) && argv[0] == 42);
  CHECK(twice == wasm_table_get_func_inst(instance, &table, 1));
  CHECK(wasm_table_get_func_inst(instance, &table, 0) == NULL);
  CHECK(wasm_table_get_func_inst(instance, &table, 4) == NULL);
  CHECK(wasm_table_get_func_inst(NULL, &table, 1) == NULL && wasm_table_get_func_inst(instance, NULL, 1) == NULL);

  argv[0] = 4;
  CHECK(wasm_runtime_call_indirect(env, 1, 1, argv) && argv[0] == 8);
  CHECK(!wasm_runtime_call_indirect(env, 0, 1, argv));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: uninitialized element");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_indirect(env, 99, 1, argv));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: undefined element");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_call_indirect(NULL, 1, 1, argv));

  /* What stood there is gone. */
  (void)call_i32(instance, "clear_element", 1);
  CHECK(!wasm_runtime_call_wasm(env, twice, 1, argv));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "another function");
  wasm_runtime_clear_exception(instance);
}

static void exec_envs_and_data(void) {
  int data = 0;
  CHECK(wasm_runtime_get_module_inst(env) == instance && wasm_runtime_get_module_inst(NULL) == NULL);
  wasm_runtime_set_user_data(env, &data);
  CHECK(wasm_runtime_get_user_data(env) == &data && wasm_runtime_get_user_data(NULL) == NULL);
  wasm_runtime_set_user_data(NULL, &data);
  CHECK(wasm_runtime_get_function_attachment(env) == NULL && wasm_runtime_get_function_attachment(NULL) == NULL);
  wasm_runtime_set_custom_data(instance, &data);
  CHECK(wasm_runtime_get_custom_data(instance) == &data && wasm_runtime_get_custom_data(NULL) == NULL);
  wasm_runtime_set_custom_data(NULL, &data);
  wasm_exec_env_t own = wasm_runtime_get_exec_env_singleton(instance);
  CHECK(own != NULL && wasm_runtime_get_module_inst(own) == instance);
  CHECK(wasm_runtime_get_exec_env_singleton(NULL) == NULL);
  uint32_t argv[2] = {1, 2};
  CHECK(wasm_runtime_call_wasm(own, function("add"), 2, argv) && argv[0] == 3);
  wasm_module_inst_t other = instantiate(module);
  wasm_runtime_set_module_inst(env, other);
  CHECK(wasm_runtime_get_module_inst(env) == other);
  wasm_runtime_set_module_inst(env, NULL);
  wasm_runtime_set_module_inst(NULL, other);
  CHECK(wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(other, "add"), 2, argv) && argv[0] == 5);
  wasm_runtime_set_module_inst(env, instance);
  wasm_runtime_deinstantiate(other);
  CHECK(wasm_runtime_create_exec_env(NULL, 4096) == NULL);
  wasm_runtime_destroy_exec_env(NULL);
  wasm_exec_env_t another = wasm_runtime_create_exec_env(instance, 0);
  CHECK(another != NULL);
  wasm_runtime_destroy_exec_env(another);
  CHECK(wasm_runtime_get_module(instance) == module && wasm_runtime_get_module(NULL) == NULL);
  CHECK(wasm_runtime_get_running_mode(instance) == Mode_Interp);
  CHECK((int)wasm_runtime_get_running_mode(NULL) == 0);
  CHECK(wasm_runtime_set_running_mode(instance, Mode_Interp));
  CHECK(!wasm_runtime_set_running_mode(instance, Mode_Fast_JIT) && !wasm_runtime_set_running_mode(NULL, Mode_Interp));
  wasm_runtime_set_bounds_checks(instance, true);
  wasm_runtime_set_bounds_checks(NULL, false);
  CHECK(wasm_runtime_is_bounds_checks_enabled(instance) && !wasm_runtime_is_bounds_checks_enabled(NULL));
  CHECK(!wasm_runtime_is_wasi_mode(instance) && !wasm_runtime_is_wasi_mode(NULL));
  CHECK(wasm_runtime_lookup_wasi_start_function(instance) == NULL);
  CHECK(wasm_runtime_get_wasi_exit_code(instance) == 0 && wasm_runtime_get_wasi_exit_code(NULL) == 0);
}

static int destroyed;
static void destroy_context(wasm_module_inst_t its_instance, void* context) {
  CHECK(wasm_runtime_get_module(its_instance) == module);
  destroyed += *(int*)context;
}

static void contexts(void) {
  int seven = 7, eight = 8;
  void* key = wasm_runtime_create_context_key(destroy_context);
  void* other_key = wasm_runtime_create_context_key(NULL);
  wasm_module_inst_t other = instantiate(module);
  CHECK(key != NULL && other_key != NULL && key != other_key);
  CHECK(wasm_runtime_get_context(other, key) == NULL);
  wasm_runtime_set_context(other, key, &seven);
  wasm_runtime_set_context_spread(other, other_key, &eight);
  CHECK(wasm_runtime_get_context(other, key) == &seven && wasm_runtime_get_context(other, other_key) == &eight);
  CHECK(wasm_runtime_get_context(instance, key) == NULL && wasm_runtime_get_context(NULL, key) == NULL);
  wasm_runtime_set_context(NULL, key, &seven);
  wasm_runtime_set_context_spread(NULL, key, &seven);
  wasm_runtime_deinstantiate(other);
  CHECK(destroyed == 7);
  wasm_runtime_destroy_context_key(key);
  wasm_runtime_destroy_context_key(other_key);
  wasm_runtime_destroy_context_key(NULL);
  wasm_runtime_set_context(instance, key, &seven);
  CHECK(wasm_runtime_get_context(instance, key) == NULL);
}

static int cleaned;
static void clean(void* object) {
  cleaned += *(int*)object;
}

static void numbers_for_objects(void) {
  static int one = 1, two = 2, four = 4;
  uint32_t number = 0, other = 0;
  void* object = NULL;
  wasm_module_inst_t others = instantiate(module);
  CHECK(wasm_externref_obj2ref(others, &one, &number) && wasm_externref_obj2ref(others, &one, &other));
  CHECK(number == other);
  CHECK(wasm_externref_ref2obj(number, &object) && object == &one);
  CHECK(!wasm_externref_ref2obj(number + 1000, &object) && !wasm_externref_ref2obj(number, NULL));
  CHECK(wasm_externref_obj2ref(others, NULL, &other) && wasm_externref_ref2obj(other, &object) && object == NULL);
  CHECK(!wasm_externref_obj2ref(NULL, &one, &other) && !wasm_externref_obj2ref(others, &one, NULL));
  CHECK(wasm_externref_set_cleanup(others, &one, clean) && !wasm_externref_set_cleanup(others, &four, clean));
  CHECK(wasm_externref_objdel(others, &one) && cleaned == 1 && !wasm_externref_objdel(others, &one));
  CHECK(wasm_externref_obj2ref(others, &two, &number) && wasm_externref_set_cleanup(others, &two, clean));
  CHECK(wasm_externref_obj2ref(others, &four, &other) && wasm_externref_set_cleanup(others, &four, clean));
  CHECK(wasm_externref_retain(other) && !wasm_externref_retain(number + 1000));
  wasm_runtime_deinstantiate(others);
  CHECK(cleaned == 3 && wasm_externref_ref2obj(other, &object) && object == &four);
}

static void call_stacks(void) {
  char text[512];
  WASMCApiFrame frames[4];
  wasm_exec_env_t fresh = wasm_runtime_create_exec_env(instance, 4096);
  CHECK(wasm_runtime_get_call_stack_buf_size(fresh) == 0 && wasm_runtime_get_call_stack_buf_size(NULL) == 0);
  CHECK(wasm_runtime_dump_call_stack_to_buf(fresh, text, sizeof(text)) == 0);
  CHECK(!wasm_runtime_call_wasm(fresh, function("crash_deeper"), 0, NULL));
  const uint32_t size = wasm_runtime_get_call_stack_buf_size(fresh);
  CHECK(size > 0 && size < sizeof(text));
  CHECK(wasm_runtime_dump_call_stack_to_buf(fresh, text, sizeof(text)) == size && strlen(text) + 1 == size);
  CHECK_CONTAINS(text, "#00: 0x");
  CHECK_CONTAINS(text, " - crash\n");
  CHECK_CONTAINS(text, " - crash_deeper\n");
  CHECK(wasm_runtime_dump_call_stack_to_buf(fresh, text, size - 1) == 0);
  CHECK(wasm_runtime_dump_call_stack_to_buf(fresh, NULL, 100) == 0);
  CHECK(wasm_copy_callstack(fresh, frames, 4, 0, text, sizeof(text)) == 2);
  CHECK_TEXT(frames[0].func_name_wp, "crash");
  CHECK(frames[0].module_offset > 0 && frames[0].func_offset > 0 && frames[0].func_offset < 8);
  CHECK(wasm_copy_callstack(fresh, frames, 4, 1, NULL, 0) == 1);
  CHECK_TEXT(frames[0].func_name_wp, "crash_deeper");
  CHECK(wasm_copy_callstack(NULL, frames, 4, 0, text, sizeof(text)) == 0);
  wasm_runtime_dump_call_stack(fresh);
  wasm_runtime_dump_call_stack(NULL);
  wasm_runtime_dump_mem_consumption(fresh);
  wasm_runtime_dump_mem_consumption(NULL);
  wasm_runtime_clear_exception(instance);
  wasm_runtime_destroy_exec_env(fresh);
}

static void programs_and_words(void) {
  char three[] = "3", four[] = "0x4", bad[] = "3x", half[] = "0.5", word[] = "word", empty[] = "";
  char* two[] = {three, four};
  char* wrong[] = {three, bad};
  char* none[] = {three, empty};
  char* reals[] = {three, four, half, half};
  CHECK(wasm_application_execute_func(instance, "add", 2, two));
  CHECK(wasm_application_execute_func(instance, "all", 4, reals));
  CHECK(wasm_application_execute_func(instance, "swap", 2, two));
  CHECK(!wasm_application_execute_func(instance, "add", 1, two));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: invalid input argument count");
  CHECK(!wasm_application_execute_func(instance, "add", 2, wrong));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "invalid input argument 1");
  CHECK(!wasm_application_execute_func(instance, "add", 2, none));
  CHECK(!wasm_application_execute_func(instance, "absent", 0, NULL));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: lookup function absent failed");
  CHECK(!wasm_application_execute_func(instance, "$absent$give", 0, NULL));
  CHECK(!wasm_application_execute_func(instance, "crash", 0, NULL));
  CHECK(!wasm_application_execute_func(NULL, "add", 2, two) && !wasm_application_execute_func(instance, NULL, 0, NULL));
  wasm_runtime_clear_exception(instance);
  /* main needs memory for its arguments, and this module has no allocator. */
  char* words[] = {word, NULL};
  CHECK(!wasm_application_execute_main(instance, 1, words));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: allocate memory failed");
  wasm_runtime_clear_exception(instance);
  char error[256];
  wasm_module_inst_t with_heap = wasm_runtime_instantiate(module, 8192, 8192, error, sizeof(error));
  CHECK(wasm_application_execute_main(with_heap, 1, words));
  int32_t result;
  memcpy(&result, words, sizeof(result));
  CHECK_TEXT((const char*)wasm_runtime_addr_app_to_native(with_heap, (uint32_t)result), "word");
  wasm_runtime_deinstantiate(with_heap);
  CHECK(!wasm_application_execute_main(NULL, 0, NULL));
}

static void what_instantiation_takes(void) {
  char error[256] = "";
  InstantiationArgs args = {1024, 0, 2};
  struct InstantiationArgs2* args2 = NULL;
  CHECK(wasm_runtime_instantiate(NULL, 0, 0, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "WASM module instantiate failed: ");
  CHECK(wasm_runtime_instantiate_ex(module, NULL, error, sizeof(error)) == NULL);
  CHECK(wasm_runtime_instantiate_ex2(module, NULL, error, sizeof(error)) == NULL);
  wasm_module_inst_t limited = wasm_runtime_instantiate_ex(module, &args, error, sizeof(error));
  CHECK(limited != NULL && call_i32(limited, "grow", 1) == 1 && call_i32(limited, "grow", 1) == -1);
  wasm_runtime_deinstantiate(limited);
  CHECK(wasm_runtime_instantiation_args_create(&args2) && !wasm_runtime_instantiation_args_create(NULL));
  wasm_runtime_instantiation_args_set_default_stack_size(args2, 64 << 20);
  wasm_runtime_instantiation_args_set_host_managed_heap_size(args2, 0);
  wasm_runtime_instantiation_args_set_max_memory_pages(args2, 3);
  wasm_runtime_instantiation_args_set_default_stack_size(NULL, 1);
  wasm_runtime_instantiation_args_set_host_managed_heap_size(NULL, 1);
  wasm_runtime_instantiation_args_set_max_memory_pages(NULL, 1);
  limited = wasm_runtime_instantiate_ex2(module, args2, error, sizeof(error));
  wasm_runtime_instantiation_args_destroy(args2);
  wasm_runtime_instantiation_args_destroy(NULL);
  CHECK(limited != NULL && call_i32(limited, "grow", 2) == 1 && call_i32(limited, "grow", 1) == -1);
  wasm_runtime_deinstantiate(limited);
  wasm_runtime_deinstantiate(NULL);
}

/* Instances share nothing but the module's code. */
static void many_programs_in_one_process(void) {
  enum { count = 8 };
  wasm_module_inst_t all[count];
  for (int i = 0; i < count; ++i) {
    all[i] = instantiate(module);
  }
  for (int i = 0; i < count; ++i) {
    for (int calls = 0; calls <= i; ++calls) {
      CHECK(call_i32(all[i], "count", 0) == 8 + calls);
    }
  }
  for (int i = 0; i < count; ++i) {
    wasm_runtime_deinstantiate(all[i]);
  }
}

/* A module that was unloaded lives on in its instances, and a runtime that was destroyed in both. */
static void in_the_wrong_order(void) {
  wasm_module_t early = load_file("plain.wasm");
  wasm_module_inst_t left = instantiate(early);
  wasm_runtime_unload(early);
  wasm_runtime_unload(early);
  wasm_runtime_unload(NULL);
  CHECK(call_i32(left, "count", 0) == 8);
  wasm_exec_env_t left_env = wasm_runtime_create_exec_env(left, 4096);
  wasm_runtime_destroy();
  CHECK(call_i32(left, "count", 0) == 9);
  wasm_runtime_deinstantiate(left);
  wasm_runtime_destroy_exec_env(left_env);
  CHECK(cleaned == 7);
}

int main(void) {
  wasm_runtime_init();
  module = load_file("plain.wasm");
  instance = instantiate(module);
  env = wasm_runtime_create_exec_env(instance, 64 * 1024);
  RUN(cells_of_every_type);
  RUN(values_of_every_type);
  RUN(wrong_calls);
  RUN(traps_have_wamr_s_words);
  RUN(calls_fail_while_there_is_an_exception);
  RUN(function_types);
  RUN(globals_and_tables);
  RUN(exec_envs_and_data);
  RUN(contexts);
  RUN(numbers_for_objects);
  RUN(call_stacks);
  RUN(programs_and_words);
  RUN(what_instantiation_takes);
  RUN(many_programs_in_one_process);
  wasm_runtime_destroy_exec_env(env);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  RUN(in_the_wrong_order);
  return check_failures != 0;
}
