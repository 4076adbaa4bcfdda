/* Tenon from C: names, types and behaviour of WebAssembly Micro Runtime 2.4's header of this name, and dynamic linking
 * (the wasm_runtime_dl_* functions at the end). docs/wamr-compatibility.md says what differs.
 *
 *   wasm_runtime_init();
 *   wasm_module_t module = wasm_runtime_load(bytes, size, error, sizeof(error));
 *   wasm_module_inst_t instance = wasm_runtime_instantiate(module, 64 * 1024, 0, error, sizeof(error));
 *   wasm_exec_env_t env = wasm_runtime_create_exec_env(instance, 64 * 1024);
 *   uint32_t argv[1] = {8};
 *   if (!wasm_runtime_call_wasm(env, wasm_runtime_lookup_function(instance, "fib"), 1, argv))
 *     puts(wasm_runtime_get_exception(instance));
 *   wasm_runtime_destroy_exec_env(env);
 *   wasm_runtime_deinstantiate(instance);
 *   wasm_runtime_unload(module);
 *   wasm_runtime_destroy();
 *
 * What holds for all of it, unless a function says otherwise:
 *
 * - Nothing but versions, package types and the functions that initialise may be called before the runtime is
 *   initialised or after it is destroyed; what is called then fails.
 * - A null handle, name or buffer makes a function fail: false, null or 0. Handles that were given back must not be
 *   used again.
 * - `error_buf` gets a text with its end, cut to `error_buf_size`; it may be null.
 * - Strings and arrays that are passed are copied, but NativeSymbols. Strings that are returned belong to the handle
 *   they were asked of, and live as long as that.
 * - Thread-safe are all functions but: initialising and destroying the runtime; loading and unloading one module while
 *   it is used; destroying a handle that is in use. An exec env is used by one thread at a time. An instance whose
 *   memory is not shared is entered by one thread at a time; a call from a second one fails.
 * - Failures inside a guest become the instance's exception, a text that begins with "Exception: ". While it is set,
 *   calls fail; wasm_runtime_clear_exception ends that.
 */
#ifndef TENON_WASM_EXPORT_H
#define TENON_WASM_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib_export.h"

#ifndef WASM_RUNTIME_API_EXTERN
#define WASM_RUNTIME_API_EXTERN __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -- Handles ------------------------------------------------------------------------------------------------------ */

#ifndef WASM_MODULE_T_DEFINED
#define WASM_MODULE_T_DEFINED
struct WASMModuleCommon;
/* A module that was decoded and validated, with the WASI settings for its instances. */
typedef struct WASMModuleCommon* wasm_module_t;
#endif

struct WASMModuleInstanceCommon;
/* A running program: the module as its main module, the libraries it is linked with, memory, table, threads. */
typedef struct WASMModuleInstanceCommon* wasm_module_inst_t;

struct WASMExecEnv;
/* What one thread calls an instance with. */
typedef struct WASMExecEnv* wasm_exec_env_t;

typedef void WASMFunctionInstanceCommon;
/* A function of an instance. Lives as long as the instance. */
typedef WASMFunctionInstanceCommon* wasm_function_inst_t;

struct WASMMemoryInstance;
/* A memory of an instance. Lives as long as the instance. */
typedef struct WASMMemoryInstance* wasm_memory_inst_t;

/* Types of imports and exports. They live as long as the module. */
struct WASMFuncType;
typedef struct WASMFuncType* wasm_func_type_t;
struct WASMTableType;
typedef struct WASMTableType* wasm_table_type_t;
struct WASMGlobalType;
typedef struct WASMGlobalType* wasm_global_type_t;
#ifndef WASM_MEMORY_T_DEFINED
#define WASM_MEMORY_T_DEFINED
struct WASMMemory;
typedef struct WASMMemory WASMMemoryType;
#endif
typedef WASMMemoryType* wasm_memory_type_t;

/* -- Values ------------------------------------------------------------------------------------------------------- */

#ifndef WASM_VALKIND_T_DEFINED
#define WASM_VALKIND_T_DEFINED
typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
  WASM_I32,
  WASM_I64,
  WASM_F32,
  WASM_F64,
  WASM_V128,
  WASM_EXTERNREF = 128,
  WASM_FUNCREF,
};
#endif

#ifndef WASM_VAL_T_DEFINED
#define WASM_VAL_T_DEFINED
struct wasm_ref_t;

typedef struct wasm_val_t {
  wasm_valkind_t kind;
  uint8_t _paddings[7];
  union {
    int32_t i32; /* of a funcref: the function's index in the module, or UINT32_MAX for null */
    int64_t i64;
    float f32;
    double f64;
    uintptr_t foreign; /* of an externref: the host's object */
    struct wasm_ref_t* ref;
  } of;
} wasm_val_t;
#endif

/* -- The runtime -------------------------------------------------------------------------------------------------- */

#ifndef MEM_ALLOC_OPTION_DEFINED
#define MEM_ALLOC_OPTION_DEFINED
/* Where wasm_runtime_malloc has its memory from. */
typedef enum {
  Alloc_With_Pool = 0,         /* a buffer of the host's */
  Alloc_With_Allocator,        /* functions of the host's */
  Alloc_With_System_Allocator, /* malloc */
} mem_alloc_type_t;

typedef enum { Alloc_For_Runtime, Alloc_For_LinearMemory } mem_alloc_usage_t;

typedef union MemAllocOption {
  struct {
    void* heap_buf; /* stays the host's, until the runtime is destroyed */
    uint32_t heap_size;
  } pool;
  struct {
    void* malloc_func;  /* void *(*)(unsigned int size) */
    void* realloc_func; /* void *(*)(void *, unsigned int size) */
    void* free_func;    /* void (*)(void *) */
    void* user_data;    /* not used, as in WAMR's default build */
  } allocator;
} MemAllocOption;
#endif

