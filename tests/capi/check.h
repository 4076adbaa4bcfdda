/* What the C programs of these tests share. Each is started in a directory with the guests, and prints a line for each
 * of its tests. */
#ifndef TENON_TESTS_CAPI_CHECK_H
#define TENON_TESTS_CAPI_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm_export.h"

static int check_failures;

/* Goes on with the test when it does not hold. */
#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) {                                                          \
      ++check_failures;                                                          \
      printf("%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                            \
  } while (0)

#define CHECK_TEXT(actual, expected)                                                                             \
  do {                                                                                                           \
    const char* check_actual = (actual);                                                                         \
    if (check_actual == NULL || strcmp(check_actual, expected) != 0) {                                           \
      ++check_failures;                                                                                          \
      printf("%s:%d: %s is `%s`, not `%s`\n", __FILE__, __LINE__, #actual, check_actual ? check_actual : "null", \
             expected);                                                                                          \
    }                                                                                                            \
  } while (0)

#define CHECK_CONTAINS(actual, part)                                                \
  do {                                                                              \
    const char* check_actual = (actual);                                            \
    if (check_actual == NULL || strstr(check_actual, part) == NULL) {               \
      ++check_failures;                                                             \
      printf("%s:%d: `%s` is not in %s: `%s`\n", __FILE__, __LINE__, part, #actual, \
             check_actual ? check_actual : "null");                                 \
    }                                                                               \
  } while (0)

/* Runs one test and says how it went. */
#define RUN(test)                                                         \
  do {                                                                    \
    const int before = check_failures;                                    \
    test();                                                               \
    printf("%s %s\n", check_failures == before ? "ok" : "FAILED", #test); \
    fflush(stdout);                                                       \
  } while (0)

/* A whole file; the caller frees it. Ends the program when it cannot be read. */
static inline uint8_t* read_file(const char* name, uint32_t* size) {
  FILE* file = fopen(name, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    perror(name);
    exit(1);
  }
  *size = (uint32_t)ftell(file);
  rewind(file);
  uint8_t* bytes = (uint8_t*)malloc(*size + 1);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
    perror(name);
    exit(1);
  }
  fclose(file);
  return bytes;
}

/* A module from a file. */
static inline wasm_module_t load_file(const char* name) {
  char error[512] = "";
  uint32_t size = 0;
  uint8_t* bytes = read_file(name, &size);
  wasm_module_t module = wasm_runtime_load(bytes, size, error, sizeof(error));
  free(bytes); /* it may go at once */
  if (module == NULL) {
    printf("%s: %s\n", name, error);
    exit(1);
  }
  return module;
}

static inline wasm_module_inst_t instantiate(wasm_module_t module) {
  char error[2048] = "";
  wasm_module_inst_t instance = wasm_runtime_instantiate(module, 64 * 1024, 0, error, sizeof(error));
  if (instance == NULL) {
    printf("%s\n", error);
    exit(1);
  }
  return instance;
}

/* A function () -> i32, or with one i32 argument. -1 with an exception. */
static inline int32_t call_i32(wasm_module_inst_t instance, const char* name, int32_t argument) {
  uint32_t argv[2] = {(uint32_t)argument, 0};
  wasm_exec_env_t env = wasm_runtime_create_exec_env(instance, 64 * 1024);
  wasm_function_inst_t function = wasm_runtime_lookup_function(instance, name);
  const bool called = wasm_runtime_call_wasm(env, function, wasm_func_get_param_count(function, instance), argv);
  wasm_runtime_destroy_exec_env(env);
  return called ? (int32_t)argv[0] : -1;
}

#endif
