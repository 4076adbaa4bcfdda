/* Functions of the host's that guests call. */
#include <stdint.h>

#include "check.h"

static wasm_module_inst_t instance;
static wasm_exec_env_t env;
static int attached = 7;
static int calls;

static double sum(wasm_exec_env_t exec_env, int32_t a, int64_t b, float c, double d) {
  CHECK(exec_env == env && get_module_inst(exec_env) == instance);
  return (double)a + (double)b + (double)c + d;
}
static int64_t many(wasm_exec_env_t exec_env, int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f,
                    int32_t g, int32_t h, double i, double j, double k, double l, double m, double n, double o,
                    double p, double q, double r, int64_t s) {
  (void)exec_env;
  /* Each in its own place of the sum. */
  CHECK(i == 1 && j == 2 && k == 3 && l == 4 && m == 5 && n == 6 && o == 7 && p == 8 && q == 9 && r == 10);
  return a + b * 10 + c * 100 + d * 1000 + e * 10000 + f * 100000 + g * 1000000 + h * 10000000 + s * 1000000;
}
static int32_t length(wasm_exec_env_t exec_env, const char* text) {
  (void)exec_env;
  return (int32_t)strlen(text);
}
static int32_t checksum(wasm_exec_env_t exec_env, const uint8_t* bytes, uint32_t size) {
  (void)exec_env;
  int32_t total = 0;
  ++calls;
  for (uint32_t i = 0; i < size; ++i) {
    total += bytes[i];
  }
  return total;
}
static int32_t first_byte(wasm_exec_env_t exec_env, uint8_t* byte) {
  const wasm_module_inst_t module_inst = get_module_inst(exec_env);
  CHECK(addr_app_to_native(addr_native_to_app(byte)) == byte);
  CHECK(validate_app_addr(addr_native_to_app(byte), 1));
  return *byte;
}
static int32_t untyped(wasm_exec_env_t exec_env, uint32_t address) {
  (void)exec_env;
  return (int32_t)address + 1;
}
static int32_t underscored(wasm_exec_env_t exec_env) {
  (void)exec_env;
  return 55;
}
static uintptr_t object(wasm_exec_env_t exec_env, uintptr_t given) {
  (void)exec_env;
  CHECK(given == 0 || given == (uintptr_t)&attached);
  return (uintptr_t)&calls;
}
static int32_t two(wasm_exec_env_t exec_env, int32_t value, int64_t* second) {
  (void)exec_env;
  *second = (int64_t)value * 1000000000000;
  return value + 1;
}
static float single(wasm_exec_env_t exec_env, float value) {
  (void)exec_env;
  return value / 2;
}
static int32_t fail(wasm_exec_env_t exec_env) {
  wasm_runtime_set_exception(wasm_runtime_get_module_inst(exec_env), "the native says no");
  return 1;
}
/* Calls element `index` of the guest's table. */
static int32_t call_back(wasm_exec_env_t exec_env, int32_t index) {
  uint32_t argv[1] = {0};
  if (!wasm_runtime_call_indirect(exec_env, (uint32_t)(index & 1), 0, argv)) {
    CHECK_TEXT(wasm_runtime_get_exception(instance), "Exception: unreachable");
    if (index < 2) {
      return 0; /* the exception goes on */
    }
    wasm_runtime_clear_exception(instance);
    return 1000;
  }
  return (int32_t)argv[0];
}
static void trace(wasm_exec_env_t exec_env) {
  char text[256] = "";
  CHECK(wasm_runtime_dump_call_stack_to_buf(exec_env, text, sizeof(text)) > 0);
  CHECK_CONTAINS(text, "use_trace");
}
static int32_t attachment(wasm_exec_env_t exec_env) {
  return *(int*)wasm_runtime_get_function_attachment(exec_env);
}
static int32_t newer(wasm_exec_env_t exec_env) {
  (void)exec_env;
  return 77;
}

static void raw_sum(wasm_exec_env_t exec_env, uint64_t* args) {
  native_raw_return_type(int64_t, args);
  native_raw_get_arg(int32_t, a, args);
  native_raw_get_arg(int64_t, b, args);
  native_raw_get_arg(double, c, args);
  (void)exec_env;
  native_raw_set_return((int64_t)a + b + (int64_t)(c * 10));
}
static void raw_length(wasm_exec_env_t exec_env, uint64_t* args) {
  native_raw_return_type(int32_t, args);
  native_raw_get_arg(const char*, text, args);
  (void)exec_env;
  native_raw_set_return((int32_t)strlen(text));
}