typedef struct mem_alloc_info_t {
  uint32_t total_size;
  uint32_t total_free_size;
  uint32_t highmark_size; /* the most that was ever in use */
} mem_alloc_info_t;

/* How guest code runs. */
typedef enum RunningMode {
  Mode_Interp = 1,
  Mode_Fast_JIT,
  Mode_LLVM_JIT,
  Mode_Multi_Tier_JIT,
} RunningMode;

/* All zero, but for the allocator, is a good start. What says "ignored" is there for the layout. */
typedef struct RuntimeInitArgs {
  mem_alloc_type_t mem_alloc_type;
  MemAllocOption mem_alloc_option;
  const char* native_module_name; /* with the next two: natives to register; null for none */
  NativeSymbol* native_symbols;
  uint32_t n_native_symbols;
  uint32_t max_thread_num;           /* threads of one instance; 0 for the default, 4096 */
  char ip_addr[128];                 /* ignored */
  int unused;                        /* ignored */
  int instance_port;                 /* ignored */
  uint32_t fast_jit_code_cache_size; /* ignored */
  uint32_t gc_heap_size;             /* ignored */
  RunningMode running_mode;          /* 0 for the default */
  uint32_t llvm_jit_opt_level;       /* ignored */
  uint32_t llvm_jit_size_level;      /* ignored */
  uint32_t segue_flags;              /* ignored */
  bool enable_linux_perf;            /* ignored */
} RuntimeInitArgs;

typedef enum {
  WASM_LOG_LEVEL_FATAL = 0,
  WASM_LOG_LEVEL_ERROR = 1,
  WASM_LOG_LEVEL_WARNING = 2, /* the default */
  WASM_LOG_LEVEL_DEBUG = 3,
  WASM_LOG_LEVEL_VERBOSE = 4
} log_level_t;

/* Initialise the runtime. Each success wants its wasm_runtime_destroy; settings are those of the first. Fails for an
 * allocator without its functions, a pool without a buffer, a running mode that is not supported. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_init(void);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_full_init(RuntimeInitArgs* init_args);
/* Forgets natives, registered modules and all settings. Instances and modules that are left stay usable, and are still
 * to be given back. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_destroy(void);

/* Messages of the runtime go to stderr up to this level. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_log_level(log_level_t level);
/* The version of WAMR whose interface this is. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_get_version(uint32_t* major, uint32_t* minor, uint32_t* patch);

WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_running_mode_supported(RunningMode running_mode);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_set_default_running_mode(RunningMode running_mode);

/* Memory of the runtime's, for the host. What is allocated is freed before the runtime is destroyed. */
WASM_RUNTIME_API_EXTERN void* wasm_runtime_malloc(unsigned int size);
WASM_RUNTIME_API_EXTERN void* wasm_runtime_realloc(void* ptr, unsigned int size);
WASM_RUNTIME_API_EXTERN void wasm_runtime_free(void* ptr);
/* Of a pool; false for other allocators. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_get_mem_alloc_info(mem_alloc_info_t* mem_alloc_info);

/* A thread that the runtime did not make says that it will use it, and that it will no more: the latter gives back what
 * the thread has in the instances that it called into. Calls without them work too, but leave that behind. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_init_thread_env(void);
WASM_RUNTIME_API_EXTERN void wasm_runtime_destroy_thread_env(void);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_thread_env_inited(void);

/* -- Modules ------------------------------------------------------------------------------------------------------ */

typedef enum { Wasm_Module_Bytecode = 0, Wasm_Module_AoT, Package_Type_Unknown = 0xFFFF } package_type_t;

/* By the first bytes. May be called at any time. */
WASM_RUNTIME_API_EXTERN package_type_t get_package_type(const uint8_t* buf, uint32_t size);
WASM_RUNTIME_API_EXTERN package_type_t wasm_runtime_get_file_package_type(const uint8_t* buf, uint32_t size);
WASM_RUNTIME_API_EXTERN package_type_t wasm_runtime_get_module_package_type(const wasm_module_t module);
/* 0 when it is not known. */
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_get_file_package_version(const uint8_t* buf, uint32_t size);
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_get_module_package_version(const wasm_module_t module);
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_get_current_package_version(package_type_t package_type);
/* Always false: images of that kind are WAMR's. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_xip_file(const uint8_t* buf, uint32_t size);

#ifndef LOAD_ARGS_OPTION_DEFINED
#define LOAD_ARGS_OPTION_DEFINED
typedef struct LoadArgs {
  char* name; /* the module's, or null */
  bool clone_wasm_binary;
  bool wasm_binary_freeable; /* it always is */
  bool no_resolve;           /* do not warn about imports that nobody has; see wasm_runtime_resolve_symbols */
} LoadArgs;
#endif

/* Decodes and validates a module. `buf` is copied: it may go at once. What a plain module imports from modules that are
 * neither natives nor registered is asked of the module reader. */
WASM_RUNTIME_API_EXTERN wasm_module_t wasm_runtime_load(uint8_t* buf, uint32_t size, char* error_buf,
                                                        uint32_t error_buf_size);
WASM_RUNTIME_API_EXTERN wasm_module_t wasm_runtime_load_ex(uint8_t* buf, uint32_t size, const LoadArgs* args,
                                                           char* error_buf, uint32_t error_buf_size);
