// wasm_module_t.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/runtime.h"
#include "link/shared_module.h"
#include "wasi/wasi.h"

/// Immutable but for what is said to be guarded.
struct WASMModuleCommon : std::enable_shared_from_this<WASMModuleCommon> {
  /// An import or export as the host sees it.
  struct Item {
    std::string module;
    std::string name;
    tenon::wasm::ExternKind kind;
    uint32_t index;  ///< in the index space of its kind
  };

  std::shared_ptr<tenon::capi::Runtime> runtime;
  std::shared_ptr<tenon::link::SharedModule> shared;
  bool imports_wasi = false;
  std::vector<Item> imports;
  std::vector<Item> exports;
  /// Modules that a plain one imports from, by the name it has for them.
  std::vector<std::pair<std::string, std::shared_ptr<WASMModuleCommon>>> dependencies;

  std::mutex mutex;  ///< guards the rest
  std::string name;
  std::string registered_name;
  tenon::wasi::Options wasi;

  [[nodiscard]] const tenon::wasm::Module& module() const { return shared->module(); }
};

namespace tenon::capi {

/// Whether `module` is the name of one of WASI's.
[[nodiscard]] bool is_wasi_module(std::string_view module);
/// Whether WASI has the function.
[[nodiscard]] bool wasi_has(std::string_view module, std::string_view name);

[[nodiscard]] wasm_valkind_t to_valkind(wasm::ValueType type);

/// Bytes that a host's reader gives, copied. Nothing when the reader does not have the module.
[[nodiscard]] std::optional<base::FileBytes> ask_reader(module_reader reader, module_destroyer destroyer,
                                                        const std::string& name);

}  // namespace tenon::capi
