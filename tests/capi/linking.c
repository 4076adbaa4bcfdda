/* Dynamic linking: where libraries come from, and the host's dlopen. */
#include "check.h"

static int32_t native_value(wasm_exec_env_t env, int32_t value) {
  (void)env;
  return value * 2;
}
static NativeSymbol natives[] = {EXPORT_WASM_API_WITH_SIG(native_value, "(i)i")};

static wasm_module_t program;
static char error[4096];

static int read_count, given_back;
static bool read_library(package_type_t type, const char* name, uint8_t** buffer, uint32_t* size) {
  (void)type;
  if (strcmp(name, "libneeded.so") != 0 && strcmp(name, "libplugin.so") != 0) {
    return false;
  }
  ++read_count;
  *buffer = read_file(name, size);
  return true;
}
static void give_back(uint8_t* buffer, uint32_t size) {
  (void)size;
  ++given_back;
  free(buffer);
}

static int32_t call_function(wasm_module_inst_t instance, wasm_function_inst_t function, uint32_t argument) {
  uint32_t argv[1] = {argument};
  wasm_exec_env_t env = wasm_runtime_get_exec_env_singleton(instance);
  return wasm_runtime_call_wasm(env, function, wasm_func_get_param_count(function, instance), argv) ? (int32_t)argv[0]
                                                                                                    : -1;
}

/* What libc needs is found in the sysroot; the tests' own libraries in what the test says. */
static void search_in(const char* directory) {
  const char* path[2] = {NULL, NULL};
  path[0] = getenv("CAPI_SYSROOT_LIBRARIES");
  path[1] = directory;
  CHECK(wasm_runtime_dl_set_search_path(path, directory == NULL ? 1 : 2));
}