/* Whether somebody has every function that the module imports. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_resolve_symbols(wasm_module_t module);

typedef struct wasm_section_t {
  struct wasm_section_t* next;
  int section_type;      /* its number in the binary format */
  uint8_t* section_body; /* without number and size */
  uint32_t section_body_size;
} wasm_section_t, aot_section_t, *wasm_section_list_t, *aot_section_list_t;

/* The same for a module in its sections. Fails for those of WAMR's AOT files. */
WASM_RUNTIME_API_EXTERN wasm_module_t wasm_runtime_load_from_sections(wasm_section_list_t section_list, bool is_aot,
                                                                      char* error_buf, uint32_t error_buf_size);
/* Instances of it live on; a name that it was registered under stays known. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_unload(wasm_module_t module);
/* Whether the buffer that the module was loaded from may be freed: true. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_underlying_binary_freeable(const wasm_module_t module);

WASM_RUNTIME_API_EXTERN bool wasm_runtime_set_module_name(wasm_module_t module, const char* name, char* error_buf,
                                                          uint32_t error_buf_size);
/* "" when it was given none. */
WASM_RUNTIME_API_EXTERN const char* wasm_runtime_get_module_name(wasm_module_t module);

/* The content of the first custom section called so, without its name; null when there is none. */
WASM_RUNTIME_API_EXTERN const uint8_t* wasm_runtime_get_custom_section(const wasm_module_t module_comm,
                                                                       const char* name, uint32_t* len);

/* Modules by the names that plain modules import from. A reader gives the bytes of one that is not registered:
 * *p_buffer stays the reader's until the destroyer has been called with it, which may be null. */
typedef bool (*module_reader)(package_type_t module_type, const char* module_name, uint8_t** p_buffer,
                              uint32_t* p_size);
typedef void (*module_destroyer)(uint8_t* buffer, uint32_t size);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_module_reader(const module_reader reader,
                                                            const module_destroyer destroyer);
/* Fails when another module has the name, or the module another name. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_register_module(const char* module_name, wasm_module_t module,
                                                          char* error_buf, uint32_t error_buf_size);
WASM_RUNTIME_API_EXTERN wasm_module_t wasm_runtime_find_module_registered(const char* module_name);

/* -- Imports and exports of modules ------------------------------------------------------------------------------- */

typedef enum {
  WASM_IMPORT_EXPORT_KIND_FUNC,
  WASM_IMPORT_EXPORT_KIND_TABLE,
  WASM_IMPORT_EXPORT_KIND_MEMORY,
  WASM_IMPORT_EXPORT_KIND_GLOBAL
} wasm_import_export_kind_t;

typedef struct wasm_import_t {
  const char* module_name;
  const char* name;
  wasm_import_export_kind_t kind;
  bool linked; /* somebody has it now */
  union {
    wasm_func_type_t func_type;
    wasm_table_type_t table_type;
    wasm_global_type_t global_type;
    wasm_memory_type_t memory_type;
  } u;
} wasm_import_t;

typedef struct wasm_export_t {
  const char* name;
  wasm_import_export_kind_t kind;
  union {
    wasm_func_type_t func_type;
    wasm_table_type_t table_type;
    wasm_global_type_t global_type;
    wasm_memory_type_t memory_type;
  } u;
} wasm_export_t;

/* In the module's order; tags are left out. -1 without a module. An index that is none leaves the struct all zero. */
WASM_RUNTIME_API_EXTERN int32_t wasm_runtime_get_import_count(const wasm_module_t module);
WASM_RUNTIME_API_EXTERN void wasm_runtime_get_import_type(const wasm_module_t module, int32_t import_index,
                                                          wasm_import_t* import_type);
WASM_RUNTIME_API_EXTERN int32_t wasm_runtime_get_export_count(const wasm_module_t module);
WASM_RUNTIME_API_EXTERN void wasm_runtime_get_export_type(const wasm_module_t module, int32_t export_index,
                                                          wasm_export_t* export_type);

/* A kind that there is not is (wasm_valkind_t)-1. */
WASM_RUNTIME_API_EXTERN uint32_t wasm_func_type_get_param_count(const wasm_func_type_t func_type);
WASM_RUNTIME_API_EXTERN wasm_valkind_t wasm_func_type_get_param_valkind(const wasm_func_type_t func_type,
                                                                        uint32_t param_index);
WASM_RUNTIME_API_EXTERN uint32_t wasm_func_type_get_result_count(const wasm_func_type_t func_type);
WASM_RUNTIME_API_EXTERN wasm_valkind_t wasm_func_type_get_result_valkind(const wasm_func_type_t func_type,
                                                                         uint32_t result_index);
WASM_RUNTIME_API_EXTERN wasm_valkind_t wasm_global_type_get_valkind(const wasm_global_type_t global_type);
WASM_RUNTIME_API_EXTERN bool wasm_global_type_get_mutable(const wasm_global_type_t global_type);
WASM_RUNTIME_API_EXTERN bool wasm_memory_type_get_shared(const wasm_memory_type_t memory_type);
WASM_RUNTIME_API_EXTERN uint32_t wasm_memory_type_get_init_page_count(const wasm_memory_type_t memory_type);
WASM_RUNTIME_API_EXTERN uint32_t wasm_memory_type_get_max_page_count(const wasm_memory_type_t memory_type);
WASM_RUNTIME_API_EXTERN wasm_valkind_t wasm_table_type_get_elem_kind(const wasm_table_type_t table_type);
WASM_RUNTIME_API_EXTERN bool wasm_table_type_get_shared(const wasm_table_type_t table_type);
WASM_RUNTIME_API_EXTERN uint32_t wasm_table_type_get_init_size(const wasm_table_type_t table_type);
WASM_RUNTIME_API_EXTERN uint32_t wasm_table_type_get_max_size(const wasm_table_type_t table_type);

