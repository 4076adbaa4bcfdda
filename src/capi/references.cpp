// Globals, tables, and numbers for objects of the host's.
#include <algorithm>
#include <limits>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

constexpr uint32_t kNullReference = UINT32_MAX;

/// An object of the host's that has a number.
struct ExternObject {
  void* object;
  uint64_t instance;  ///< its id
  void (*cleanup)(void*) = nullptr;
  bool is_retained = false;
};

/// Never destroyed, as the instances' handles are not.
struct ExternObjects {
  std::mutex mutex;  ///< guards the rest; no other lock is taken under it
  std::map<uint32_t, ExternObject> by_number;
  uint32_t last = 0;

  static ExternObjects& all() {
    static ExternObjects& the_one = *new ExternObjects;
    return the_one;
  }
  auto find(uint64_t instance, const void* object) {
    return std::ranges::find_if(by_number, [&](const auto& entry) {
      return entry.second.instance == instance && entry.second.object == object;
    });
  }
  /// Takes those that `chosen` is true for, and cleans up.
  template <class Chosen>
  void forget(Chosen chosen) {
    std::vector<ExternObject> gone;
    {
      const std::scoped_lock lock(mutex);
      std::erase_if(by_number, [&](const auto& entry) {
        const bool goes = chosen(entry.second);
        if (goes) {
          gone.push_back(entry.second);
        }
        return goes;
      });
    }
    for (const ExternObject& object : gone) {
      if (object.cleanup != nullptr) {
        object.cleanup(object.object);
      }
    }
  }
};

Function* element_function(WASMModuleInstanceCommon& instance, runtime::Table& table, uint32_t index) {
  const abi::FunctionDescriptor* const reference = table.get(index).function;
  if (reference == nullptr) {
    return nullptr;
  }
  const std::scoped_lock lock(instance.mutex);
  Function*& known = instance.element_functions[{&table, index, reference}];
  if (known == nullptr) {
    known = &instance.functions.emplace_back(Function{.instance = &instance,
                                                      .type = *reference->type,
                                                      .kind = Function::Kind::element,
                                                      .index = index,
                                                      .table = &table,
                                                      .reference = reference});
  }
  return known;
}

}  // namespace

Function* slot_function(WASMModuleInstanceCommon& instance, const link::Program::Symbol& symbol) {
  const std::scoped_lock lock(instance.mutex);
  // A slot is given to another function long after it was taken from one, and that may have another type.
  Function*& known = instance.slot_functions[symbol.address];
  if (known == nullptr || known->type != symbol.type) {
    known = &instance.functions.emplace_back(
        Function{.instance = &instance, .type = symbol.type, .kind = Function::Kind::slot, .index = symbol.address});
  }
  return known;
}

void forget_extern_objects(const WASMModuleInstanceCommon& instance) {
  ExternObjects::all().forget(
      [&](const ExternObject& object) { return object.instance == instance.id && !object.is_retained; });
}

void forget_extern_objects() {
  ExternObjects::all().forget([](const ExternObject&) { return true; });
}

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

bool wasm_runtime_get_export_global_inst(const wasm_module_inst_t module_inst, const char* name,
                                         wasm_global_inst_t* global_inst) {
  if (module_inst == nullptr || name == nullptr || global_inst == nullptr) {
    return false;
  }
  const auto global = module_inst->program->global(*module_inst->main(), name);
  if (!global) {
    return false;
  }
  *global_inst = {
      .kind = to_valkind(global->type.type), .is_mutable = global->type.is_mutable, .global_data = global->cell};
  return true;
}

bool wasm_runtime_get_export_table_inst(const wasm_module_inst_t module_inst, const char* name,
                                        wasm_table_inst_t* table_inst) {
  if (module_inst == nullptr || name == nullptr || table_inst == nullptr) {
    return false;
  }
  const tenon::wasm::Export* const symbol = module_inst->main()->module().find_export(std::string_view(name));
  tenon::runtime::Table* const table =
      symbol == nullptr || symbol->kind != tenon::wasm::ExternKind::table ? nullptr : module_inst->table(symbol->index);
  if (table == nullptr) {
    return false;
  }
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  *table_inst = {.elem_kind = to_valkind(table->type().element),
                 .cur_size = static_cast<uint32_t>(table->size.load(std::memory_order_acquire)),
                 .max_size = static_cast<uint32_t>(std::min(table->type().limits.maximum.value_or(kMost), kMost)),
                 .elems = table};
  return true;
}