static void libraries_in_directories(void) {
  const char* broken[] = {NULL};
  CHECK(!wasm_runtime_dl_set_search_path(broken, 1) && !wasm_runtime_dl_set_search_path(NULL, 1));
  CHECK(wasm_runtime_dl_set_search_path(NULL, 0));
  CHECK(wasm_runtime_instantiate(program, 8192, 0, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "libneeded.so");
  search_in(".");
  wasm_module_inst_t instance = instantiate(program);
  CHECK(call_i32(instance, "call_needed", 0) == 35);
  CHECK(call_i32(instance, "call_native", 21) == 42);
  CHECK(call_i32(instance, "open_plugin", 0) == 40 + 35 + 2);
  CHECK(wasm_application_execute_main(instance, 0, NULL));
  wasm_runtime_dump_mem_consumption(wasm_runtime_get_exec_env_singleton(instance));
  wasm_runtime_deinstantiate(instance);
}

static void libraries_from_a_reader(void) {
  search_in(NULL);
  wasm_runtime_dl_set_module_reader(read_library, give_back);
  wasm_module_inst_t instance = instantiate(program);
  CHECK(read_count == 1 && given_back == 1);
  CHECK(call_i32(instance, "open_plugin", 0) == 77 && read_count == 2 && given_back == 2);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_dl_set_module_reader(NULL, NULL);
  CHECK(wasm_runtime_instantiate(program, 8192, 0, error, sizeof(error)) == NULL);
}

static void libraries_that_are_registered(void) {
  wasm_module_t needed = load_file("libneeded.so");
  wasm_module_t plugin = load_file("libplugin.so");
  wasm_module_t plain = load_file("plain.wasm");
  CHECK(wasm_runtime_dl_register_module("libneeded.so", needed, error, sizeof(error)));
  CHECK(wasm_runtime_dl_register_module("libneeded.so", needed, error, sizeof(error)));
  CHECK(!wasm_runtime_dl_register_module("libneeded.so", plugin, error, sizeof(error)));
  CHECK_CONTAINS(error, "another one");
  CHECK(!wasm_runtime_dl_register_module("plain", plain, error, sizeof(error)));
  CHECK_CONTAINS(error, "dylink.0");
  CHECK(!wasm_runtime_dl_register_module(NULL, plugin, NULL, 0));
  /* WAMR's way does it, too. */
  CHECK(wasm_runtime_register_module("libplugin.so", plugin, error, sizeof(error)));
  wasm_runtime_unload(needed);
  wasm_runtime_unload(plugin);
  wasm_runtime_unload(plain);
  wasm_module_inst_t instance = instantiate(program);
  CHECK(call_i32(instance, "open_plugin", 0) == 77);
  wasm_runtime_deinstantiate(instance);
}

static void dlopen_by_the_host(void) {
  wasm_dl_symbol_t symbol, again;
  search_in(".");
  wasm_module_inst_t instance = instantiate(program);
  wasm_dl_handle_t plugin = wasm_runtime_dl_open(instance, "libplugin.so", WASM_DL_NOW);
  CHECK(plugin != NULL && wasm_runtime_dl_error(instance) == NULL);
  CHECK(wasm_runtime_dl_open(instance, "libplugin.so", WASM_DL_LAZY | WASM_DL_LOCAL | WASM_DL_NOLOAD) == plugin);
  CHECK(wasm_runtime_dl_close(instance, plugin));
  CHECK(wasm_runtime_dl_sym(instance, plugin, "work", &symbol));
  CHECK(symbol.kind == WASM_IMPORT_EXPORT_KIND_FUNC && symbol.address != 0);
  CHECK(wasm_func_get_param_count(symbol.function, instance) == 1);
  CHECK(call_function(instance, symbol.function, 10) == 20 + 35 + 2);
  CHECK(wasm_runtime_dl_sym(instance, plugin, "work", &again) && again.function == symbol.function);
  uint32_t argv[1] = {10};
  CHECK(wasm_runtime_call_indirect(wasm_runtime_get_exec_env_singleton(instance), symbol.address, 1, argv));
  CHECK(argv[0] == 57);
  CHECK(wasm_runtime_dl_sym(instance, plugin, "plugin_state", &again));
  CHECK(again.kind == WASM_IMPORT_EXPORT_KIND_GLOBAL && again.function == NULL);
  CHECK(*(int32_t*)wasm_runtime_addr_app_to_native(instance, again.address) == 2);
  /* What it needs is looked through as well. */
  CHECK(wasm_runtime_dl_sym(instance, plugin, "from_needed", &again) &&
        call_function(instance, again.function, 0) == 35);

  CHECK(!wasm_runtime_dl_sym(instance, plugin, "absent", &again));
  CHECK_CONTAINS(wasm_runtime_dl_error(instance), "undefined symbol absent");
  CHECK(wasm_runtime_dl_error(instance) == NULL);
  CHECK(!wasm_runtime_dl_sym(instance, NULL, "work", &again) && !wasm_runtime_dl_sym(instance, plugin, NULL, &again));
  CHECK(!wasm_runtime_dl_sym(NULL, plugin, "work", &again) && !wasm_runtime_dl_sym(instance, plugin, "work", NULL));
  CHECK(wasm_runtime_dl_error(NULL) != NULL);

  wasm_dl_symbol_t crash;
  CHECK(wasm_runtime_dl_sym(instance, plugin, "crash", &crash) && call_function(instance, crash.function, 0) == -1);
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: unreachable");
  wasm_runtime_clear_exception(instance);

  CHECK(wasm_runtime_dl_close(instance, plugin));
  CHECK(call_function(instance, symbol.function, 10) == -1);
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "libplugin.so");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_dl_close(instance, plugin) && !wasm_runtime_dl_close(NULL, plugin));
  CHECK(!wasm_runtime_dl_close(instance, NULL));
  CHECK(wasm_runtime_dl_error(instance) != NULL);

  CHECK(wasm_runtime_dl_open(instance, "libabsent.so", 0) == NULL);
  CHECK_CONTAINS(wasm_runtime_dl_error(instance), "libabsent.so");
  CHECK(wasm_runtime_dl_open(instance, "libplugin.so", 0x10000) == NULL);
  CHECK(wasm_runtime_dl_open(NULL, "libplugin.so", 0) == NULL);
  CHECK(wasm_runtime_dl_error(instance) != NULL);

  wasm_dl_handle_t itself = wasm_runtime_dl_open(instance, NULL, 0);
  CHECK(itself != NULL && wasm_runtime_dl_sym(instance, itself, "call_needed", &symbol));
  CHECK(call_function(instance, symbol.function, 0) == 35);
  CHECK(wasm_runtime_dl_close(instance, itself) && !wasm_runtime_dl_close(instance, itself));
  wasm_runtime_deinstantiate(instance);
}