/* -- WASI --------------------------------------------------------------------------------------------------------- */

/* What instances that are made of the module from now on run with. Directories that are preopened: `dir_list` under
 * their own names, `map_dir_list` as "GUEST::HOST". `env` has entries "NAME=VALUE", `argv` the program's name first.
 * Descriptors stay the host's; a negative one means the host's own stream. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_wasi_args_ex(wasm_module_t module, const char* dir_list[],
                                                           uint32_t dir_count, const char* map_dir_list[],
                                                           uint32_t map_dir_count, const char* env[],
                                                           uint32_t env_count, char* argv[], int argc, int64_t stdinfd,
                                                           int64_t stdoutfd, int64_t stderrfd);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_wasi_args(wasm_module_t module, const char* dir_list[],
                                                        uint32_t dir_count, const char* map_dir_list[],
                                                        uint32_t map_dir_count, const char* env[], uint32_t env_count,
                                                        char* argv[], int argc);
/* Taken and without effect: guests cannot open sockets here. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_wasi_addr_pool(wasm_module_t module, const char* addr_pool[],
                                                             uint32_t addr_pool_size);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_wasi_ns_lookup_pool(wasm_module_t module, const char* ns_lookup_pool[],
                                                                  uint32_t ns_lookup_pool_size);

/* Whether the module imports WASI. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_wasi_mode(wasm_module_inst_t module_inst);
/* `_start` of such a module. */
WASM_RUNTIME_API_EXTERN wasm_function_inst_t wasm_runtime_lookup_wasi_start_function(wasm_module_inst_t module_inst);
/* What the guest gave proc_exit last; 0 before. */
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_get_wasi_exit_code(wasm_module_inst_t module_inst);

/* -- Instances ---------------------------------------------------------------------------------------------------- */

#ifndef INSTANTIATION_ARGS_OPTION_DEFINED
#define INSTANTIATION_ARGS_OPTION_DEFINED
typedef struct InstantiationArgs {
  uint32_t default_stack_size;     /* of interpreted code, in bytes, when it is more than the default (8 MiB) */
  uint32_t host_managed_heap_size; /* of module_malloc, for guests that export no allocator of their own */
  uint32_t max_memory_pages;       /* 0: what the module says */
} InstantiationArgs;
#endif

struct InstantiationArgs2;

/* Links the module with what it needs and runs start functions and constructors. */
WASM_RUNTIME_API_EXTERN wasm_module_inst_t wasm_runtime_instantiate(const wasm_module_t module,
                                                                    uint32_t default_stack_size,
                                                                    uint32_t host_managed_heap_size, char* error_buf,
                                                                    uint32_t error_buf_size);
WASM_RUNTIME_API_EXTERN wasm_module_inst_t wasm_runtime_instantiate_ex(const wasm_module_t module,
                                                                       const InstantiationArgs* args, char* error_buf,
                                                                       uint32_t error_buf_size);
WASM_RUNTIME_API_EXTERN wasm_module_inst_t wasm_runtime_instantiate_ex2(const wasm_module_t module,
                                                                        const struct InstantiationArgs2* args,
                                                                        char* error_buf, uint32_t error_buf_size);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_instantiation_args_create(struct InstantiationArgs2** p);
WASM_RUNTIME_API_EXTERN void wasm_runtime_instantiation_args_destroy(struct InstantiationArgs2* p);
WASM_RUNTIME_API_EXTERN void wasm_runtime_instantiation_args_set_default_stack_size(struct InstantiationArgs2* p,
                                                                                    uint32_t v);
WASM_RUNTIME_API_EXTERN void wasm_runtime_instantiation_args_set_host_managed_heap_size(struct InstantiationArgs2* p,
                                                                                        uint32_t v);
WASM_RUNTIME_API_EXTERN void wasm_runtime_instantiation_args_set_max_memory_pages(struct InstantiationArgs2* p,
                                                                                  uint32_t v);

/* Ends its threads, and gives back everything that was asked of it: functions, memories, exec envs. Not from a native
 * that the instance called. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_deinstantiate(wasm_module_inst_t module_inst);
WASM_RUNTIME_API_EXTERN wasm_module_t wasm_runtime_get_module(wasm_module_inst_t module_inst);

/* The mode is fixed when the module is loaded: setting another one fails. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_set_running_mode(wasm_module_inst_t module_inst, RunningMode running_mode);
WASM_RUNTIME_API_EXTERN RunningMode wasm_runtime_get_running_mode(wasm_module_inst_t module_inst);
/* Accesses are always checked: they cannot be disabled. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_bounds_checks(wasm_module_inst_t module_inst, bool enable);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_bounds_checks_enabled(wasm_module_inst_t module_inst);

/* A pointer of the host's with an instance. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_custom_data(wasm_module_inst_t module_inst, void* custom_data);
WASM_RUNTIME_API_EXTERN void* wasm_runtime_get_custom_data(wasm_module_inst_t module_inst);
/* Many of them, by key. `dtor` is called when an instance goes that has a context for the key. A key is destroyed when
 * no instance has one any more. */
WASM_RUNTIME_API_EXTERN void* wasm_runtime_create_context_key(void (*dtor)(wasm_module_inst_t inst, void* ctx));
WASM_RUNTIME_API_EXTERN void wasm_runtime_destroy_context_key(void* key);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_context(wasm_module_inst_t inst, void* key, void* ctx);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_context_spread(wasm_module_inst_t inst, void* key, void* ctx);
WASM_RUNTIME_API_EXTERN void* wasm_runtime_get_context(wasm_module_inst_t inst, void* key);

