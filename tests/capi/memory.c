/* The guest's memory: addresses, allocation, memories. */
#include "check.h"

static wasm_module_t module;
static wasm_module_inst_t instance;

static void addresses(void) {
  uint8_t *begin = NULL, *end = NULL;
  uint64_t first = 1, last = 1;
  uint8_t elsewhere = 0;
  char* text = (char*)wasm_runtime_addr_app_to_native(instance, 16);
  CHECK_TEXT(text, "hello");
  CHECK(wasm_runtime_addr_native_to_app(instance, text) == 16);
  CHECK(wasm_runtime_addr_app_to_native(instance, 65536) == NULL && wasm_runtime_addr_app_to_native(NULL, 16) == NULL);
  CHECK(wasm_runtime_addr_native_to_app(instance, &elsewhere) == 0 && wasm_runtime_addr_native_to_app(NULL, text) == 0);
  CHECK(wasm_runtime_validate_app_addr(instance, 65535, 1) && wasm_runtime_validate_app_addr(instance, 0, 65536));
  CHECK(wasm_runtime_get_exception(instance) == NULL);
  CHECK(!wasm_runtime_validate_app_addr(instance, 65535, 2));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: out of bounds memory access");
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_validate_app_addr(instance, UINT64_MAX, 2) && !wasm_runtime_validate_app_addr(NULL, 0, 1));
  wasm_runtime_clear_exception(instance);
  CHECK(wasm_runtime_validate_app_str_addr(instance, 16));
  memset(wasm_runtime_addr_app_to_native(instance, 65000), 'x', 536);
  CHECK(!wasm_runtime_validate_app_str_addr(instance, 65500));
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_validate_app_str_addr(instance, 70000) && !wasm_runtime_validate_app_str_addr(NULL, 16));
  wasm_runtime_clear_exception(instance);
  CHECK(wasm_runtime_validate_native_addr(instance, text, 6));
  CHECK(!wasm_runtime_validate_native_addr(instance, &elsewhere, 1));
  wasm_runtime_clear_exception(instance);
  CHECK(!wasm_runtime_validate_native_addr(NULL, text, 1));
  CHECK(wasm_runtime_get_app_addr_range(instance, 16, &first, &last) && first == 0 && last == 65536);
  CHECK(!wasm_runtime_get_app_addr_range(instance, 65536, &first, &last));
  CHECK(!wasm_runtime_get_app_addr_range(NULL, 16, NULL, NULL));
  CHECK(wasm_runtime_get_native_addr_range(instance, (uint8_t*)text, &begin, &end));
  CHECK(begin == (uint8_t*)text - 16 && end == begin + 65536);
  CHECK(!wasm_runtime_get_native_addr_range(instance, &elsewhere, &begin, &end));
  CHECK(!wasm_runtime_get_native_addr_range(NULL, begin, NULL, NULL));
}

static void memories(void) {
  wasm_memory_inst_t memory = wasm_runtime_lookup_memory(instance, "memory");
  CHECK(memory != NULL && memory == wasm_runtime_get_default_memory(instance));
  CHECK(memory == wasm_runtime_get_memory(instance, 0) && wasm_runtime_get_memory(instance, 1) == NULL);
  CHECK(wasm_runtime_get_memory(NULL, 0) == NULL && wasm_runtime_get_default_memory(NULL) == NULL);
  CHECK(wasm_runtime_lookup_memory(instance, "table") == NULL && wasm_runtime_lookup_memory(NULL, "memory") == NULL);
  CHECK(wasm_memory_get_cur_page_count(memory) == 1 && wasm_memory_get_cur_page_count(NULL) == 0);
  CHECK(wasm_memory_get_max_page_count(memory) == 4 && wasm_memory_get_max_page_count(NULL) == 0);
  CHECK(wasm_memory_get_bytes_per_page(memory) == 65536 && wasm_memory_get_bytes_per_page(NULL) == 0);
  CHECK(!wasm_memory_get_shared(memory) && !wasm_memory_get_shared(NULL));
  void* base = wasm_memory_get_base_address(memory);
  CHECK(base == wasm_runtime_addr_app_to_native(instance, 0) && wasm_memory_get_base_address(NULL) == NULL);
  CHECK(wasm_memory_enlarge(memory, 1) && wasm_memory_get_cur_page_count(memory) == 2);
  CHECK(wasm_runtime_enlarge_memory(instance, 1) && wasm_memory_get_cur_page_count(memory) == 3);
  CHECK(wasm_memory_get_base_address(memory) == base);
  CHECK(!wasm_memory_enlarge(memory, 2) && !wasm_memory_enlarge(NULL, 1));
  CHECK(!wasm_runtime_enlarge_memory(instance, 2) && !wasm_runtime_enlarge_memory(NULL, 1));
}