static NativeSymbol natives[] = {
    EXPORT_WASM_API_WITH_SIG(sum, "(iIfF)F"),
    EXPORT_WASM_API_WITH_SIG(many, "(iiiiiiiiFFFFFFFFFFI)I"),
    EXPORT_WASM_API_WITH_SIG(length, "($)i"),
    EXPORT_WASM_API_WITH_SIG(checksum, "(*~)i"),
    EXPORT_WASM_API_WITH_SIG(first_byte, "(*)i"),
    EXPORT_WASM_API(untyped),
    EXPORT_WASM_API_WITH_SIG(underscored, "()i"),
    EXPORT_WASM_API_WITH_SIG(object, "(r)r"),
    EXPORT_WASM_API(two),
    EXPORT_WASM_API_WITH_SIG(single, "(f)f"),
    EXPORT_WASM_API_WITH_SIG(fail, "()i"),
    EXPORT_WASM_API_WITH_SIG(call_back, "(i)i"),
    EXPORT_WASM_API_WITH_SIG(trace, "()"),
    EXPORT_WASM_API_WITH_ATT(attachment, "()i", &attached),
};
static NativeSymbol raw_natives[] = {
    EXPORT_WASM_API_WITH_SIG(raw_sum, "(iIF)I"),
    EXPORT_WASM_API_WITH_SIG(raw_length, "($)i"),
};

static bool call_with(const char* name, uint32_t argc, uint32_t argv[]) {
  return wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(instance, name), argc, argv);
}
/* Calls what has to fail. */
static void check_failure(const char* name, uint32_t argc, uint32_t argv[], const char* text) {
  CHECK(!call_with(name, argc, argv));
  CHECK_TEXT(wasm_runtime_get_exception(instance), text);
  wasm_runtime_clear_exception(instance);
}

static void arguments_of_every_kind(void) {
  uint32_t argv[4] = {0};
  double real;
  int64_t wide;
  CHECK(call_with("use_sum", 0, argv));
  memcpy(&real, argv, sizeof(real));
  CHECK(real == 21.75);
  CHECK(call_with("use_many", 0, argv));
  memcpy(&wide, argv, sizeof(wide));
  CHECK(wide == 1087654321);
  argv[0] = 9;
  CHECK(call_with("use_untyped", 1, argv) && argv[0] == 10);
  CHECK(call_with("use_underscored", 0, argv) && argv[0] == 55);
  argv[0] = 5;
  CHECK(call_with("use_two", 1, argv) && argv[0] == 6);
  memcpy(&wide, argv + 1, sizeof(wide));
  CHECK(wide == 5000000000000);
  float third = 3;
  memcpy(argv, &third, sizeof(third));
  CHECK(call_with("use_single", 1, argv));
  memcpy(&third, argv, sizeof(third));
  CHECK(third == 1.5F);
  uintptr_t given = (uintptr_t)&attached;
  memcpy(argv, &given, sizeof(given));
  CHECK(call_with("use_object", 2, argv));
  memcpy(&given, argv, sizeof(given));
  CHECK(given == (uintptr_t)&calls);
  CHECK(call_with("use_attachment", 0, argv) && argv[0] == 7);
  CHECK(wasm_runtime_get_function_attachment(env) == NULL);
}

static void addresses_are_checked(void) {
  uint32_t argv[2] = {64, 4};
  CHECK(call_with("use_length", 1, argv) && argv[0] == 4);
  argv[0] = 0xfffd; /* a string without an end */
  check_failure("use_length", 1, argv, "Exception: out of bounds memory access");
  argv[0] = 65536;
  check_failure("use_length", 1, argv, "Exception: out of bounds memory access");
  argv[0] = 0xfffd;
  argv[1] = 3;
  CHECK(call_with("use_checksum", 2, argv) && argv[0] == 'e' + 'n' + 'd');
  argv[0] = 0xfffd;
  argv[1] = 4;
  check_failure("use_checksum", 2, argv, "Exception: out of bounds memory access");
  argv[0] = 1;
  argv[1] = UINT32_MAX;
  check_failure("use_checksum", 2, argv, "Exception: out of bounds memory access");
  CHECK(calls == 1);
  argv[0] = 64;
  CHECK(call_with("use_first_byte", 1, argv) && argv[0] == 'f');
  argv[0] = UINT32_MAX;
  check_failure("use_first_byte", 1, argv, "Exception: out of bounds memory access");
}

