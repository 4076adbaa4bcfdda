/* Native functions for guests: how a host lists those that it registers (wasm_runtime_register_natives and
 * RuntimeInitArgs in wasm_export.h). The same names and layout as WAMR's header of this name. */
#ifndef TENON_LIB_EXPORT_H
#define TENON_LIB_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function of the host's, as guests import it. */
typedef struct NativeSymbol {
  const char* symbol;    /* the name that guests import */
  void* func_ptr;        /* R (*)(wasm_exec_env_t, parameters...); raw ones: void (*)(wasm_exec_env_t, uint64_t *) */
  const char* signature; /* such as "(i*~)i", see wasm_runtime_register_natives; null: of the importer's type */
  void* attachment;      /* for wasm_runtime_get_function_attachment */
} NativeSymbol;

/* clang-format off */
#define EXPORT_WASM_API(symbol) { #symbol, (void *)symbol, NULL, NULL }
#define EXPORT_WASM_API2(symbol) { #symbol, (void *)symbol##_wrapper, NULL, NULL }
#define EXPORT_WASM_API_WITH_SIG(symbol, signature) { #symbol, (void *)symbol, signature, NULL }
#define EXPORT_WASM_API_WITH_SIG2(symbol, signature) { #symbol, (void *)symbol##_wrapper, signature, NULL }
#define EXPORT_WASM_API_WITH_ATT(symbol, signature, attachment) { #symbol, (void *)symbol, signature, attachment }
#define EXPORT_WASM_API_WITH_ATT2(symbol, signature, attachment) \
  { #symbol, (void *)symbol##_wrapper, signature, attachment }
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
