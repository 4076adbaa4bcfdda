/* Initialising, the allocators, versions, threads that say that they are there. */
#include "check.h"

static int mallocs;
static void* count_malloc(unsigned int size) {
  ++mallocs;
  return malloc(size);
}
static void* count_realloc(void* block, unsigned int size) {
  ++mallocs;
  return realloc(block, size);
}
static void count_free(void* block) {
  ++mallocs;
  free(block);
}

static void before_it_is_initialised(void) {
  char error[64];
  uint8_t nothing[1] = {0};
  CHECK(wasm_runtime_malloc(8) == NULL);
  CHECK(wasm_runtime_realloc(NULL, 8) == NULL);
  wasm_runtime_free(NULL);
  CHECK(!wasm_runtime_get_mem_alloc_info(NULL));
  CHECK(!wasm_runtime_init_thread_env());
  CHECK(!wasm_runtime_thread_env_inited());
  CHECK(!wasm_runtime_set_default_running_mode(Mode_Interp));
  CHECK(!wasm_runtime_register_natives("env", NULL, 0));
  CHECK(!wasm_runtime_register_natives_raw("env", NULL, 0));
  CHECK(!wasm_runtime_unregister_natives("env", NULL));
  CHECK(!wasm_runtime_is_import_func_linked("wasi_snapshot_preview1", "fd_write"));
  CHECK(wasm_runtime_load(nothing, 1, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "not initialised");
  CHECK(wasm_runtime_load(NULL, 0, error, 4) == NULL);
  CHECK_TEXT(error, "WAS");
  CHECK(wasm_runtime_load(NULL, 0, NULL, 0) == NULL);
  CHECK(wasm_runtime_find_module_registered("env") == NULL);
  CHECK(!wasm_runtime_register_module("env", NULL, error, sizeof(error)));
  CHECK(wasm_runtime_create_context_key(NULL) == NULL);
  CHECK(!wasm_runtime_dl_set_search_path(NULL, 0));
  CHECK(!wasm_runtime_dl_set_load_policy(WASM_DL_LOAD_EAGER));
  CHECK(!wasm_runtime_dl_set_placement(WASM_DL_PLACE_GROW, 0));
  CHECK(!wasm_runtime_dl_register_module("lib", NULL, error, sizeof(error)));
  wasm_runtime_set_max_thread_num(4);
  wasm_runtime_set_module_reader(NULL, NULL);
  wasm_runtime_dl_set_module_reader(NULL, NULL);
  wasm_runtime_dl_set_callbacks(NULL, NULL, NULL);
  wasm_runtime_destroy();
  wasm_runtime_destroy_thread_env();
}

static void initialised_twice_is_destroyed_twice(void) {
  CHECK(wasm_runtime_init());
  CHECK(wasm_runtime_init());
  wasm_runtime_destroy();
  void* block = wasm_runtime_malloc(16);
  CHECK(block != NULL);
  memset(block, 1, 16);
  block = wasm_runtime_realloc(block, 64);
  CHECK(block != NULL && ((char*)block)[15] == 1);
  wasm_runtime_free(block);
  void* empty = wasm_runtime_malloc(0);
  CHECK(empty != NULL);
  wasm_runtime_free(empty);
  wasm_runtime_destroy();
  CHECK(wasm_runtime_malloc(16) == NULL);
}

static void a_pool_of_the_host_s(void) {
  static char pool[4096];
  RuntimeInitArgs args;
  mem_alloc_info_t info;
  memset(&args, 0, sizeof(args));
  args.mem_alloc_type = Alloc_With_Pool;
  CHECK(!wasm_runtime_full_init(&args));
  args.mem_alloc_option.pool.heap_buf = pool;
  args.mem_alloc_option.pool.heap_size = sizeof(pool);
  CHECK(wasm_runtime_full_init(&args));
  char* block = (char*)wasm_runtime_malloc(100);
  CHECK(block >= pool && block + 100 <= pool + sizeof(pool));
  memset(block, 7, 100);
  CHECK(wasm_runtime_get_mem_alloc_info(&info));
  CHECK(info.total_size == sizeof(pool) && info.total_free_size < sizeof(pool) && info.highmark_size >= 100);
  CHECK(wasm_runtime_realloc(block, 50) == block);
  char* moved = (char*)wasm_runtime_realloc(block, 1000);
  CHECK(moved != NULL && moved[99] == 7);
  CHECK(wasm_runtime_realloc(moved, 100000) == NULL);
  CHECK(wasm_runtime_malloc(100000) == NULL);
  wasm_runtime_free(moved);
  wasm_runtime_free(moved);
  CHECK(wasm_runtime_get_mem_alloc_info(&info) && info.total_free_size == sizeof(pool));
  wasm_runtime_destroy();
}

static void functions_of_the_host_s(void) {
  RuntimeInitArgs args;
  mem_alloc_info_t info;
  memset(&args, 0, sizeof(args));
  args.mem_alloc_type = Alloc_With_Allocator;
  args.mem_alloc_option.allocator.malloc_func = (void*)count_malloc;
  CHECK(!wasm_runtime_full_init(&args));
  args.mem_alloc_option.allocator.realloc_func = (void*)count_realloc;
  args.mem_alloc_option.allocator.free_func = (void*)count_free;
  args.max_thread_num = 3;
  args.running_mode = Mode_Interp;
  CHECK(wasm_runtime_full_init(&args));
  void* block = wasm_runtime_realloc(wasm_runtime_malloc(8), 32);
  wasm_runtime_free(block);
  CHECK(mallocs == 3);
  CHECK(!wasm_runtime_get_mem_alloc_info(&info));
  wasm_runtime_destroy();
  CHECK(!wasm_runtime_full_init(NULL));
  args.running_mode = Mode_LLVM_JIT;
  CHECK(!wasm_runtime_full_init(&args));
}

static void versions_and_modes(void) {
  uint32_t major = 0, minor = 0, patch = 9;
  static const uint8_t module[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  static const uint8_t image[8] = {0, 'a', 'o', 't', 5, 0, 0, 0};
  wasm_runtime_get_version(&major, &minor, &patch);
  CHECK(major == 2 && minor == 4 && patch == 0);
  wasm_runtime_get_version(NULL, NULL, NULL);
  CHECK(wasm_runtime_is_running_mode_supported(Mode_Interp));
  CHECK(!wasm_runtime_is_running_mode_supported(Mode_Fast_JIT));
  CHECK(get_package_type(module, 8) == Wasm_Module_Bytecode);
  CHECK(get_package_type(image, 8) == Wasm_Module_AoT);
  CHECK(wasm_runtime_get_file_package_type(module, 3) == Package_Type_Unknown);
  CHECK(wasm_runtime_get_file_package_type(NULL, 8) == Package_Type_Unknown);
  CHECK(wasm_runtime_get_file_package_version(module, 8) == 1);
  CHECK(wasm_runtime_get_file_package_version(image, 8) == 5);
  CHECK(wasm_runtime_get_file_package_version(module, 7) == 0);
  CHECK(wasm_runtime_get_current_package_version(Wasm_Module_Bytecode) == 1);
  CHECK(wasm_runtime_get_current_package_version(Package_Type_Unknown) == 0);
  CHECK(!wasm_runtime_is_xip_file(image, 8));
  CHECK(!wasm_runtime_is_xip_file(NULL, 0));
  CHECK(wasm_runtime_init());
  CHECK(wasm_runtime_set_default_running_mode(Mode_Interp));
  CHECK(!wasm_runtime_set_default_running_mode(Mode_Multi_Tier_JIT));
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_ERROR);
  wasm_runtime_set_log_level((log_level_t)-1);
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_WARNING);
  wasm_runtime_destroy();
}

static void threads_say_that_they_are_there(void) {
  CHECK(wasm_runtime_init());
  CHECK(!wasm_runtime_thread_env_inited());
  CHECK(wasm_runtime_init_thread_env());
  CHECK(wasm_runtime_thread_env_inited());
  wasm_runtime_destroy_thread_env();
  CHECK(!wasm_runtime_thread_env_inited());
  wasm_runtime_set_max_thread_num(2);
  wasm_runtime_destroy();
}

int main(void) {
  RUN(before_it_is_initialised);
  RUN(initialised_twice_is_destroyed_twice);
  RUN(a_pool_of_the_host_s);
  RUN(functions_of_the_host_s);
  RUN(versions_and_modes);
  RUN(threads_say_that_they_are_there);
  return check_failures != 0;
}