/* -- Exceptions --------------------------------------------------------------------------------------------------- */

/* "Exception: ..." or null. The text is good until the next exception of the instance. */
WASM_RUNTIME_API_EXTERN const char* wasm_runtime_get_exception(wasm_module_inst_t module_inst);
/* In a native: the guest that called it traps when the native returns. Null clears. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_exception(wasm_module_inst_t module_inst, const char* exception);
WASM_RUNTIME_API_EXTERN void wasm_runtime_clear_exception(wasm_module_inst_t module_inst);
/* Ends all calls that are in progress in the instance with the exception "terminated by user". From any thread. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_terminate(wasm_module_inst_t module_inst);

/* -- Functions and calls ------------------------------------------------------------------------------------------ */

/* An exported function of the module. */
WASM_RUNTIME_API_EXTERN wasm_function_inst_t wasm_runtime_lookup_function(const wasm_module_inst_t module_inst,
                                                                          const char* name);
WASM_RUNTIME_API_EXTERN uint32_t wasm_func_get_param_count(const wasm_function_inst_t func_inst,
                                                           const wasm_module_inst_t module_inst);
WASM_RUNTIME_API_EXTERN uint32_t wasm_func_get_result_count(const wasm_function_inst_t func_inst,
                                                            const wasm_module_inst_t module_inst);
/* Into an array with room for all. */
WASM_RUNTIME_API_EXTERN void wasm_func_get_param_types(const wasm_function_inst_t func_inst,
                                                       const wasm_module_inst_t module_inst,
                                                       wasm_valkind_t* param_types);
WASM_RUNTIME_API_EXTERN void wasm_func_get_result_types(const wasm_function_inst_t func_inst,
                                                        const wasm_module_inst_t module_inst,
                                                        wasm_valkind_t* result_types);

WASM_RUNTIME_API_EXTERN wasm_exec_env_t wasm_runtime_create_exec_env(wasm_module_inst_t module_inst,
                                                                     uint32_t stack_size);
WASM_RUNTIME_API_EXTERN void wasm_runtime_destroy_exec_env(wasm_exec_env_t exec_env);
/* The instance's own, which is not to be destroyed. */
WASM_RUNTIME_API_EXTERN wasm_exec_env_t wasm_runtime_get_exec_env_singleton(wasm_module_inst_t module_inst);
WASM_RUNTIME_API_EXTERN wasm_module_inst_t wasm_runtime_get_module_inst(wasm_exec_env_t exec_env);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_module_inst(wasm_exec_env_t exec_env,
                                                          const wasm_module_inst_t module_inst);
WASM_RUNTIME_API_EXTERN void wasm_runtime_set_user_data(wasm_exec_env_t exec_env, void* user_data);
WASM_RUNTIME_API_EXTERN void* wasm_runtime_get_user_data(wasm_exec_env_t exec_env);
/* In a native: what it was registered with. */
WASM_RUNTIME_API_EXTERN void* wasm_runtime_get_function_attachment(wasm_exec_env_t exec_env);

/* Calls a function. `argv` has the arguments in cells of 32 bits, and afterwards the results: an i32, f32 or funcref
 * takes one cell, an i64, f64 or externref two. So many cells that the larger of both fits. A guest that asks to end
 * (proc_exit) has returned, without results. False: see wasm_runtime_get_exception. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_call_wasm(wasm_exec_env_t exec_env, wasm_function_inst_t function,
                                                    uint32_t argc, uint32_t argv[]);
/* The same with values, which must be of the right kinds. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_call_wasm_a(wasm_exec_env_t exec_env, wasm_function_inst_t function,
                                                      uint32_t num_results, wasm_val_t results[], uint32_t num_args,
                                                      wasm_val_t* args);
/* The same with arguments of the C types of their kinds; a float is passed as a double. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_call_wasm_v(wasm_exec_env_t exec_env, wasm_function_inst_t function,
                                                      uint32_t num_results, wasm_val_t results[], uint32_t num_args,
                                                      ...);
/* Calls what stands at `element_index` of table 0: a function pointer of the guest's. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_call_indirect(wasm_exec_env_t exec_env, uint32_t element_index, uint32_t argc,
                                                        uint32_t argv[]);

/* Runs the program: `_start`, else `main`, `__main_argc_argv` or `_main` with `argv`, whose result is left in *(int
 * *)argv. */
WASM_RUNTIME_API_EXTERN bool wasm_application_execute_main(wasm_module_inst_t module_inst, int32_t argc, char* argv[]);
/* Calls a function with arguments in words, "$module$function" or "function", and prints its results. */
WASM_RUNTIME_API_EXTERN bool wasm_application_execute_func(wasm_module_inst_t module_inst, const char* name,
                                                           int32_t argc, char* argv[]);

/* -- Call stacks -------------------------------------------------------------------------------------------------- */

typedef struct wasm_frame_t {
  void* instance;
  uint32_t module_offset; /* of the instruction, in the module's file; 0 when it is not known */
  uint32_t func_index;
  uint32_t func_offset;     /* of the instruction, from the function's start */
  const char* func_name_wp; /* good until the next call stack is asked of the exec env */
  uint32_t* sp;             /* null, as are the next two */
  uint8_t* frame_ref;
  uint32_t* lp;
} WASMCApiFrame;