static void natives_that_fail(void) {
  uint32_t argv[1] = {0};
  check_failure("use_fail", 0, argv, "Exception: the native says no");
  check_failure("use_absent", 0, argv, "Exception: failed to call unlinked import function (env, absent)");
  CHECK(call_with("use_call_back", 1, argv) && argv[0] == 107);
  argv[0] = 1;
  check_failure("use_call_back", 1, argv, "Exception: unreachable");
  argv[0] = 3; /* the native takes care of it */
  CHECK(call_with("use_call_back", 1, argv) && argv[0] == 1100);
  CHECK(call_with("use_trace", 0, argv));
}

static void raw_ones(void) {
  uint32_t argv[2] = {0};
  int64_t wide;
  CHECK(call_with("use_raw_sum", 0, argv));
  memcpy(&wide, argv, sizeof(wide));
  CHECK(wide == 84);
  argv[0] = 64;
  CHECK(call_with("use_raw_length", 1, argv) && argv[0] == 4);
  argv[0] = 0x20000;
  check_failure("use_raw_length", 1, argv, "Exception: out of bounds memory access");
}

static void who_is_registered(void) {
  static NativeSymbol replacing[] = {{"attachment", (void*)newer, "()i", NULL}};
  static NativeSymbol wrong[] = {{"attachment", (void*)newer, "(ii)i", NULL}, {"single", (void*)newer, "(~)i", NULL}};
  CHECK(wasm_runtime_is_import_func_linked("env", "sum") && wasm_runtime_is_import_func_linked("raw", "raw_sum"));
  CHECK(!wasm_runtime_is_import_func_linked("env", "absent") && !wasm_runtime_is_import_func_linked(NULL, "sum"));
  CHECK(wasm_runtime_is_import_func_linked("wasi_snapshot_preview1", "fd_write"));
  CHECK(!wasm_runtime_is_import_global_linked("env", "sum") && !wasm_runtime_is_import_global_linked(NULL, NULL));
  CHECK(!wasm_runtime_register_natives(NULL, natives, 1) && !wasm_runtime_register_natives_raw("raw", NULL, 1));
  CHECK(!wasm_runtime_unregister_natives("raw", natives) && !wasm_runtime_unregister_natives(NULL, natives));

  /* The last one counts, for who is instantiated then. */
  wasm_module_t module = wasm_runtime_get_module(instance);
  CHECK(wasm_runtime_register_natives("env", replacing, 1));
  wasm_module_inst_t later = instantiate(module);
  CHECK(call_i32(later, "use_attachment", 0) == 77);
  CHECK(call_i32(instance, "use_attachment", 0) == 7);
  wasm_runtime_deinstantiate(later);
  CHECK(wasm_runtime_unregister_natives("env", replacing));

  /* A signature of another type is none. */
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_ERROR);
  CHECK(wasm_runtime_register_natives("env", wrong, 2));
  later = instantiate(module);
  CHECK(call_i32(later, "use_attachment", 0) == -1);
  CHECK_CONTAINS(wasm_runtime_get_exception(later), "unlinked import function (env, attachment)");
  wasm_runtime_deinstantiate(later);
  CHECK(wasm_runtime_unregister_natives("env", wrong));
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_WARNING);
}

int main(void) {
  RuntimeInitArgs args;
  memset(&args, 0, sizeof(args));
  args.mem_alloc_type = Alloc_With_System_Allocator;
  args.native_module_name = "env";
  args.native_symbols = natives;
  args.n_native_symbols = sizeof(natives) / sizeof(natives[0]);
  CHECK(wasm_runtime_full_init(&args));
  CHECK(wasm_runtime_register_natives_raw("raw", raw_natives, 2));
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_ERROR);
  wasm_module_t module = load_file("natives.wasm");
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_WARNING);
  instance = instantiate(module);
  env = wasm_runtime_create_exec_env(instance, 8192);
  RUN(arguments_of_every_kind);
  RUN(addresses_are_checked);
  RUN(natives_that_fail);
  RUN(raw_ones);
  RUN(who_is_registered);
  wasm_runtime_destroy_exec_env(env);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  wasm_runtime_destroy();
  return check_failures != 0;
}
