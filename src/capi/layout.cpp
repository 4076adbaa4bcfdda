// The layout of the public structs: that of WAMR 2.4's, so that a host compiled against its headers runs unchanged.
#include <cstddef>
#include <type_traits>

#include "wasm_export.h"

static_assert(sizeof(void*) == 8 && sizeof(int) == 4, "the numbers are those of 64-bit hosts");

static_assert(sizeof(NativeSymbol) == 32);
static_assert(offsetof(NativeSymbol, func_ptr) == 8);
static_assert(offsetof(NativeSymbol, signature) == 16);
static_assert(offsetof(NativeSymbol, attachment) == 24);

static_assert(sizeof(mem_alloc_type_t) == 4);
static_assert(sizeof(MemAllocOption) == 32);
static_assert(offsetof(MemAllocOption, pool.heap_size) == 8);
static_assert(offsetof(MemAllocOption, allocator.realloc_func) == 8);
static_assert(offsetof(MemAllocOption, allocator.free_func) == 16);
static_assert(offsetof(MemAllocOption, allocator.user_data) == 24);

static_assert(sizeof(RuntimeInitArgs) == 232);
static_assert(offsetof(RuntimeInitArgs, mem_alloc_option) == 8);
static_assert(offsetof(RuntimeInitArgs, native_module_name) == 40);
static_assert(offsetof(RuntimeInitArgs, native_symbols) == 48);
static_assert(offsetof(RuntimeInitArgs, n_native_symbols) == 56);
static_assert(offsetof(RuntimeInitArgs, max_thread_num) == 60);
static_assert(offsetof(RuntimeInitArgs, ip_addr) == 64);
static_assert(offsetof(RuntimeInitArgs, unused) == 192);
static_assert(offsetof(RuntimeInitArgs, instance_port) == 196);
static_assert(offsetof(RuntimeInitArgs, fast_jit_code_cache_size) == 200);
static_assert(offsetof(RuntimeInitArgs, gc_heap_size) == 204);
static_assert(offsetof(RuntimeInitArgs, running_mode) == 208);
static_assert(offsetof(RuntimeInitArgs, llvm_jit_opt_level) == 212);
static_assert(offsetof(RuntimeInitArgs, llvm_jit_size_level) == 216);
static_assert(offsetof(RuntimeInitArgs, segue_flags) == 220);
static_assert(offsetof(RuntimeInitArgs, enable_linux_perf) == 224);

static_assert(sizeof(mem_alloc_info_t) == 12);
static_assert(offsetof(mem_alloc_info_t, total_free_size) == 4);
static_assert(offsetof(mem_alloc_info_t, highmark_size) == 8);

static_assert(sizeof(LoadArgs) == 16);
static_assert(offsetof(LoadArgs, clone_wasm_binary) == 8);
static_assert(offsetof(LoadArgs, wasm_binary_freeable) == 9);
static_assert(offsetof(LoadArgs, no_resolve) == 10);

static_assert(sizeof(InstantiationArgs) == 12);
static_assert(offsetof(InstantiationArgs, host_managed_heap_size) == 4);
static_assert(offsetof(InstantiationArgs, max_memory_pages) == 8);

static_assert(sizeof(wasm_section_t) == 32);
static_assert(offsetof(wasm_section_t, section_type) == 8);
static_assert(offsetof(wasm_section_t, section_body) == 16);
static_assert(offsetof(wasm_section_t, section_body_size) == 24);

static_assert(sizeof(wasm_import_t) == 32);
static_assert(offsetof(wasm_import_t, name) == 8);
static_assert(offsetof(wasm_import_t, kind) == 16);
static_assert(offsetof(wasm_import_t, linked) == 20);
static_assert(offsetof(wasm_import_t, u) == 24);
static_assert(sizeof(wasm_export_t) == 24);
static_assert(offsetof(wasm_export_t, kind) == 8);
static_assert(offsetof(wasm_export_t, u) == 16);

static_assert(std::is_same_v<wasm_valkind_t, uint8_t>);
static_assert(sizeof(wasm_val_t) == 16);
static_assert(offsetof(wasm_val_t, of) == 8);
static_assert(sizeof(wasm_global_inst_t) == 16);
static_assert(offsetof(wasm_global_inst_t, is_mutable) == 1);
static_assert(offsetof(wasm_global_inst_t, global_data) == 8);
static_assert(sizeof(wasm_table_inst_t) == 24);
static_assert(offsetof(wasm_table_inst_t, cur_size) == 4);
static_assert(offsetof(wasm_table_inst_t, max_size) == 8);
static_assert(offsetof(wasm_table_inst_t, elems) == 16);

static_assert(sizeof(WASMCApiFrame) == 56);
static_assert(offsetof(WASMCApiFrame, module_offset) == 8);
static_assert(offsetof(WASMCApiFrame, func_index) == 12);
static_assert(offsetof(WASMCApiFrame, func_offset) == 16);
static_assert(offsetof(WASMCApiFrame, func_name_wp) == 24);
static_assert(offsetof(WASMCApiFrame, sp) == 32);
static_assert(offsetof(WASMCApiFrame, lp) == 48);

static_assert(WASM_I32 == 0 && WASM_I64 == 1 && WASM_F32 == 2 && WASM_F64 == 3 && WASM_V128 == 4);
static_assert(WASM_EXTERNREF == 128 && WASM_FUNCREF == 129);
static_assert(Alloc_With_Pool == 0 && Alloc_With_Allocator == 1 && Alloc_With_System_Allocator == 2);
static_assert(Mode_Interp == 1 && Mode_Fast_JIT == 2 && Mode_LLVM_JIT == 3 && Mode_Multi_Tier_JIT == 4);
static_assert(Wasm_Module_Bytecode == 0 && Wasm_Module_AoT == 1 && Package_Type_Unknown == 0xFFFF);
static_assert(WASM_IMPORT_EXPORT_KIND_FUNC == 0 && WASM_IMPORT_EXPORT_KIND_TABLE == 1 &&
              WASM_IMPORT_EXPORT_KIND_MEMORY == 2 && WASM_IMPORT_EXPORT_KIND_GLOBAL == 3);
static_assert(WASM_LOG_LEVEL_FATAL == 0 && WASM_LOG_LEVEL_VERBOSE == 4);