/* In a native: the calls in progress. Else: those of the exec env's last trap. To stdout, */
WASM_RUNTIME_API_EXTERN void wasm_runtime_dump_call_stack(wasm_exec_env_t exec_env);
/* into a buffer: its size with the final zero, 0 when it fails; */
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_get_call_stack_buf_size(wasm_exec_env_t exec_env);
WASM_RUNTIME_API_EXTERN uint32_t wasm_runtime_dump_call_stack_to_buf(wasm_exec_env_t exec_env, char* buf, uint32_t len);
/* into frames, innermost first: how many. */
WASM_RUNTIME_API_EXTERN uint32_t wasm_copy_callstack(const wasm_exec_env_t exec_env, WASMCApiFrame* buffer,
                                                     const uint32_t length, const uint32_t skip_n, char* error_buf,
                                                     uint32_t error_buf_size);
/* What the instance has of memory, to stdout. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_dump_mem_consumption(wasm_exec_env_t exec_env);

/* -- Threads ------------------------------------------------------------------------------------------------------ */

typedef void* (*wasm_thread_callback_t)(wasm_exec_env_t, void*);
typedef uintptr_t wasm_thread_t;

WASM_RUNTIME_API_EXTERN void wasm_runtime_set_max_thread_num(uint32_t num);
/* For another thread of the host's, in an instance whose memory is shared. That thread destroys it. */
WASM_RUNTIME_API_EXTERN wasm_exec_env_t wasm_runtime_spawn_exec_env(wasm_exec_env_t exec_env);
WASM_RUNTIME_API_EXTERN void wasm_runtime_destroy_spawned_exec_env(wasm_exec_env_t exec_env);
/* Runs `callback` with an exec env of its own on a new thread. 0, or -1. Every one is joined. */
WASM_RUNTIME_API_EXTERN int32_t wasm_runtime_spawn_thread(wasm_exec_env_t exec_env, wasm_thread_t* tid,
                                                          wasm_thread_callback_t callback, void* arg);
WASM_RUNTIME_API_EXTERN int32_t wasm_runtime_join_thread(wasm_thread_t tid, void** retval);

/* In a native, around what may block: false when the instance was terminated. A terminated thread gets a signal
 * (SIGURG), which ends system calls that can be interrupted. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_begin_blocking_op(wasm_exec_env_t exec_env);
WASM_RUNTIME_API_EXTERN void wasm_runtime_end_blocking_op(wasm_exec_env_t exec_env);
/* Whether the calling thread has so much stack left; sets the exception "native stack overflow" when not. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_detect_native_stack_overflow(wasm_exec_env_t exec_env);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_detect_native_stack_overflow_size(wasm_exec_env_t exec_env,
                                                                            uint32_t required_size);

/* -- The guest's memory ------------------------------------------------------------------------------------------- */

/* Memory from the guest's own allocator (it exports malloc and free), else from a heap of host_managed_heap_size bytes
 * that the memory is grown by when it is first needed. The address in the guest's memory; *p_native_addr gets the
 * host's. 0 when there is no room, and, with an exception, when the guest's allocator traps or lies. May run guest
 * code. */
WASM_RUNTIME_API_EXTERN uint64_t wasm_runtime_module_malloc(wasm_module_inst_t module_inst, uint64_t size,
                                                            void** p_native_addr);
WASM_RUNTIME_API_EXTERN void wasm_runtime_module_free(wasm_module_inst_t module_inst, uint64_t ptr);
WASM_RUNTIME_API_EXTERN uint64_t wasm_runtime_module_dup_data(wasm_module_inst_t module_inst, const char* src,
                                                              uint64_t size);

/* Whether a range, or a string and its end, lies in memory; sets the exception "out of bounds memory access" when not.
 * Other threads of the guest may change what was checked. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_validate_app_addr(wasm_module_inst_t module_inst, uint64_t app_offset,
                                                            uint64_t size);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_validate_app_str_addr(wasm_module_inst_t module_inst,
                                                                uint64_t app_str_offset);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_validate_native_addr(wasm_module_inst_t module_inst, void* native_ptr,
                                                               uint64_t size);
/* Between the guest's addresses and the host's: null or 0 for one that is not in memory. A memory never moves. */
WASM_RUNTIME_API_EXTERN void* wasm_runtime_addr_app_to_native(wasm_module_inst_t module_inst, uint64_t app_offset);
WASM_RUNTIME_API_EXTERN uint64_t wasm_runtime_addr_native_to_app(wasm_module_inst_t module_inst, void* native_ptr);
/* Where the memory that has the address begins and ends. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_get_app_addr_range(wasm_module_inst_t module_inst, uint64_t app_offset,
                                                             uint64_t* p_app_start_offset, uint64_t* p_app_end_offset);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_get_native_addr_range(wasm_module_inst_t module_inst, uint8_t* native_ptr,
                                                                uint8_t** p_native_start_addr,
                                                                uint8_t** p_native_end_addr);

/* Memories: the first of the module, one by its index, one by the name it is exported as. */
WASM_RUNTIME_API_EXTERN wasm_memory_inst_t wasm_runtime_get_default_memory(const wasm_module_inst_t module_inst);
WASM_RUNTIME_API_EXTERN wasm_memory_inst_t wasm_runtime_get_memory(const wasm_module_inst_t module_inst,
                                                                   uint32_t index);
WASM_RUNTIME_API_EXTERN wasm_memory_inst_t wasm_runtime_lookup_memory(const wasm_module_inst_t module_inst,
                                                                      const char* name);
