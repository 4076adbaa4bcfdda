/* Loading, what a module says about itself, and modules that import from each other. */
#include "check.h"

/* Splits a module into its sections; how many. They point into `bytes`. */
static int split(uint8_t* bytes, uint32_t size, wasm_section_t sections[], int most) {
  uint32_t at = 8;
  int count = 0;
  while (at < size && count < most) {
    wasm_section_t* section = &sections[count++];
    section->section_type = bytes[at++];
    section->section_body_size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = bytes[at++];
      section->section_body_size |= (uint32_t)(byte & 0x7f) << shift;
      if (byte < 0x80) {
        break;
      }
    }
    section->section_body = bytes + at;
    section->next = NULL;
    if (count > 1) {
      sections[count - 2].next = section;
    }
    at += section->section_body_size;
  }
  return count;
}

static void what_cannot_be_loaded(void) {
  char error[256] = "";
  uint8_t bytes[16] = {0, 'a', 's', 'x'};
  CHECK(wasm_runtime_load(bytes, sizeof(bytes), error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "WASM module load failed: ");
  memcpy(bytes, "\0aot\5\0\0\0", 8);
  CHECK(wasm_runtime_load(bytes, sizeof(bytes), error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "AOT file of WAMR's");
  memcpy(bytes, "\177ELF", 4);
  CHECK(wasm_runtime_load(bytes, sizeof(bytes), error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "compiled code");
  uint32_t size = 0;
  uint8_t* whole = read_file("plain.wasm", &size);
  CHECK(wasm_runtime_load(whole, size - 3, error, sizeof(error)) == NULL);
  CHECK(wasm_runtime_load_ex(NULL, 0, NULL, error, sizeof(error)) == NULL);
  CHECK(wasm_runtime_load_from_sections(NULL, false, error, sizeof(error)) == NULL);
  wasm_section_t section = {NULL, 1, NULL, 5};
  CHECK(wasm_runtime_load_from_sections(&section, false, error, sizeof(error)) == NULL);
  CHECK(wasm_runtime_load_from_sections(&section, true, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "AOT");
  free(whole);
}

static void in_sections_and_custom_ones(void) {
  enum { most = 20 };
  char error[256] = "";
  wasm_section_t sections[most];
  static uint8_t note[] = "\4notewhat it says";
  static uint8_t second[] = "\4notenot this";
  uint32_t size = 0, length = 0;
  uint8_t* bytes = read_file("plain.wasm", &size);
  const int count = split(bytes, size, sections, most - 2);
  wasm_section_t* custom = &sections[count];
  custom[0].section_type = 0;
  custom[0].section_body = note;
  custom[0].section_body_size = sizeof(note) - 1;
  custom[0].next = &custom[1];
  custom[1] = custom[0];
  custom[1].section_body = second;
  custom[1].section_body_size = sizeof(second) - 1;
  custom[1].next = NULL;
  sections[count - 1].next = custom;
  wasm_module_t module = wasm_runtime_load_from_sections(sections, false, error, sizeof(error));
  CHECK_TEXT(error, "");
  memset(bytes, 0, size);
  free(bytes);
  const uint8_t* content = wasm_runtime_get_custom_section(module, "note", &length);
  CHECK(content != NULL && length == 12 && memcmp(content, "what it says", length) == 0);
  CHECK(wasm_runtime_get_custom_section(module, "note", NULL) == content);
  CHECK(wasm_runtime_get_custom_section(module, "absent", &length) == NULL);
  CHECK(wasm_runtime_get_custom_section(NULL, "note", &length) == NULL);
  wasm_module_inst_t instance = instantiate(module);
  CHECK(call_i32(instance, "count", 0) == 8);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
}

static void names_and_versions(void) {
  char error[256] = "", name[] = "the name";
  uint32_t size = 0;
  uint8_t* bytes = read_file("plain.wasm", &size);
  LoadArgs args;
  memset(&args, 0, sizeof(args));
  args.name = name;
  args.wasm_binary_freeable = true;
  args.no_resolve = true;
  wasm_module_t module = wasm_runtime_load_ex(bytes, size, &args, error, sizeof(error));
  memset(bytes, 0, size);
  free(bytes);
  CHECK_TEXT(wasm_runtime_get_module_name(module), "the name");
  CHECK(wasm_runtime_set_module_name(module, "another", error, sizeof(error)));
  CHECK_TEXT(wasm_runtime_get_module_name(module), "another");
  CHECK(!wasm_runtime_set_module_name(NULL, "x", error, sizeof(error)));
  CHECK(!wasm_runtime_set_module_name(module, NULL, NULL, 0));
  CHECK_TEXT(wasm_runtime_get_module_name(NULL), "");
  CHECK(wasm_runtime_is_underlying_binary_freeable(module) && !wasm_runtime_is_underlying_binary_freeable(NULL));
  CHECK(wasm_runtime_get_module_package_type(module) == Wasm_Module_Bytecode);
  CHECK(wasm_runtime_get_module_package_type(NULL) == Package_Type_Unknown);
  CHECK(wasm_runtime_get_module_package_version(module) == 1 && wasm_runtime_get_module_package_version(NULL) == 0);
  CHECK(wasm_runtime_resolve_symbols(module) && !wasm_runtime_resolve_symbols(NULL));
  wasm_runtime_unload(module);
}

static int32_t export_index(wasm_module_t module, const char* name) {
  for (int32_t i = 0; i < wasm_runtime_get_export_count(module); ++i) {
    wasm_export_t found;
    wasm_runtime_get_export_type(module, i, &found);
    if (strcmp(found.name, name) == 0) {
      return i;
    }
  }
  return -1;
}

static void exports_and_their_types(void) {
  wasm_module_t module = load_file("plain.wasm");
  wasm_export_t found;
  CHECK(wasm_runtime_get_export_count(module) == 24 && wasm_runtime_get_export_count(NULL) == -1);
  wasm_runtime_get_export_type(module, export_index(module, "all"), &found);
  CHECK(found.kind == WASM_IMPORT_EXPORT_KIND_FUNC);
  CHECK(wasm_func_type_get_param_count(found.u.func_type) == 4 && wasm_func_type_get_param_count(NULL) == 0);
  CHECK(wasm_func_type_get_param_valkind(found.u.func_type, 1) == WASM_I64);
  CHECK(wasm_func_type_get_param_valkind(found.u.func_type, 4) == (wasm_valkind_t)-1);
  CHECK(wasm_func_type_get_result_count(found.u.func_type) == 1 && wasm_func_type_get_result_count(NULL) == 0);
  CHECK(wasm_func_type_get_result_valkind(found.u.func_type, 0) == WASM_F64);
  CHECK(wasm_func_type_get_result_valkind(NULL, 0) == (wasm_valkind_t)-1);
  wasm_runtime_get_export_type(module, export_index(module, "memory"), &found);
  CHECK(found.kind == WASM_IMPORT_EXPORT_KIND_MEMORY);
  CHECK(wasm_memory_type_get_init_page_count(found.u.memory_type) == 1);
  CHECK(wasm_memory_type_get_max_page_count(found.u.memory_type) == 4);
  CHECK(!wasm_memory_type_get_shared(found.u.memory_type) && !wasm_memory_type_get_shared(NULL));
  CHECK(wasm_memory_type_get_init_page_count(NULL) == 0 && wasm_memory_type_get_max_page_count(NULL) == 0);
  wasm_runtime_get_export_type(module, export_index(module, "table"), &found);
  CHECK(found.kind == WASM_IMPORT_EXPORT_KIND_TABLE);
  CHECK(wasm_table_type_get_elem_kind(found.u.table_type) == WASM_FUNCREF);
  CHECK(wasm_table_type_get_init_size(found.u.table_type) == 4 &&
        wasm_table_type_get_max_size(found.u.table_type) == 8);
  CHECK(!wasm_table_type_get_shared(found.u.table_type) && !wasm_table_type_get_shared(NULL));
  CHECK(wasm_table_type_get_elem_kind(NULL) == (wasm_valkind_t)-1);
  CHECK(wasm_table_type_get_init_size(NULL) == 0 && wasm_table_type_get_max_size(NULL) == 0);
  wasm_runtime_get_export_type(module, export_index(module, "counter"), &found);
  CHECK(found.kind == WASM_IMPORT_EXPORT_KIND_GLOBAL);
  CHECK(wasm_global_type_get_valkind(found.u.global_type) == WASM_I32 &&
        wasm_global_type_get_mutable(found.u.global_type));
  CHECK(wasm_global_type_get_valkind(NULL) == (wasm_valkind_t)-1 && !wasm_global_type_get_mutable(NULL));
  wasm_runtime_get_export_type(module, 1000, &found);
  CHECK(found.name == NULL);
  wasm_runtime_get_export_type(module, -1, &found);
  CHECK(found.name == NULL);
  wasm_runtime_get_export_type(NULL, 0, &found);
  wasm_runtime_get_export_type(module, 0, NULL);
  wasm_runtime_unload(module);
}

static void imports_and_who_has_them(void) {
  wasm_module_t module = load_file("command.wasm");
  wasm_import_t found;
  CHECK(wasm_runtime_get_import_count(module) > 3 && wasm_runtime_get_import_count(NULL) == -1);
  for (int32_t i = 0; i < wasm_runtime_get_import_count(module); ++i) {
    wasm_runtime_get_import_type(module, i, &found);
    CHECK_TEXT(found.module_name, "wasi_snapshot_preview1");
    CHECK(found.kind == WASM_IMPORT_EXPORT_KIND_FUNC && found.linked && found.u.func_type != NULL);
  }
  wasm_runtime_get_import_type(module, 1000, &found);
  CHECK(found.name == NULL);
  wasm_runtime_get_import_type(NULL, 0, &found);
  wasm_runtime_get_import_type(module, 0, NULL);
  CHECK(wasm_runtime_resolve_symbols(module));
  wasm_runtime_unload(module);
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_ERROR);
  module = load_file("natives.wasm");
  wasm_runtime_get_import_type(module, 0, &found);
  CHECK_TEXT(found.name, "sum");
  CHECK(!found.linked && !wasm_runtime_resolve_symbols(module));
  wasm_runtime_unload(module);
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_WARNING);
}

static void modules_under_names(void) {
  char error[256] = "";
  wasm_module_t provider = load_file("provider.wasm");
  wasm_module_t other = load_file("plain.wasm");
  CHECK(wasm_runtime_find_module_registered("provider") == NULL && wasm_runtime_find_module_registered(NULL) == NULL);
  CHECK(wasm_runtime_register_module("provider", provider, error, sizeof(error)));
  CHECK(wasm_runtime_register_module("provider", provider, error, sizeof(error)));
  CHECK(!wasm_runtime_register_module("again", provider, error, sizeof(error)));
  CHECK_CONTAINS(error, "registered as provider");
  CHECK(!wasm_runtime_register_module("provider", other, error, sizeof(error)));
  CHECK_CONTAINS(error, "another module");
  CHECK(!wasm_runtime_register_module(NULL, other, error, sizeof(error)));
  CHECK(!wasm_runtime_register_module("x", NULL, NULL, 0));
  CHECK(wasm_runtime_find_module_registered("provider") == provider);
  wasm_module_t importer = load_file("importer.wasm");
  wasm_import_t found;
  wasm_runtime_get_import_type(importer, 0, &found);
  CHECK(found.linked);
  wasm_runtime_unload(provider); /* it stays known */
  wasm_module_inst_t instance = instantiate(importer);
  CHECK(call_i32(instance, "take", 0) == 42);
  CHECK(wasm_application_execute_func(instance, "$provider$give", 0, NULL));
  CHECK(!wasm_application_execute_func(instance, "$provider$absent", 0, NULL));
  CHECK(!wasm_application_execute_func(instance, "$provider", 0, NULL));
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(importer);
  wasm_runtime_unload(other);
}

static int asked, given_back;
static bool read_module(package_type_t type, const char* name, uint8_t** buffer, uint32_t* size) {
  char file[64];
  ++asked;
  CHECK(type == Wasm_Module_Bytecode);
  if (strcmp(name, "provider") != 0 && strcmp(name, "circular") != 0) {
    return false;
  }
  snprintf(file, sizeof(file), "%s.wasm", name);
  *buffer = read_file(file, size);
  return true;
}
static void give_back(uint8_t* buffer, uint32_t size) {
  ++given_back;
  memset(buffer, 0, size);
  free(buffer);
}

static void modules_from_a_reader(void) {
  char error[256] = "";
  uint32_t size = 0;
  wasm_runtime_set_module_reader(read_module, give_back);
  wasm_module_t importer = load_file("importer.wasm");
  CHECK(asked == 1 && given_back == 1 && wasm_runtime_find_module_registered("provider") != NULL);
  wasm_module_inst_t instance = instantiate(importer);
  CHECK(call_i32(instance, "take", 0) == 42);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(importer);
  uint8_t* bytes = read_file("circular.wasm", &size);
  CHECK(wasm_runtime_load(bytes, size, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "circular dependency on circular");
  free(bytes);
  bytes = read_file("natives.wasm", &size);
  CHECK(wasm_runtime_load(bytes, size, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "failed to load sub module raw");
  free(bytes);
  wasm_runtime_set_module_reader(NULL, NULL);
}

int main(void) {
  wasm_runtime_init();
  RUN(what_cannot_be_loaded);
  RUN(in_sections_and_custom_ones);
  RUN(names_and_versions);
  RUN(exports_and_their_types);
  RUN(imports_and_who_has_them);
  RUN(modules_under_names);
  wasm_runtime_destroy();
  wasm_runtime_init();
  RUN(modules_from_a_reader);
  wasm_runtime_destroy();
  return check_failures != 0;
}
