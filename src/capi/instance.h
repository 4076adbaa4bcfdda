// wasm_module_inst_t, and what belongs to one: functions, memories, natives bound to it, its exception.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "capi/module.h"
#include "link/namespace.h"
#include "link/program.h"

namespace tenon::capi {

/// A native as an instance imports it: the environment of the host function that stands for it.
struct NativeBinding {
  enum class Parameter : uint8_t { plain, pointer, pointer_with_length, string };

  WASMModuleInstanceCommon* instance;
  std::string module;
  std::string name;
  const void* function = nullptr;  ///< null: nobody has it, and a call of it traps
  void* attachment = nullptr;
  bool is_raw = false;
  wasm::FunctionType type = {};
  std::vector<Parameter> parameters = {};
};

/// wasm_function_inst_t.
struct Function {
  WASMModuleInstanceCommon* instance;
  wasm::FunctionType type;
  /// One of: function `index` of `dso`, which is never unloaded; what stands in slot `index` of the function table; or
  /// at `index` of `table`, while that is `reference`.
  enum class Kind : uint8_t { defined, slot, element } kind;
  link::Dso* dso = nullptr;
  uint32_t index = 0;
  runtime::Table* table = nullptr;
  const abi::FunctionDescriptor* reference = nullptr;
};

/// An instance's exception: its text, which does not move, so that hosts may look at it while others set it.
class ExceptionText {
 public:
  [[nodiscard]] bool is_set() const { return is_set_.load(std::memory_order_acquire); }
  /// Null when there is none.
  [[nodiscard]] const char* get() const { return is_set() ? text_.data() : nullptr; }
  /// `text` without "Exception: ".
  void set(std::string_view text);
  void clear() { is_set_.store(false, std::memory_order_release); }

 private:
  std::mutex mutex_;
  std::atomic<bool> is_set_{false};
  std::array<char, 1024> text_{};
};

}  // namespace tenon::capi

/// A memory of an instance.
struct WASMMemoryInstance {
  tenon::runtime::Memory* memory;
};

/// A library that is open in an instance.
struct WASMDlLibrary {
  tenon::link::Dso* dso;
  uint64_t count;  ///< times that it was opened
};

/// wasm_exec_env_t.
struct WASMExecEnv {
  WASMModuleInstanceCommon* instance;
  void* user_data = nullptr;
  void* attachment = nullptr;  ///< of the native that runs
  bool is_spawned = false;
  tenon::runtime::Trap last_trap = {};
  std::vector<tenon::runtime::BacktraceFrame> copied = {};  ///< what wasm_copy_callstack's names lie in
};

struct WASMModuleInstanceCommon : std::enable_shared_from_this<WASMModuleInstanceCommon> {
  uint64_t id = 0;  ///< no other instance of the process ever has it
  std::shared_ptr<tenon::capi::Runtime> runtime;
  std::shared_ptr<WASMModuleCommon> module;
  tenon::capi::LinkSettings linking;  ///< of the time it was made
  RunningMode mode = Mode_Interp;
  uint32_t heap_size = 0;
  std::unique_ptr<tenon::wasi::Wasi> wasi;

  tenon::capi::ExceptionText exception;
  std::atomic<bool> is_terminated{false};
  std::atomic<bool> has_ended{false};          ///< the guest asked to end, and cannot be called again
  std::atomic<uint32_t> calls_in_progress{0};  ///< of threads of the host's
  std::atomic<uint32_t> exit_code{0};
  std::atomic<void*> custom_data{nullptr};
  WASMExecEnv singleton{.instance = this};