static void a_heap_for_the_host(void) {
  char error[256];
  void* native = NULL;
  void* other = NULL;
  CHECK(wasm_runtime_module_malloc(instance, 10, &native) == 0 && native == NULL);
  CHECK(wasm_runtime_get_exception(instance) == NULL);
  wasm_module_inst_t heaped = wasm_runtime_instantiate(module, 8192, 8192, error, sizeof(error));
  const uint64_t address = wasm_runtime_module_malloc(heaped, 100, &native);
  CHECK(address >= 65536 && native == wasm_runtime_addr_app_to_native(heaped, address));
  memset(native, 1, 100);
  const uint64_t second = wasm_runtime_module_malloc(heaped, 8000, &other);
  CHECK(second >= address + 100 && other != NULL);
  CHECK(wasm_runtime_module_malloc(heaped, 8000, &other) == 0 && other == NULL);
  wasm_runtime_module_free(heaped, second);
  wasm_runtime_module_free(heaped, second); /* is no block any more */
  const uint64_t copy = wasm_runtime_module_dup_data(heaped, "copied", 7);
  CHECK_TEXT((char*)wasm_runtime_addr_app_to_native(heaped, copy), "copied");
  CHECK(wasm_runtime_module_dup_data(heaped, NULL, 7) == 0 && wasm_runtime_module_dup_data(NULL, "x", 1) == 0);
  CHECK(wasm_runtime_module_malloc(NULL, 1, &native) == 0 && native == NULL);
  CHECK(wasm_runtime_module_malloc(heaped, UINT64_MAX, NULL) == 0);
  wasm_runtime_module_free(NULL, copy);
  wasm_runtime_module_free(heaped, 0);
  wasm_runtime_deinstantiate(heaped);
}

static void the_guest_s_own_allocator(void) {
  wasm_global_inst_t lie, freed;
  void* native = NULL;
  wasm_module_t guest = load_file("allocator.wasm");
  wasm_module_inst_t own = instantiate(guest);
  CHECK(wasm_runtime_get_export_global_inst(own, "lie", &lie) &&
        wasm_runtime_get_export_global_inst(own, "freed", &freed));
  CHECK(wasm_runtime_module_malloc(own, 100, &native) == 1024 && native == wasm_runtime_addr_app_to_native(own, 1024));
  CHECK(wasm_runtime_module_dup_data(own, "abc", 4) == 1124);
  wasm_runtime_module_free(own, 1024);
  CHECK(*(int32_t*)freed.global_data == 1024);
  /* What the guest says is not believed. */
  *(int32_t*)lie.global_data = 1;
  CHECK(wasm_runtime_module_malloc(own, 100, &native) == 0 && native == NULL);
  CHECK_TEXT(wasm_runtime_get_exception(own), "Exception: out of bounds memory access");
  wasm_runtime_clear_exception(own);
  *(int32_t*)lie.global_data = 2;
  CHECK(wasm_runtime_module_malloc(own, 100, &native) == 0);
  CHECK_TEXT(wasm_runtime_get_exception(own), "Exception: unreachable");
  wasm_runtime_deinstantiate(own);
  wasm_runtime_unload(guest);
}

int main(void) {
  wasm_runtime_init();
  module = load_file("plain.wasm");
  instance = instantiate(module);
  RUN(addresses);
  RUN(memories);
  RUN(a_heap_for_the_host);
  RUN(the_guest_s_own_allocator);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  wasm_runtime_destroy();
  return check_failures != 0;
}
