// A module made ready to run: its code so far, its instances' layout. Shared by all programs of the process that use
// the module, so a function is translated once, and opening a library again costs neither validation nor translation.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "abi/layout.h"
#include "runtime/memory.h"
#include "runtime/native_code.h"
#include "wasm/module.h"

namespace tenon::runtime {

using abi::CodeOptions;
using abi::GlobalAccess;
using abi::InstanceLayout;

/// The T at `offset` bytes into an instance.
template <class T>
[[nodiscard]] T& at(abi::Instance& instance, uint32_t offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<uint8_t*>(&instance) + offset);
}

/// The interpreter's stubs: what a function's Code holds before it was translated, and what an import's holds before it
/// was bound.
struct EntryStubs {
  const abi::Instruction* translate = nullptr;
  const abi::Instruction* bind = nullptr;
  const abi::Instruction* native = nullptr;  ///< of a function that is compiled
};

/// What a room that makes code for functions keeps with an Executable.
class CodeStore {
 public:
  CodeStore() = default;
  CodeStore(const CodeStore&) = delete;
  CodeStore& operator=(const CodeStore&) = delete;
  virtual ~CodeStore() = default;
};

class Executable {
 public:
  /// `native`: the module's compiled code; null when it is interpreted.
  Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs,
             std::shared_ptr<NativeCode> native = nullptr);

  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  [[nodiscard]] const wasm::Module& module() const { return *module_; }
  [[nodiscard]] const InstanceLayout& layout() const { return layout_; }
  [[nodiscard]] const CodeOptions& options() const { return options_; }
  [[nodiscard]] GlobalAccess global_access(uint32_t global) const { return global_access_[global]; }

  /// Null when the module is interpreted.
  [[nodiscard]] const NativeCode* native() const { return native_.get(); }
  /// What compiled callers call for function `index`, which the module defines.
  [[nodiscard]] const void* native_entry(uint32_t index) const {
    return native_ == nullptr ? native_call_out() : native_->entry(index);
  }
  /// The module's types by index: abi::Instance::types.
  [[nodiscard]] const wasm::FunctionType* const* types() const { return types_.data(); }

  /// Code of function `index`; for an imported one, the binder's.
  [[nodiscard]] abi::Code& code(uint32_t index) {
    abi::Code* const chunk = codes_[index / kCodeChunk].load(std::memory_order_acquire);
    return (chunk != nullptr ? chunk : make_codes(index / kCodeChunk))[index % kCodeChunk];
  }
  /// Makes `code` another Code of function `index`: for who keeps one beside something else. A defined function of a
  /// compiled module may have several, one of an interpreted module has the one above.
  void init(abi::Code& code, uint32_t index);
  [[nodiscard]] static Executable& of(const abi::Code& code) { return *static_cast<Executable*>(code.owner); }

  /// Guards `store` and translation; held while a function is translated, never while guest code runs.
  std::mutex translating;
  std::unique_ptr<CodeStore> store;

 private:
  std::shared_ptr<NativeCode> native_;  ///< first: a module from an image lies in it
  std::shared_ptr<const wasm::Module> module_;
  CodeOptions options_;
  InstanceLayout layout_;
  std::vector<GlobalAccess> global_access_;
  std::vector<const wasm::FunctionType*> types_;
  /// Made when they are first asked for, so many at a time: most functions of a large module never run.
  static constexpr uint32_t kCodeChunk = 32;
  [[nodiscard]] size_t chunks() const;
  abi::Code* make_codes(uint32_t chunk);

  EntryStubs stubs_;
  /// By chunk; null until it is made. make_codes() puts a chunk in with a compare-and-swap (release) that pairs with
  /// the acquire load in code(), and with its own when another thread was first: who sees a chunk sees it initialised.
  std::unique_ptr<std::atomic<abi::Code*>[]> codes_;
};

class HostCall;

/// A host function's Code. `entry` is the interpreter's stub that calls `function`. Its type and `name`
/// ("module.name", for backtraces) must outlive it.
struct HostCode : abi::Code {
  using Function = bool (*)(void* environment, HostCall& call);

  HostCode(const wasm::FunctionType& its_type, Function host_function, void* host_environment, const char* host_name,
           const abi::Instruction* stub)
      : type(&its_type), function(host_function), environment(host_environment), name(host_name) {
    entry.store(stub, std::memory_order_relaxed);
    window = static_cast<uint16_t>(std::max(abi::cells_of(type->parameters), abi::cells_of(type->results)));
  }

  const wasm::FunctionType* type;
  Function function;
  void* environment;
  const char* name;
};

}  // namespace tenon::runtime
