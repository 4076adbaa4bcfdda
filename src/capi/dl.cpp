// Dynamic linking for hosts: where libraries come from, and dlopen.
#include <algorithm>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

// What wasm_runtime_dl_error tells, and what it has told.
thread_local std::string last_error;
thread_local std::string told_error;

/// Notes why a call failed.
template <class Failed>
Failed fail_with(Failed failed, std::string message) {
  last_error = std::move(message);
  return failed;
}

/// Changes a setting of the runtime's. False when there is no runtime.
template <class Change>
bool change(Change&& apply) {
  const auto runtime = Runtime::current();
  if (runtime == nullptr) {
    return false;
  }
  const std::scoped_lock lock(runtime->mutex);
  return apply(runtime->linking);
}

constexpr uint32_t kKnownFlags =
    WASM_DL_LAZY | WASM_DL_NOW | WASM_DL_NOLOAD | WASM_DL_DEEPBIND | WASM_DL_GLOBAL | WASM_DL_NODELETE;

link::OpenFlags to_flags(uint32_t flags) {
  return {.now = (flags & WASM_DL_NOW) != 0,
          .global = (flags & WASM_DL_GLOBAL) != 0,
          .only_if_loaded = (flags & WASM_DL_NOLOAD) != 0,
          .keep = (flags & WASM_DL_NODELETE) != 0,
          .own_first = (flags & WASM_DL_DEEPBIND) != 0};
}

WASMDlLibrary* handle_of(WASMModuleInstanceCommon& instance, link::Dso& dso) {
  const std::scoped_lock lock(instance.mutex);
  auto& handle = instance.libraries[&dso];
  if (handle == nullptr) {
    handle = std::make_unique<WASMDlLibrary>(WASMDlLibrary{.dso = &dso, .count = 0});
  }
  ++handle->count;
  return handle.get();
}

/// The DSO of a handle that is open; null when it is not.
link::Dso* find(WASMModuleInstanceCommon& instance, const WASMDlLibrary* library) {
  const std::scoped_lock lock(instance.mutex);
  const auto known =
      std::ranges::find(instance.libraries, library, [](const auto& entry) { return entry.second.get(); });
  return known == instance.libraries.end() ? nullptr : known->second->dso;
}

/// Takes one opening of a handle back: its DSO, null when it is not open.
link::Dso* give_back(WASMModuleInstanceCommon& instance, const WASMDlLibrary* library) {
  const std::scoped_lock lock(instance.mutex);
  const auto known =
      std::ranges::find(instance.libraries, library, [](const auto& entry) { return entry.second.get(); });
  if (known == instance.libraries.end()) {
    return nullptr;
  }
  link::Dso* const dso = known->second->dso;
  if (--known->second->count == 0) {
    instance.libraries.erase(known);
  }
  return dso;
}

}  // namespace

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

void wasm_runtime_dl_set_module_reader(const module_reader reader, const module_destroyer destroyer) {
  (void)change([&](LinkSettings& linking) {
    linking.reader = reader;
    linking.destroyer = destroyer;
    return true;
  });
}

bool wasm_runtime_dl_set_search_path(const char* const directories[], uint32_t count) {
  std::vector<std::string> path;
  for (uint32_t i = 0; i < count; ++i) {
    if (directories == nullptr || directories[i] == nullptr) {
      return false;
    }
    path.emplace_back(directories[i]);
  }
  return change([&](LinkSettings& linking) {
    linking.search_path = std::move(path);
    return true;
  });
}