WASM_RUNTIME_API_EXTERN uint64_t wasm_memory_get_cur_page_count(const wasm_memory_inst_t memory_inst);
WASM_RUNTIME_API_EXTERN uint64_t wasm_memory_get_max_page_count(const wasm_memory_inst_t memory_inst);
WASM_RUNTIME_API_EXTERN uint64_t wasm_memory_get_bytes_per_page(const wasm_memory_inst_t memory_inst);
WASM_RUNTIME_API_EXTERN bool wasm_memory_get_shared(const wasm_memory_inst_t memory_inst);
WASM_RUNTIME_API_EXTERN void* wasm_memory_get_base_address(const wasm_memory_inst_t memory_inst);
WASM_RUNTIME_API_EXTERN bool wasm_memory_enlarge(wasm_memory_inst_t memory_inst, uint64_t inc_page_count);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_enlarge_memory(wasm_module_inst_t module_inst, uint64_t inc_page_count);

/* -- Globals, tables, references ---------------------------------------------------------------------------------- */

typedef struct wasm_global_inst_t {
  wasm_valkind_t kind;
  bool is_mutable;
  void* global_data; /* where the value is, of the thread that instantiated; good as long as the instance */
} wasm_global_inst_t;

typedef struct wasm_table_inst_t {
  wasm_valkind_t elem_kind;
  uint32_t cur_size;
  uint32_t max_size;
  void* elems; /* the runtime's */
} wasm_table_inst_t;

WASM_RUNTIME_API_EXTERN bool wasm_runtime_get_export_global_inst(const wasm_module_inst_t module_inst, const char* name,
                                                                 wasm_global_inst_t* global_inst);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_get_export_table_inst(const wasm_module_inst_t module_inst, const char* name,
                                                                wasm_table_inst_t* table_inst);
/* Null where the table has no function. Calls through it fail once the table has another one there. */
WASM_RUNTIME_API_EXTERN wasm_function_inst_t wasm_table_get_func_inst(const wasm_module_inst_t module_inst,
                                                                      const wasm_table_inst_t* table_inst,
                                                                      uint32_t idx);

/* Numbers for objects of the host's. An object is forgotten, and `extern_obj_cleanup` called with it, by objdel and
 * when its instance goes; that is put off for those that are retained until the runtime is destroyed. */
WASM_RUNTIME_API_EXTERN bool wasm_externref_obj2ref(wasm_module_inst_t module_inst, void* extern_obj,
                                                    uint32_t* p_externref_idx);
WASM_RUNTIME_API_EXTERN bool wasm_externref_objdel(wasm_module_inst_t module_inst, void* extern_obj);
WASM_RUNTIME_API_EXTERN bool wasm_externref_set_cleanup(wasm_module_inst_t module_inst, void* extern_obj,
                                                        void (*extern_obj_cleanup)(void*));
WASM_RUNTIME_API_EXTERN bool wasm_externref_ref2obj(uint32_t externref_idx, void** p_extern_obj);
WASM_RUNTIME_API_EXTERN bool wasm_externref_retain(uint32_t externref_idx);

/* -- Natives ------------------------------------------------------------------------------------------------------ */

/* Functions of the host's that guests import from `module_name`. Modules that are instantiated from now on see them;
 * of two with one name the one that was registered last. They stand before WASI's own.
 *
 * The array stays the host's and is not copied: it must live, unchanged, until it is unregistered or the runtime is
 * destroyed. Functions and attachments must live as long as the instances that import them.
 *
 * A signature has one letter for each parameter, and one for the result behind the brackets:
 *   i I f F   i32, i64, f32, f64: as int32_t, int64_t, float, double
 *   r         externref: as the host's object, uintptr_t
 *   *         i32, an address: as a pointer into the guest's memory; one byte there is checked, or, when
 *   ~         follows, so many bytes: i32, as uint32_t
 *   $         i32, the address of a string: as a char *; that it ends in memory is checked
 * An address that is not in memory traps with "out of bounds memory access", and the function is not called. Results
 * after the first are left through pointers, which follow the parameters. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_register_natives(const char* module_name, NativeSymbol* native_symbols,
                                                           uint32_t n_native_symbols);
/* Functions void (*)(wasm_exec_env_t, uint64_t *args): the result goes to args[0]. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_register_natives_raw(const char* module_name, NativeSymbol* native_symbols,
                                                               uint32_t n_native_symbols);
/* By the same name and the same array. Instances that are there keep the functions. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_unregister_natives(const char* module_name, NativeSymbol* native_symbols);
/* Whether a native or WASI has the function. Natives cannot be globals: false. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_import_func_linked(const char* module_name, const char* func_name);
WASM_RUNTIME_API_EXTERN bool wasm_runtime_is_import_global_linked(const char* module_name, const char* global_name);

/* For natives, with variables `module_inst` and `exec_env` in scope. */
#define get_module_inst(exec_env) wasm_runtime_get_module_inst(exec_env)
#define validate_app_addr(offset, size) wasm_runtime_validate_app_addr(module_inst, offset, size)
#define validate_app_str_addr(offset) wasm_runtime_validate_app_str_addr(module_inst, offset)
#define addr_app_to_native(offset) wasm_runtime_addr_app_to_native(module_inst, offset)
#define addr_native_to_app(ptr) wasm_runtime_addr_native_to_app(module_inst, ptr)
#define module_malloc(size, p_native_addr) wasm_runtime_module_malloc(module_inst, size, p_native_addr)
#define module_free(offset) wasm_runtime_module_free(module_inst, offset)
/* For raw ones. */
#define native_raw_return_type(type, args) type* raw_ret = (type*)(args)
#define native_raw_get_arg(type, name, args) type name = *((type*)(args++))
#define native_raw_set_return(val) *raw_ret = (val)

/* -- Dynamic linking: Tenon's own --------------------------------------------------------------------------------- */

