// The guest's memory, for hosts: addresses, allocation, memories.
#include <algorithm>
#include <cstring>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

constexpr const char* kOutOfBounds = "out of bounds memory access";

/// The guest's own allocator.
struct GuestAllocator {
  const Function* malloc = nullptr;
  const Function* free = nullptr;
  explicit operator bool() const { return malloc != nullptr && free != nullptr; }
};

/// `name` when it is a function of `type`: of the module, else of the libraries that it is linked with.
const Function* find_function(WASMModuleInstanceCommon& instance, const char* name, const wasm::FunctionType& type) {
  const Function* function = exported_function(instance, name);
  if (function == nullptr && instance.module->shared->is_dynamic()) {
    const auto symbol = instance.program->symbol(*instance.main(), name);
    if (symbol && symbol->is_function) {
      function = slot_function(instance, *symbol);
    }
  }
  return function != nullptr && function->type == type ? function : nullptr;
}

GuestAllocator guest_allocator(WASMModuleInstanceCommon& instance) {
  using wasm::ValueType;
  return {.malloc = find_function(instance, "malloc", {{ValueType::i32}, {ValueType::i32}}),
          .free = find_function(instance, "free", {{ValueType::i32}, {}})};
}

/// Calls a function of the allocator's: the first result. Nothing with an exception.
std::optional<uint32_t> call_allocator(WASMModuleInstanceCommon& instance, const Function& function,
                                       uint32_t argument) {
  const abi::Cell cell{.u64 = argument};
  std::vector<abi::Cell> results;
  WASMExecEnv* const active = ActiveCall::find(instance);
  if (!call(active == nullptr ? instance.singleton : *active, function, {&cell, 1}, results)) {
    return std::nullopt;
  }
  return results.empty() ? 0 : results.front().u32;
}

/// A block of the heap that the host asked for; 0 when there is none.
uint64_t allocate_in_heap(WASMModuleInstanceCommon& instance, uint64_t size) {
  runtime::Memory* const memory = instance.default_memory();
  const std::scoped_lock lock(instance.mutex);
  if (!instance.heap_was_tried && memory != nullptr && instance.heap_size != 0) {
    instance.heap_was_tried = true;
    const uint64_t pages = (uint64_t{instance.heap_size} + wasm::kPageSize - 1) / wasm::kPageSize;
    if (const int64_t before = memory->grow(pages); before >= 0) {
      instance.heap.emplace(static_cast<uint64_t>(before) * wasm::kPageSize, instance.heap_size);
    }
  }
  return instance.heap ? instance.heap->allocate(size).value_or(0) : 0;
}

uint64_t allocate(WASMModuleInstanceCommon& instance, uint64_t size) {
  if (size > UINT32_MAX) {
    return 0;
  }
  if (const GuestAllocator allocator = guest_allocator(instance)) {
    return call_allocator(instance, *allocator.malloc, static_cast<uint32_t>(size)).value_or(0);
  }
  return allocate_in_heap(instance, size);
}

/// Sets the exception of who asked for an address that is not in memory.
template <class Address>
bool check(WASMModuleInstanceCommon& instance, Address* address) {
  if (address == nullptr) {
    instance.exception.set(kOutOfBounds);
  }
  return address != nullptr;
}

/// Where in memory `native` lies; nothing when it does not.
std::optional<uint64_t> address_of(const WASMModuleInstanceCommon& instance, const void* native, uint64_t length) {
  const runtime::Memory* const memory = instance.default_memory();
  if (memory == nullptr) {
    return std::nullopt;
  }
  const auto base = reinterpret_cast<uintptr_t>(memory->base);
  const auto address = reinterpret_cast<uintptr_t>(native);
  return address < base || instance.memory(address - base, length) == nullptr ? std::nullopt
                                                                              : std::optional(address - base);
}

bool enlarge(runtime::Memory* memory, uint64_t pages) {
  return memory != nullptr && memory->grow(pages) >= 0;
}

}  // namespace

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

uint64_t wasm_runtime_module_malloc(wasm_module_inst_t module_inst, uint64_t size, void** p_native_addr) {
  uint64_t address = 0;
  uint8_t* native = nullptr;
  if (module_inst != nullptr) {
    address = allocate(*module_inst, size);
    // sandbox: what the guest's allocator says is checked like any other number of the guest's.
    native = address == 0 ? nullptr : module_inst->memory(address, size);
    if (address != 0 && !check(*module_inst, native)) {
      address = 0;
    }
  }
  if (p_native_addr != nullptr) {
    *p_native_addr = native;
  }
  return address;
}

void wasm_runtime_module_free(wasm_module_inst_t module_inst, uint64_t ptr) {
  if (module_inst == nullptr || ptr == 0 || ptr > UINT32_MAX) {
    return;
  }
  {
    const std::scoped_lock lock(module_inst->mutex);
    if (module_inst->heap) {
      module_inst->heap->free(ptr);
      return;
    }
  }
  if (const GuestAllocator allocator = guest_allocator(*module_inst)) {
    (void)call_allocator(*module_inst, *allocator.free, static_cast<uint32_t>(ptr));
  }
}

