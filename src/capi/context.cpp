// What hosts keep with instances, by key.
#include <algorithm>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

/// What a key points to.
struct ContextKey {
  void (*destructor)(wasm_module_inst_t instance, void* context);
};

/// Never destroyed, as the instances' handles are not.
struct Keys {
  std::mutex mutex;  ///< guards the rest; no other lock is taken under it
  std::vector<std::unique_ptr<ContextKey>> keys;

  static Keys& all() {
    static Keys& the_one = *new Keys;
    return the_one;
  }
  /// A copy of the key; nothing when it was destroyed.
  std::optional<ContextKey> find(const void* key) {
    const std::scoped_lock lock(mutex);
    const auto found = std::ranges::find(keys, key, [](const auto& known) { return known.get(); });
    return found == keys.end() ? std::nullopt : std::optional(**found);
  }
};

}  // namespace

void destroy_contexts(WASMModuleInstanceCommon& instance) {
  std::map<void*, void*> contexts;
  {
    const std::scoped_lock lock(instance.mutex);
    contexts.swap(instance.contexts);
  }
  for (const auto& [key, context] : contexts) {
    if (const auto known = Keys::all().find(key); known && known->destructor != nullptr && context != nullptr) {
      known->destructor(&instance, context);
    }
  }
}

}  // namespace tenon::capi

using tenon::capi::ContextKey;
using tenon::capi::Keys;

extern "C" {

void* wasm_runtime_create_context_key(void (*dtor)(wasm_module_inst_t inst, void* ctx)) {
  if (tenon::capi::Runtime::current() == nullptr) {
    return nullptr;
  }
  const std::scoped_lock lock(Keys::all().mutex);
  return Keys::all().keys.emplace_back(std::make_unique<ContextKey>(ContextKey{dtor})).get();
}

void wasm_runtime_destroy_context_key(void* key) {
  const std::scoped_lock lock(Keys::all().mutex);
  std::erase_if(Keys::all().keys, [&](const auto& known) { return known.get() == key; });
}

void wasm_runtime_set_context(wasm_module_inst_t inst, void* key, void* ctx) {
  if (inst != nullptr && Keys::all().find(key)) {
    const std::scoped_lock lock(inst->mutex);
    inst->contexts[key] = ctx;
  }
}

void wasm_runtime_set_context_spread(wasm_module_inst_t inst, void* key, void* ctx) {
  wasm_runtime_set_context(inst, key, ctx);  // threads share their instance
}

void* wasm_runtime_get_context(wasm_module_inst_t inst, void* key) {
  if (inst == nullptr) {
    return nullptr;
  }
  const std::scoped_lock lock(inst->mutex);
  const auto found = inst->contexts.find(key);
  return found == inst->contexts.end() ? nullptr : found->second;
}

}  // extern "C"