/* A module with a dylink.0 section is linked with the libraries that it needs when it is instantiated, and it may open
 * more while it runs (<dlfcn.h>). These functions say where libraries come from and how they are linked, and do for the
 * host what <dlfcn.h> does for the guest. docs/linking.md tells the whole of it.
 *
 * Settings are the runtime's: they hold for instances that are made afterwards, are forgotten when the runtime is
 * destroyed, and may be changed by any thread in between. */

/* Libraries from the host: asked for names without a slash that no registered module has. As with
 * wasm_runtime_set_module_reader, false means "not mine": then directories are searched; and a buffer is copied and
 * then given to the destroyer, which may be null. A null reader removes it. The reader is called by the thread that
 * links or opens, and must not call into the instance. */
WASM_RUNTIME_API_EXTERN void wasm_runtime_dl_set_module_reader(const module_reader reader,
                                                               const module_destroyer destroyer);

/* Directories of the host's for names without a slash, in order; copied. Replaces those that were set before. False
 * for a null among them. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_set_search_path(const char* const directories[], uint32_t count);

/* Makes a loaded library known by a name, before everything else. It may be unloaded then: the runtime keeps what it
 * needs. False, with a text, for a module that is no library (no dylink.0 section) or a name that is taken. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_register_module(const char* name, wasm_module_t module, char* error_buf,
                                                             uint32_t error_buf_size);

/* When functions are bound, and libraries instantiated. */
typedef enum wasm_dl_load_policy_t {
  WASM_DL_LOAD_LAZY,        /* at first use, as far as nobody can tell; the default */
  WASM_DL_LOAD_EAGER,       /* functions when they are loaded: what is missing is an error then */
  WASM_DL_LOAD_PRELOAD_ALL, /* the same, and no library is put off; new threads get their instances when they start */
} wasm_dl_load_policy_t;
/* False for what is no policy. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_set_load_policy(wasm_dl_load_policy_t policy);

/* Where the data of libraries goes that are opened later, and of all libraries of a main module at fixed addresses. */
typedef enum wasm_dl_placement_t {
  WASM_DL_PLACE_AUTOMATIC, /* the first of these that can; the default */
  WASM_DL_PLACE_RESERVE,   /* what was left free for it between the program's data and its heap */
  WASM_DL_PLACE_HEAP,      /* the guest's own allocator */
  WASM_DL_PLACE_STACK,     /* the low end of the main module's stack */
  WASM_DL_PLACE_GROW,      /* new pages at the memory's end */
} wasm_dl_placement_t;
/* `reserve`: bytes to leave free for it, in a program that can be placed. False for what is no placement. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_set_placement(wasm_dl_placement_t placement, uint64_t reserve);

/* Told after a library has been loaded into an instance, and after one was unloaded. `name` is the one it was asked for
 * by, `path` that of its file, "" without one; both are good during the call. Called by the thread that loads or
 * closes, also while wasm_runtime_instantiate runs; must not call into the instance. Null for none. */
typedef void (*wasm_dl_library_callback)(wasm_module_inst_t module_inst, const char* name, const char* path,
                                         void* user_data);
WASM_RUNTIME_API_EXTERN void wasm_runtime_dl_set_callbacks(wasm_dl_library_callback on_load,
                                                           wasm_dl_library_callback on_unload, void* user_data);

/* A library that is open in an instance. */
typedef struct WASMDlLibrary* wasm_dl_handle_t;

/* Flags of wasm_runtime_dl_open: those of dlopen on Linux, with their values. */
#define WASM_DL_LAZY 0x1
#define WASM_DL_NOW 0x2
#define WASM_DL_NOLOAD 0x4
#define WASM_DL_DEEPBIND 0x8
#define WASM_DL_GLOBAL 0x100
#define WASM_DL_LOCAL 0
#define WASM_DL_NODELETE 0x1000

/* dlopen: finds, links and constructs a library and what it needs, unless it is there. A name with a slash is a path of
 * the host's; null means the program itself. The handle is the instance's: it is good until it has been closed as often
 * as it was opened. Null: see wasm_runtime_dl_error. Also in natives. Flags may be 0, which is LAZY and LOCAL. */
WASM_RUNTIME_API_EXTERN wasm_dl_handle_t wasm_runtime_dl_open(wasm_module_inst_t module_inst, const char* name,
                                                              uint32_t flags);

/* What a name means. */
typedef struct wasm_dl_symbol_t {
  wasm_import_export_kind_t kind; /* FUNC, or GLOBAL for data */
  uint32_t address;               /* as the guest has it: a function pointer, or the address of data in its memory */
  wasm_function_inst_t function;  /* of a function: for wasm_runtime_call_wasm; belongs to the instance. A call fails
                                     once the library is closed */
} wasm_dl_symbol_t;

/* dlsym: looks a name up in a library and what it needs; for the program's handle in the global scope. False: see
 * wasm_runtime_dl_error. */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_sym(wasm_module_inst_t module_inst, wasm_dl_handle_t library,
                                                 const char* name, wasm_dl_symbol_t* symbol);

/* dlclose. Unloads it, after its destructors, when nothing else needs it. False for a handle that is not open, and when
 * a destructor trapped (it is closed all the same). */
WASM_RUNTIME_API_EXTERN bool wasm_runtime_dl_close(wasm_module_inst_t module_inst, wasm_dl_handle_t library);

/* dlerror: why the last of these three failed in the calling thread, in any instance; null when it did not, and when
 * that was told already. The text is the runtime's, and good until the thread's next call of one of the four. */
WASM_RUNTIME_API_EXTERN const char* wasm_runtime_dl_error(wasm_module_inst_t module_inst);

#ifdef __cplusplus
}
#endif

#endif
