/* WASI programs: commands, reactors, and those that are linked with libc. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

/* What a guest wrote to a file. */
static const char* output_of(const char* file) {
  static char text[4096];
  uint32_t size = 0;
  uint8_t* bytes = read_file(file, &size);
  snprintf(text, sizeof(text), "%.*s", (int)size, (const char*)bytes);
  free(bytes);
  return text;
}

static const char* map[] = {"/files::files"};
static const char* variables[] = {"CAPI_VARIABLE=first", "CAPI_VARIABLE=second", "ODD"};
static const char* addresses[] = {"0.0.0.0/0"};

static wasm_module_inst_t instantiate_command(wasm_module_t module, char* argv[], int argc, int out) {
  wasm_runtime_set_wasi_args_ex(module, NULL, 0, map, 1, variables, 3, argv, argc, -1, out, -1);
  wasm_runtime_set_wasi_addr_pool(module, addresses, 1);
  wasm_runtime_set_wasi_ns_lookup_pool(module, addresses, 1);
  return instantiate(module);
}

static void a_command(void) {
  char name[] = "program", word[] = "word";
  char* argv[] = {name, word};
  const int out = open("out.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
  wasm_module_t module = load_file("command.wasm");
  wasm_module_inst_t instance = instantiate_command(module, argv, 2, out);
  CHECK(wasm_runtime_is_wasi_mode(instance));
  wasm_function_inst_t start = wasm_runtime_lookup_wasi_start_function(instance);
  CHECK(start != NULL && start == wasm_runtime_lookup_function(instance, "_start"));
  CHECK(wasm_application_execute_main(instance, 0, NULL));
  CHECK(wasm_runtime_get_exception(instance) == NULL && wasm_runtime_get_wasi_exit_code(instance) == 0);
  CHECK_TEXT(output_of("out.txt"), "argument program\nargument word\nvariable first\nfile what the guest reads\n\n");
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  close(out);
}

static void exit_codes(void) {
  char name[] = "program", leave[] = "exit", abort_word[] = "abort", code[] = "42";
  char* argv[] = {name, leave, code};
  char* crashing[] = {name, abort_word};
  const int out = open("/dev/null", O_WRONLY);
  wasm_module_t module = load_file("command.wasm");
  wasm_module_inst_t instance = instantiate_command(module, argv, 3, out);
  wasm_exec_env_t env = wasm_runtime_create_exec_env(instance, 8192);
  CHECK(wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(instance, "_start"), 0, NULL));
  CHECK(wasm_runtime_get_exception(instance) == NULL && wasm_runtime_get_wasi_exit_code(instance) == 42);
  wasm_runtime_destroy_exec_env(env);
  wasm_runtime_deinstantiate(instance);
  instance = instantiate_command(module, crashing, 2, out);
  CHECK(!wasm_application_execute_main(instance, 0, NULL));
  CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: unreachable");
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  close(out);
}

static void what_wasi_cannot_be_given(void) {
  char error[256] = "";
  const char* absent[] = {"/this/is/not/there"};
  wasm_module_t module = load_file("command.wasm");
  wasm_runtime_set_wasi_args(module, absent, 1, NULL, 0, NULL, 0, NULL, 0);
  CHECK(wasm_runtime_instantiate(module, 8192, 0, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "/this/is/not/there");
  wasm_runtime_set_wasi_args(module, NULL, 0, NULL, 0, NULL, 0, NULL, 0);
  wasm_module_inst_t instance = instantiate(module);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_set_wasi_args(NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0);
  wasm_runtime_set_wasi_args_ex(NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, -1, -1, -1);
  wasm_runtime_set_wasi_addr_pool(NULL, NULL, 0);
  wasm_runtime_set_wasi_ns_lookup_pool(NULL, NULL, 0);
  wasm_runtime_unload(module);
}

static void a_reactor_is_initialised_and_may_exit(void) {
  uint32_t argv[1] = {3};
  wasm_module_t module = load_file("reactor.wasm");
  wasm_module_inst_t instance = instantiate(module);
  wasm_exec_env_t env = wasm_runtime_create_exec_env(instance, 8192);
  CHECK(wasm_runtime_lookup_wasi_start_function(instance) == NULL);
  CHECK(!wasm_application_execute_main(instance, 0, NULL));
  CHECK_CONTAINS(wasm_runtime_get_exception(instance), "lookup the entry point symbol");
  wasm_runtime_clear_exception(instance);
  CHECK(call_i32(instance, "answer", 0) == 42);
  CHECK(wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(instance, "leave"), 1, argv));
  CHECK(wasm_runtime_get_wasi_exit_code(instance) == 3 && wasm_runtime_get_exception(instance) == NULL);
  CHECK(call_i32(instance, "answer", 0) == 42); /* and is called again */
  wasm_runtime_destroy_exec_env(env);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
}

static void a_command_that_shares_libc(void) {
  char name[] = "linked";
  char* argv[] = {name};
  char error[4096] = "";
  const char* libraries[] = {getenv("CAPI_SYSROOT_LIBRARIES")};
  wasm_module_t module = load_file("command-linked.wasm");
  CHECK(wasm_runtime_instantiate(module, 8192, 0, error, sizeof(error)) == NULL);
  CHECK_CONTAINS(error, "libc.so");
  CHECK(wasm_runtime_dl_set_search_path(libraries, 1));
  const int out = open("out.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
  wasm_module_inst_t instance = instantiate_command(module, argv, 1, out);
  CHECK(wasm_application_execute_main(instance, 0, NULL));
  CHECK_CONTAINS(output_of("out.txt"), "argument linked\nvariable first\nfile what the guest reads\n");
  /* libc's allocator is the host's way to memory, too. */
  const uint64_t copy = wasm_runtime_module_dup_data(instance, "text", 5);
  CHECK(copy != 0);
  CHECK_TEXT((char*)wasm_runtime_addr_app_to_native(instance, copy), "text");
  wasm_runtime_module_free(instance, copy);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  close(out);
}

static int32_t no_time(wasm_exec_env_t env, int32_t clock, int64_t precision, uint32_t address) {
  (void)env, (void)clock, (void)precision, (void)address;
  return 0;
}

/* What a host registers stands before WASI's own. */
static void wasi_of_the_host_s(void) {
  static NativeSymbol symbols[] = {{"clock_time_get", (void*)no_time, "(iIi)i", NULL}};
  CHECK(wasm_runtime_register_natives("wasi_snapshot_preview1", symbols, 1));
  a_command();
  CHECK(wasm_runtime_unregister_natives("wasi_snapshot_preview1", symbols));
}

int main(void) {
  (void)mkdir("files", 0700);
  FILE* input = fopen("files/input.txt", "w");
  fputs("what the guest reads\n", input);
  fclose(input);
  wasm_runtime_init();
  RUN(a_command);
  RUN(exit_codes);
  RUN(what_wasi_cannot_be_given);
  RUN(a_reactor_is_initialised_and_may_exit);
  RUN(a_command_that_shares_libc);
  RUN(wasi_of_the_host_s);
  wasm_runtime_destroy();
  return check_failures != 0;
}