static char events[512];
static wasm_module_inst_t told_instance;
static int tell_data;
static void note(const char* what, wasm_module_inst_t instance, const char* name, const char* path, void* data) {
  CHECK(data == &tell_data && path != NULL);
  told_instance = instance;
  snprintf(events + strlen(events), sizeof(events) - strlen(events), "%s%s ", what, name);
}
static void on_load(wasm_module_inst_t instance, const char* name, const char* path, void* data) {
  note("+", instance, name, path, data);
}
static void on_unload(wasm_module_inst_t instance, const char* name, const char* path, void* data) {
  note("-", instance, name, path, data);
}

static void hosts_are_told(void) {
  wasm_runtime_dl_set_callbacks(on_load, on_unload, &tell_data);
  wasm_module_inst_t instance = instantiate(program);
  CHECK_CONTAINS(events, "+libneeded.so ");
  CHECK_CONTAINS(events, "+libc.so ");
  events[0] = '\0';
  CHECK(call_i32(instance, "open_plugin", 0) == 77 && told_instance == instance);
  CHECK_TEXT(events, "+libplugin.so -libplugin.so ");
  events[0] = '\0';
  wasm_dl_handle_t plugin = wasm_runtime_dl_open(instance, "libplugin.so", 0);
  CHECK(wasm_runtime_dl_open(instance, "libplugin.so", 0) == plugin);
  CHECK(wasm_runtime_dl_close(instance, plugin) && wasm_runtime_dl_close(instance, plugin));
  CHECK_TEXT(events, "+libplugin.so -libplugin.so ");
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_dl_set_callbacks(NULL, NULL, NULL);
}

static void policies(void) {
  CHECK(!wasm_runtime_dl_set_load_policy((wasm_dl_load_policy_t)9));
  CHECK(!wasm_runtime_dl_set_placement((wasm_dl_placement_t)9, 0));
  search_in(".");
  /* What is missing is found when it is called, or when it is loaded. */
  wasm_module_inst_t instance = instantiate(program);
  wasm_dl_handle_t missing = wasm_runtime_dl_open(instance, "libmissing.so", 0);
  wasm_dl_symbol_t symbol;
  CHECK(missing != NULL && wasm_runtime_dl_sym(instance, missing, "call_missing", &symbol));
  CHECK(call_function(instance, symbol.function, 0) == -1);
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "nobody_has_this");
  wasm_runtime_clear_exception(instance);
  wasm_runtime_deinstantiate(instance);
  CHECK(wasm_runtime_dl_set_load_policy(WASM_DL_LOAD_EAGER));
  instance = instantiate(program);
  CHECK(wasm_runtime_dl_open(instance, "libmissing.so", 0) == NULL);
  CHECK_CONTAINS(wasm_runtime_dl_error(instance), "nobody_has_this");
  wasm_runtime_deinstantiate(instance);
  CHECK(wasm_runtime_dl_set_load_policy(WASM_DL_LOAD_PRELOAD_ALL));
  enum { stack_end = 1 << 20 };
  for (int placement = WASM_DL_PLACE_AUTOMATIC; placement <= WASM_DL_PLACE_GROW; ++placement) {
    CHECK(wasm_runtime_dl_set_placement((wasm_dl_placement_t)placement, 65536));
    instance = instantiate(program);
    const uint64_t end = 65536 * wasm_memory_get_cur_page_count(wasm_runtime_get_default_memory(instance));
    wasm_dl_handle_t plugin = wasm_runtime_dl_open(instance, "libplugin.so", 0);
    CHECK(plugin != NULL && wasm_runtime_dl_sym(instance, plugin, "plugin_state", &symbol));
    CHECK((symbol.address >= end) == (placement == WASM_DL_PLACE_GROW));
    CHECK((symbol.address < stack_end) == (placement == WASM_DL_PLACE_STACK));
    wasm_runtime_deinstantiate(instance);
  }
  CHECK(wasm_runtime_dl_set_placement(WASM_DL_PLACE_AUTOMATIC, 0));
  CHECK(wasm_runtime_dl_set_load_policy(WASM_DL_LOAD_LAZY));
}

int main(void) {
  wasm_runtime_init();
  CHECK(wasm_runtime_register_natives("env", natives, 1));
  program = load_file("program.wasm");
  RUN(libraries_in_directories);
  RUN(libraries_from_a_reader);
  RUN(dlopen_by_the_host);
  RUN(hosts_are_told);
  RUN(policies);
  search_in(NULL);
  RUN(libraries_that_are_registered);
  wasm_runtime_unload(program);
  wasm_runtime_destroy();
  return check_failures != 0;
}
