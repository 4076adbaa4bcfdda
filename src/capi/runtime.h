// What the C interface has once per process: whether it is initialised and with what, and the handles that it has given
// out.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "capi/range_heap.h"
#include "link/engine.h"
#include "link/options.h"
#include "wasm_export.h"

namespace tenon::capi {

/// Where wasm_runtime_malloc has its memory from.
struct Allocator {
  mem_alloc_type_t type = Alloc_With_System_Allocator;
  MemAllocOption option{};
  std::optional<RangeHeap> pool;
};

/// Natives that were registered together.
struct NativeModule {
  std::string name;
  NativeSymbol* symbols;
  uint32_t count;
  bool is_raw;
};

/// A native that was found.
struct FoundNative {
  NativeSymbol symbol;
  bool is_raw;
};

/// What instances are linked with.
struct LinkSettings {
  module_reader reader = nullptr;
  module_destroyer destroyer = nullptr;
  std::vector<std::string> search_path;
  std::map<std::string, std::shared_ptr<link::SharedModule>, std::less<>> modules;
  wasm_dl_load_policy_t policy = WASM_DL_LOAD_LAZY;
  wasm_dl_placement_t placement = WASM_DL_PLACE_AUTOMATIC;
  uint64_t reserve = 0;
  wasm_dl_library_callback on_load = nullptr;
  wasm_dl_library_callback on_unload = nullptr;
  void* user_data = nullptr;
};

/// From wasm_runtime_init to the last wasm_runtime_destroy; longer for instances and modules that are left.
struct Runtime {
  /// Null when none is initialised. Thread-safe.
  [[nodiscard]] static std::shared_ptr<Runtime> current();

  link::Engine engine;

  std::mutex mutex;  ///< guards all below; no other lock is taken under it
  Allocator allocator;
  std::vector<NativeModule> natives;  ///< the last one counts
  uint32_t maximum_threads = link::ProgramOptions{}.maximum_threads;
  RunningMode default_mode = Mode_Interp;
  module_reader reader = nullptr;
  module_destroyer destroyer = nullptr;
  std::map<std::string, std::shared_ptr<WASMModuleCommon>, std::less<>> modules;  ///< registered ones
  LinkSettings linking;

  /// The native that `name` of `module` means: as WAMR does, one without a leading underscore stands for one with.
  [[nodiscard]] std::optional<FoundNative> find_native(std::string_view module, std::string_view name);
  [[nodiscard]] bool has_natives(std::string_view module);
  /// False for what register_natives may not be given.
  [[nodiscard]] bool add_natives(const char* module, NativeSymbol* symbols, uint32_t count, bool is_raw);
};

/// Handles that were given out and not yet back: what keeps them alive, and tells those that were given back already.
/// Thread-safe.
template <class Handle>
class Handles {
 public:
  Handle* add(std::shared_ptr<Handle> handle) {
    const std::scoped_lock lock(mutex_);
    Handle* const pointer = handle.get();
    handles_.emplace(pointer, std::move(handle));
    return pointer;
  }
  /// Null for what is no handle.
  std::shared_ptr<Handle> take(Handle* handle) {
    const std::scoped_lock lock(mutex_);
    auto found = handles_.extract(handle);
    return found.empty() ? nullptr : std::move(found.mapped());
  }
  /// Takes all that `chosen` is true for.
  template <class Chosen>
  void erase_if(Chosen chosen) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(handles_, [&](const auto& entry) { return chosen(*entry.second); });
  }

 private:
  std::mutex mutex_;  ///< no other lock is taken under it
  std::unordered_map<Handle*, std::shared_ptr<Handle>> handles_;
};

[[nodiscard]] Handles<WASMModuleCommon>& module_handles();
[[nodiscard]] Handles<WASMModuleInstanceCommon>& instance_handles();
[[nodiscard]] Handles<WASMExecEnv>& exec_env_handles();

/// An enumerator as a host passed it: from C it may be any number, which no C++ enumeration may hold.
template <class Enumeration>
[[nodiscard]] unsigned to_number(const Enumeration& value) {
  static_assert(std::is_enum_v<Enumeration> && sizeof(Enumeration) == sizeof(unsigned));
  unsigned number = 0;
  std::memcpy(&number, &value, sizeof(number));
  return number;
}

/// Writes `text` to a caller's buffer, cut to its size.
void set_error(char* buffer, uint32_t size, std::string_view text);

[[nodiscard]] bool wants_log(log_level_t level);
void write_log(log_level_t level, const std::string& text);
template <class... Args>
void log(log_level_t level, fmt::format_string<Args...> format, Args&&... args) {
  if (wants_log(level)) {
    write_log(level, fmt::format(format, std::forward<Args>(args)...));
  }
}

}  // namespace tenon::capi