  std::mutex mutex;  ///< guards the rest but `program`; only that of a memory that grows is taken under it
  std::map<void*, void*> contexts;
  std::deque<tenon::capi::NativeBinding> natives;
  std::deque<tenon::capi::Function> functions;
  std::map<std::pair<const tenon::link::Dso*, uint32_t>, tenon::capi::Function*> defined_functions;
  std::map<uint32_t, tenon::capi::Function*> slot_functions;
  std::map<std::tuple<const tenon::runtime::Table*, uint32_t, const void*>, tenon::capi::Function*> element_functions;
  std::map<const tenon::runtime::Memory*, std::unique_ptr<WASMMemoryInstance>> memories;
  std::map<std::string, tenon::link::Dso*, std::less<>> submodules;
  std::map<const tenon::link::Dso*, std::unique_ptr<WASMDlLibrary>> libraries;
  std::set<std::string> told_libraries;  ///< that on_load was called for
  std::optional<tenon::capi::RangeHeap> heap;
  bool heap_was_tried = false;

  /// Last: it goes first, while its natives can still be called.
  std::unique_ptr<tenon::link::Program> program;

  [[nodiscard]] tenon::link::Dso* main() const { return program->main(); }
  [[nodiscard]] tenon::capi::Function* function(tenon::link::Dso& dso, uint32_t index);
  /// Memory 0 of the module; null without one.
  [[nodiscard]] tenon::runtime::Memory* default_memory() const;
  /// [address, address + length) of it; null when that is not all in it.
  [[nodiscard]] uint8_t* memory(uint64_t address, uint64_t length) const;
  [[nodiscard]] WASMMemoryInstance* handle_of(tenon::runtime::Memory* memory);
  /// Table `index` of the module, of its first thread; null when there is none.
  [[nodiscard]] tenon::runtime::Table* table(uint32_t index) const;
  /// Told by the linker.
  void tell(const tenon::link::LibraryEvent& event);
};

namespace tenon::capi {

/// While one of these lives, the calling thread is in an instance with an exec env.
class ActiveCall {
 public:
  explicit ActiveCall(WASMExecEnv& env);
  ~ActiveCall();
  ActiveCall(const ActiveCall&) = delete;
  ActiveCall& operator=(const ActiveCall&) = delete;

  /// The calling thread's exec env in `instance`: that of its innermost call. A thread that the guest made has one of
  /// its own.
  [[nodiscard]] static WASMExecEnv& env_of(WASMModuleInstanceCommon& instance);
  /// Null when the thread is not in the instance.
  [[nodiscard]] static WASMExecEnv* find(const WASMModuleInstanceCommon& instance);

 private:
  WASMExecEnv& env_;
  WASMModuleInstanceCommon& instance_;
  ActiveCall* outer_;
};

/// Calls a function. False: the instance has an exception. A guest that asks to end has returned; `results` are empty.
[[nodiscard]] bool call(WASMExecEnv& env, const Function& function, std::span<const abi::Cell> arguments,
                        std::vector<abi::Cell>& results);

/// A funcref as WAMR's hosts have it: the index of the function in the module, UINT32_MAX for null and for functions
/// that the module does not know.
[[nodiscard]] uint32_t function_index(const WASMModuleInstanceCommon& instance,
                                      const abi::FunctionDescriptor* function);
[[nodiscard]] const abi::FunctionDescriptor* function_at(const WASMModuleInstanceCommon& instance, uint32_t index);

/// What the linker asks for natives, and for functions that nobody has.
[[nodiscard]] std::optional<link::ResolvedHostFunction> resolve_native(WASMModuleInstanceCommon& instance,
                                                                       std::string_view module, std::string_view name,
                                                                       const wasm::FunctionType* type);

/// The text that WAMR has for a trap.
[[nodiscard]] std::string exception_text(const runtime::Trap& trap);

/// The calling thread leaves all instances that it called into.
void leave_instances();
/// Externref numbers of an instance that goes, and all that are left.
void forget_extern_objects(const WASMModuleInstanceCommon& instance);
void forget_extern_objects();
/// Instances' contexts.
void destroy_contexts(WASMModuleInstanceCommon& instance);

/// The function that a symbol is.
[[nodiscard]] Function* slot_function(WASMModuleInstanceCommon& instance, const link::Program::Symbol& symbol);
/// A function of the module by its name; null when it exports none.
[[nodiscard]] Function* exported_function(WASMModuleInstanceCommon& instance, std::string_view name);

}  // namespace tenon::capi