bool wasm_runtime_dl_register_module(const char* name, wasm_module_t module, char* error_buf, uint32_t error_buf_size) {
  const auto refuse = [&](const std::string& why) {
    set_error(error_buf, error_buf_size, "cannot register a library: " + why);
    return false;
  };
  if (name == nullptr || module == nullptr) {
    return refuse("there is no name, or no module");
  }
  if (!module->shared->is_dynamic()) {
    return refuse(fmt::format("{} has no dylink.0 section: build it with -shared -fPIC", name));
  }
  bool has_runtime = false;
  const bool is_registered = change([&](LinkSettings& linking) {
    has_runtime = true;
    const auto [known, is_new] = linking.modules.try_emplace(name, module->shared);
    return is_new || known->second == module->shared;
  });
  if (!is_registered) {
    return refuse(has_runtime ? fmt::format("another one is registered as {}", name) : "there is no runtime");
  }
  return true;
}

bool wasm_runtime_dl_set_load_policy(wasm_dl_load_policy_t policy) {
  return to_number(policy) <= WASM_DL_LOAD_PRELOAD_ALL && change([&](LinkSettings& linking) {
           linking.policy = policy;
           return true;
         });
}

bool wasm_runtime_dl_set_placement(wasm_dl_placement_t placement, uint64_t reserve) {
  return to_number(placement) <= WASM_DL_PLACE_GROW && change([&](LinkSettings& linking) {
           linking.placement = placement;
           linking.reserve = reserve;
           return true;
         });
}

void wasm_runtime_dl_set_callbacks(wasm_dl_library_callback on_load, wasm_dl_library_callback on_unload,
                                   void* user_data) {
  (void)change([&](LinkSettings& linking) {
    linking.on_load = on_load;
    linking.on_unload = on_unload;
    linking.user_data = user_data;
    return true;
  });
}

wasm_dl_handle_t wasm_runtime_dl_open(wasm_module_inst_t module_inst, const char* name, uint32_t flags) {
  last_error.clear();
  if (module_inst == nullptr || (flags & ~kKnownFlags) != 0) {
    return fail_with(nullptr, module_inst == nullptr ? "there is no instance" : "there are no such flags");
  }
  if (name == nullptr) {
    return handle_of(*module_inst, *module_inst->main());
  }
  const ActiveCall active(module_inst->singleton);
  const auto opened = module_inst->program->open(name, to_flags(flags));
  if (!opened) {
    return fail_with(nullptr, opened.error().message);
  }
  return handle_of(*module_inst, **opened);
}

bool wasm_runtime_dl_sym(wasm_module_inst_t module_inst, wasm_dl_handle_t library, const char* name,
                         wasm_dl_symbol_t* symbol) {
  last_error.clear();
  if (module_inst == nullptr || name == nullptr || symbol == nullptr) {
    return fail_with(false, "there is no instance, no name, or no room for the symbol");
  }
  tenon::link::Dso* const dso = find(*module_inst, library);
  if (dso == nullptr) {
    return fail_with(false, "the library is not open");
  }
  const auto found = module_inst->program->symbol(*dso, name);
  if (!found) {
    return fail_with(false, found.error().message);
  }
  *symbol = {.kind = found->is_function ? WASM_IMPORT_EXPORT_KIND_FUNC : WASM_IMPORT_EXPORT_KIND_GLOBAL,
             .address = found->address,
             .function = found->is_function ? slot_function(*module_inst, *found) : nullptr};
  return true;
}

bool wasm_runtime_dl_close(wasm_module_inst_t module_inst, wasm_dl_handle_t library) {
  last_error.clear();
  if (module_inst == nullptr) {
    return fail_with(false, "there is no instance");
  }
  tenon::link::Dso* const dso = give_back(*module_inst, library);
  if (dso == nullptr) {
    return fail_with(false, "the library is not open");
  }
  if (dso == module_inst->main()) {
    return true;
  }
  const ActiveCall active(module_inst->singleton);
  const auto closed = module_inst->program->close(*dso);
  return closed ? true : fail_with(false, closed.error().message);
}

const char* wasm_runtime_dl_error(wasm_module_inst_t /*module_inst*/) {
  told_error = std::exchange(last_error, {});
  return told_error.empty() ? nullptr : told_error.c_str();
}

}  // extern "C"