uint64_t wasm_runtime_module_dup_data(wasm_module_inst_t module_inst, const char* src, uint64_t size) {
  if (src == nullptr) {
    return 0;
  }
  void* native = nullptr;
  const uint64_t address = wasm_runtime_module_malloc(module_inst, size, &native);
  if (address != 0) {
    std::memcpy(native, src, size);
  }
  return address;
}

bool wasm_runtime_validate_app_addr(wasm_module_inst_t module_inst, uint64_t app_offset, uint64_t size) {
  return module_inst != nullptr && check(*module_inst, module_inst->memory(app_offset, size));
}

bool wasm_runtime_validate_app_str_addr(wasm_module_inst_t module_inst, uint64_t app_str_offset) {
  if (module_inst == nullptr) {
    return false;
  }
  const uint8_t* const begin = module_inst->memory(app_str_offset, 1);
  if (begin == nullptr) {
    return check(*module_inst, begin);
  }
  const uint64_t length = module_inst->default_memory()->size.load(std::memory_order_acquire) - app_str_offset;
  return check(*module_inst, std::memchr(begin, 0, length));
}

bool wasm_runtime_validate_native_addr(wasm_module_inst_t module_inst, void* native_ptr, uint64_t size) {
  if (module_inst == nullptr) {
    return false;
  }
  return check(*module_inst, address_of(*module_inst, native_ptr, size) ? native_ptr : nullptr);
}

void* wasm_runtime_addr_app_to_native(wasm_module_inst_t module_inst, uint64_t app_offset) {
  return module_inst == nullptr ? nullptr : module_inst->memory(app_offset, 1);
}

uint64_t wasm_runtime_addr_native_to_app(wasm_module_inst_t module_inst, void* native_ptr) {
  return module_inst == nullptr ? 0 : address_of(*module_inst, native_ptr, 1).value_or(0);
}

bool wasm_runtime_get_app_addr_range(wasm_module_inst_t module_inst, uint64_t app_offset, uint64_t* p_app_start_offset,
                                     uint64_t* p_app_end_offset) {
  if (module_inst == nullptr || module_inst->memory(app_offset, 1) == nullptr) {
    return false;
  }
  if (p_app_start_offset != nullptr) {
    *p_app_start_offset = 0;
  }
  if (p_app_end_offset != nullptr) {
    *p_app_end_offset = module_inst->default_memory()->size.load(std::memory_order_acquire);
  }
  return true;
}

bool wasm_runtime_get_native_addr_range(wasm_module_inst_t module_inst, uint8_t* native_ptr,
                                        uint8_t** p_native_start_addr, uint8_t** p_native_end_addr) {
  if (module_inst == nullptr || !address_of(*module_inst, native_ptr, 1)) {
    return false;
  }
  const tenon::runtime::Memory& memory = *module_inst->default_memory();
  if (p_native_start_addr != nullptr) {
    *p_native_start_addr = memory.base;
  }
  if (p_native_end_addr != nullptr) {
    *p_native_end_addr = memory.base + memory.size.load(std::memory_order_acquire);
  }
  return true;
}

wasm_memory_inst_t wasm_runtime_get_default_memory(const wasm_module_inst_t module_inst) {
  return wasm_runtime_get_memory(module_inst, 0);
}

wasm_memory_inst_t wasm_runtime_get_memory(const wasm_module_inst_t module_inst, uint32_t index) {
  if (module_inst == nullptr || index >= module_inst->main()->memories.size()) {
    return nullptr;
  }
  return module_inst->handle_of(module_inst->main()->memories[index]);
}

wasm_memory_inst_t wasm_runtime_lookup_memory(const wasm_module_inst_t module_inst, const char* name) {
  if (module_inst == nullptr || name == nullptr) {
    return nullptr;
  }
  const tenon::wasm::Export* const symbol = module_inst->main()->module().find_export(std::string_view(name));
  return symbol == nullptr || symbol->kind != tenon::wasm::ExternKind::memory
             ? nullptr
             : wasm_runtime_get_memory(module_inst, symbol->index);
}

uint64_t wasm_memory_get_cur_page_count(const wasm_memory_inst_t memory_inst) {
  return memory_inst == nullptr ? 0 : memory_inst->memory->pages();
}

uint64_t wasm_memory_get_max_page_count(const wasm_memory_inst_t memory_inst) {
  return memory_inst == nullptr ? 0 : memory_inst->memory->maximum_pages();
}

uint64_t wasm_memory_get_bytes_per_page(const wasm_memory_inst_t memory_inst) {
  return memory_inst == nullptr ? 0 : tenon::wasm::kPageSize;
}

bool wasm_memory_get_shared(const wasm_memory_inst_t memory_inst) {
  return memory_inst != nullptr && memory_inst->memory->type().shared;
}

void* wasm_memory_get_base_address(const wasm_memory_inst_t memory_inst) {
  return memory_inst == nullptr ? nullptr : memory_inst->memory->base;
}

bool wasm_memory_enlarge(wasm_memory_inst_t memory_inst, uint64_t inc_page_count) {
  return memory_inst != nullptr && enlarge(memory_inst->memory, inc_page_count);
}

bool wasm_runtime_enlarge_memory(wasm_module_inst_t module_inst, uint64_t inc_page_count) {
  return module_inst != nullptr && enlarge(module_inst->default_memory(), inc_page_count);
}

}  // extern "C"