wasm_function_inst_t wasm_table_get_func_inst(const wasm_module_inst_t module_inst, const wasm_table_inst_t* table_inst,
                                              uint32_t idx) {
  if (module_inst == nullptr || table_inst == nullptr || table_inst->elems == nullptr) {
    return nullptr;
  }
  auto& table = *static_cast<tenon::runtime::Table*>(table_inst->elems);
  tenon::link::Namespace& state = module_inst->main()->program();
  const auto thread = state.threads.enter(state);
  if (!thread || table.type().element != tenon::wasm::ValueType::funcref ||
      idx >= table.size.load(std::memory_order_acquire)) {
    return nullptr;
  }
  // While the thread is in the program, what it reads is not taken away.
  const tenon::link::Presence presence(state, **thread);
  return element_function(*module_inst, table, idx);
}

bool wasm_externref_obj2ref(wasm_module_inst_t module_inst, void* extern_obj, uint32_t* p_externref_idx) {
  if (module_inst == nullptr || p_externref_idx == nullptr) {
    return false;
  }
  if (extern_obj == nullptr) {
    *p_externref_idx = kNullReference;
    return true;
  }
  ExternObjects& objects = ExternObjects::all();
  const std::scoped_lock lock(objects.mutex);
  if (const auto known = objects.find(module_inst->id, extern_obj); known != objects.by_number.end()) {
    *p_externref_idx = known->first;
    return true;
  }
  do {
    ++objects.last;
  } while (objects.last == 0 || objects.last == kNullReference || objects.by_number.contains(objects.last));
  objects.by_number.emplace(objects.last, ExternObject{.object = extern_obj, .instance = module_inst->id});
  *p_externref_idx = objects.last;
  return true;
}

bool wasm_externref_objdel(wasm_module_inst_t module_inst, void* extern_obj) {
  bool found = false;
  if (module_inst != nullptr) {
    ExternObjects::all().forget([&](const ExternObject& object) {
      const bool is_one = object.instance == module_inst->id && object.object == extern_obj;
      found |= is_one;
      return is_one;
    });
  }
  return found;
}

bool wasm_externref_set_cleanup(wasm_module_inst_t module_inst, void* extern_obj, void (*extern_obj_cleanup)(void*)) {
  if (module_inst == nullptr || extern_obj == nullptr || extern_obj_cleanup == nullptr) {
    return false;
  }
  ExternObjects& objects = ExternObjects::all();
  const std::scoped_lock lock(objects.mutex);
  const auto known = objects.find(module_inst->id, extern_obj);
  if (known == objects.by_number.end()) {
    return false;
  }
  known->second.cleanup = extern_obj_cleanup;
  return true;
}

bool wasm_externref_ref2obj(uint32_t externref_idx, void** p_extern_obj) {
  if (p_extern_obj == nullptr) {
    return false;
  }
  if (externref_idx == kNullReference) {
    *p_extern_obj = nullptr;
    return true;
  }
  ExternObjects& objects = ExternObjects::all();
  const std::scoped_lock lock(objects.mutex);
  const auto known = objects.by_number.find(externref_idx);
  if (known == objects.by_number.end()) {
    return false;
  }
  *p_extern_obj = known->second.object;
  return true;
}

bool wasm_externref_retain(uint32_t externref_idx) {
  ExternObjects& objects = ExternObjects::all();
  const std::scoped_lock lock(objects.mutex);
  const auto known = objects.by_number.find(externref_idx);
  if (known == objects.by_number.end()) {
    return false;
  }
  known->second.is_retained = true;
  return true;
}

}  // extern "C"
