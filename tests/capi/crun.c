/* A container runtime: opens libiwasm.so, looks up what crun's handler for WAMR looks up, and runs a command in the
 * same order of calls. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"

static void* library;

/* C has no conversion from a pointer to data to one to a function: what POSIX says about dlsym. */
#define FIND(function)                              \
  do {                                              \
    void* found = dlsym(library, #function);        \
    CHECK(found != NULL);                           \
    memcpy(&(p_##function), &found, sizeof(found)); \
  } while (0)

static bool (*p_wasm_runtime_init)(void);
static bool (*p_wasm_runtime_full_init)(RuntimeInitArgs*);
static wasm_module_t (*p_wasm_runtime_load)(uint8_t*, uint32_t, char*, uint32_t);
static wasm_module_inst_t (*p_wasm_runtime_instantiate)(const wasm_module_t, uint32_t, uint32_t, char*, uint32_t);
static wasm_function_inst_t (*p_wasm_runtime_lookup_function)(const wasm_module_inst_t, const char*);
static wasm_exec_env_t (*p_wasm_runtime_create_exec_env)(wasm_module_inst_t, uint32_t);
static bool (*p_wasm_runtime_call_wasm)(wasm_exec_env_t, wasm_function_inst_t, uint32_t, uint32_t[]);
static const char* (*p_wasm_runtime_get_exception)(wasm_module_inst_t);
static void (*p_wasm_runtime_set_exception)(wasm_module_inst_t, const char*);
static void (*p_wasm_runtime_clear_exception)(wasm_module_inst_t);
static void (*p_wasm_runtime_destroy_exec_env)(wasm_exec_env_t);
static void (*p_wasm_runtime_deinstantiate)(wasm_module_inst_t);
static void (*p_wasm_runtime_unload)(wasm_module_t);
static void (*p_wasm_runtime_destroy)(void);
static uint32_t (*p_wasm_runtime_get_wasi_exit_code)(wasm_module_inst_t);
static bool (*p_wasm_application_execute_main)(wasm_module_inst_t, int32_t, char*[]);
static void (*p_wasm_runtime_set_wasi_args)(wasm_module_t, const char*[], uint32_t, const char*[], uint32_t,
                                            const char*[], uint32_t, char*[], int);
static void (*p_wasm_runtime_set_wasi_addr_pool)(wasm_module_t, const char*[], uint32_t);
static void (*p_wasm_runtime_set_wasi_ns_lookup_pool)(wasm_module_t, const char*[], uint32_t);

static void every_symbol_is_there(void) {
  library = dlopen("libiwasm.so", RTLD_NOW);
  if (library == NULL) {
    printf("%s\n", dlerror());
    exit(1);
  }
  FIND(wasm_runtime_init);
  FIND(wasm_runtime_full_init);
  FIND(wasm_runtime_load);
  FIND(wasm_runtime_instantiate);
  FIND(wasm_runtime_lookup_function);
  FIND(wasm_runtime_create_exec_env);
  FIND(wasm_runtime_call_wasm);
  FIND(wasm_runtime_get_exception);
  FIND(wasm_runtime_set_exception);
  FIND(wasm_runtime_clear_exception);
  FIND(wasm_runtime_destroy_exec_env);
  FIND(wasm_runtime_deinstantiate);
  FIND(wasm_runtime_unload);
  FIND(wasm_runtime_destroy);
  FIND(wasm_runtime_get_wasi_exit_code);
  FIND(wasm_application_execute_main);
  FIND(wasm_runtime_set_wasi_args);
  FIND(wasm_runtime_set_wasi_addr_pool);
  FIND(wasm_runtime_set_wasi_ns_lookup_pool);
  CHECK(dlsym(library, "wasm_runtime_no_such_function") == NULL);
}

static void run_command(char* argv[], int argc, const char* text, uint32_t code) {
  enum { stack_size = 8096 };
  char error[128] = "";
  const char* dirs[] = {"/"};
  const char* env[] = {"CAPI_VARIABLE=in a container"};
  const char* addresses[] = {"0.0.0.0/0", "::/0"};
  const char* names[] = {"*"};
  uint32_t size = 0;
  const int out = open("out.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
  const int kept = dup(1);
  fflush(stdout);
  dup2(out, 1); /* the guest has the process's own streams */

  CHECK(p_wasm_runtime_init());
  uint8_t* bytes = read_file("command.wasm", &size);
  wasm_module_t module = p_wasm_runtime_load(bytes, size, error, sizeof(error));
  p_wasm_runtime_set_wasi_args(module, dirs, 1, NULL, 0, env, 1, argv, argc);
  p_wasm_runtime_set_wasi_addr_pool(module, addresses, 2);
  p_wasm_runtime_set_wasi_ns_lookup_pool(module, names, 1);
  wasm_module_inst_t instance = p_wasm_runtime_instantiate(module, stack_size, 0, error, sizeof(error));
  wasm_function_inst_t start = p_wasm_runtime_lookup_function(instance, "_start");
  wasm_exec_env_t exec_env = p_wasm_runtime_create_exec_env(instance, stack_size);
  if (p_wasm_runtime_call_wasm(exec_env, start, 0, NULL)) {
    p_wasm_runtime_set_exception(instance, "wasi proc exit");
  }
  const char* exception = p_wasm_runtime_get_exception(instance);
  dup2(kept, 1);
  close(kept);
  CHECK_CONTAINS(exception, "wasi proc exit");
  CHECK(p_wasm_runtime_get_wasi_exit_code(instance) == code);
  p_wasm_runtime_clear_exception(instance);
  p_wasm_runtime_destroy_exec_env(exec_env);
  p_wasm_runtime_deinstantiate(instance);
  p_wasm_runtime_unload(module);
  p_wasm_runtime_destroy();
  free(bytes);
  close(out);
  bytes = read_file("out.txt", &size);
  bytes[size] = '\0';
  CHECK_CONTAINS((char*)bytes, text);
  CHECK_CONTAINS((char*)bytes, "variable in a container\n");
  free(bytes);
}

static void a_command_runs(void) {
  char name[] = "/app.wasm", leave[] = "exit", code[] = "5";
  char* argv[] = {name, leave, code};
  run_command(argv, 1, "argument /app.wasm\n", 0);
  run_command(argv, 3, "argument exit\n", 5);
}

static void the_library_stays(void) {
  CHECK(dlclose(library) == 0);
  library = dlopen("libiwasm.so", RTLD_NOW | RTLD_NOLOAD);
  CHECK(library != NULL);
  a_command_runs();
}

int main(void) {
  RUN(every_symbol_is_there);
  RUN(a_command_runs);
  RUN(the_library_stays);
  return check_failures != 0;
}
