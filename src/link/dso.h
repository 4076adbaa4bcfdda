// One module as loaded into one program.
//
// A Dso is an open record that the passes of loading fill one after the other; each group of members says which pass
// writes it. After publication only what is marked as changing later changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/own_functions.h"
#include "link/placement.h"
#include "link/report.h"
#include "link/shared_module.h"
#include "runtime/linked_module.h"

namespace tenon::link {

class Dso;
class GuestThread;
struct Namespace;

/// Where a DSO's bytes came from, which decides how far the names inside it reach.
enum class Origin : uint8_t {
  host_file,   ///< the host's file system: mapped
  guest_file,  ///< the guest's file system: its paths, and all paths that it names, are the guest's
  embedder,    ///< registered, or read by the embedder: has no directory
};

/// An ordered list of DSOs that names are looked up in.
struct Scope {
  std::vector<Dso*> dsos;
};

/// What a global import was resolved to. Decided once per DSO; every thread's instance is filled from it.
struct GlobalBinding {
  enum class Kind : uint8_t {
    value,              ///< `value` in every thread: symbols of the linker, undefined weak
    memory_base,        ///< where the importer's data was placed
    table_base,         ///< where its table range starts
    stack_pointer,      ///< the cell of the thread's stack pointer
    data,               ///< address of data symbol `index` of `dso`
    thread_local_data,  ///< the same, but relative to that DSO's TLS block in the thread
    function,           ///< table slot of `function`
    cell,               ///< global `index` of `dso` itself: its cell when mutable, else its value
  };
  Kind kind = Kind::value;
  uint32_t index = 0;
  uint64_t value = 0;
  Dso* dso = nullptr;
  const LinkedFunction* function = nullptr;  ///< kept when `value` has become its slot
};

/// What table `index` of a DSO is.
struct TableBinding {
  enum class Kind : uint8_t {
    program,  ///< the program's function table
    own,      ///< made with each instance
    other,    ///< table `index` of `dso`, in the same thread
  };
  Kind kind = Kind::own;
  uint32_t index = 0;
  Dso* dso = nullptr;
};

/// How far a DSO has come.
enum class State : uint8_t {
  loading,       ///< found, perhaps placed and instantiated; only its own load sees it
  published,     ///< its symbols are visible
  constructing,  ///< `loader` is running its constructors
  ready,
  put_off,      ///< published, but without an instance until it is used; see put_off.h
  arriving,     ///< was put off, and `loader` is doing what was
  destructing,  ///< closed: nobody finds it by name any more, and its destructors are running
  gone,         ///< its symbols and table entries are taken away; what is left goes when no code is inside it
  failed,       ///< loading failed, or it was closed, when others referred to it: kept for them, never found
};

class Dso final : public runtime::LinkedModule {
 public:
  Dso(Namespace& program, std::shared_ptr<SharedModule> module, std::string name);

  // -- Search.
  const std::string name;  ///< as it was first asked for
  std::string path;        ///< of its file, absolute on the host or as the guest names it; empty without one
  std::string directory;   ///< `$ORIGIN`: the directory of `path`
  Origin origin = Origin::host_file;
  FoundThrough found_through = FoundThrough::path;
  std::string requester;  ///< who needed or opened it first
  /// As `dylink.0` lists them. Written by the thread that loads it, with Namespace::link_map_lock held alone.
  std::vector<Dso*> needed;
  uint32_t names = 0;  ///< under which Namespace::dsos_by_name has it
  uint32_t index = 0;  ///< into Thread::instances and Namespace::dsos
  bool is_main = false;
  bool is_preload = false;

  // -- Layout.
  uint64_t memory_base = 0;  ///< of its data, in bytes; 0 for what is linked at fixed addresses
  uint64_t table_base = 0;   ///< of its element range
  MemoryRange range;         ///< where the memory came from; of place `automatic` when it is part of the first layout
  [[nodiscard]] uint64_t memory_size() const;
  [[nodiscard]] uint64_t table_size() const;
  /// Where its data is, whether the linker placed it or wasm-ld did.
  struct Range {
    uint64_t base = 0;
    uint64_t size = 0;
  };
  [[nodiscard]] Range data_range() const;

  // -- Resolve. By index in the index space of the kind.
  std::vector<std::shared_ptr<Scope>> scopes;  ///< where its references are looked up, in order
  std::vector<GlobalBinding> globals;          ///< imported ones
  std::vector<TableBinding> tables;            ///< all
  std::vector<runtime::Memory*> memories;      ///< all
  std::vector<const runtime::Tag*> tags;       ///< all
  /// What each function import was bound to; null until it is. Changes later: set once, by whoever binds first.
  std::unique_ptr<std::atomic<const LinkedFunction*>[]> functions;
  /// DSOs outside of `needed` that a binding refers to: they must not be unloaded before this one. Changes later;
  /// guarded by Namespace::link_map_lock.
  std::vector<Dso*> also_uses;

  // -- Instantiate.
  std::vector<std::unique_ptr<runtime::Memory>> own_memories;
  std::deque<runtime::Tag> own_tags;

  // -- Publish, construct. Change later.
  std::optional<Error> load_error;  ///< of a DSO that was put off: why it could not be loaded when it was used
  std::atomic<State> state{State::loading};
  /// The thread that is loading or constructing it; guarded by Namespace::loader_lock, but that any thread may ask
  /// whether it is itself.
  std::atomic<const GuestThread*> loader{nullptr};

  // -- Open, close. Change later; guarded by Namespace::link_map_lock.
  uint32_t handle = 0;          ///< by which the guest names it; 0 before publication
  uint64_t open_count = 0;      ///< dlopen calls less dlclose calls
  uint64_t embedder_count = 0;  ///< of these, the embedder's, which are not the guest's to undo
  bool bound_now = false;       ///< opened with RTLD_NOW: new threads make their instances when they start
  bool came_with_main = false;  ///< of the first load
  bool never_unloaded = false;  ///< that, or opened with RTLD_NODELETE
  /// The DSO and what it needs, breadth first: where dlsym looks for names by its handle. Made when it is opened.
  std::shared_ptr<Scope> own_scope;
  /// The DSOs of the load that brought it, in order: what RTLD_NEXT goes through.
  std::shared_ptr<Scope> load_scope;

  [[nodiscard]] SharedModule& shared() const { return static_cast<SharedModule&>(executable()); }
  [[nodiscard]] const wasm::Module& module() const { return executable().module(); }
  [[nodiscard]] Namespace& program() const { return program_; }

  /// The one descriptor of function `function`, which it defines itself. Thread-safe.
  [[nodiscard]] const LinkedFunction* own_function(uint32_t function) { return own_functions.get(function, index); }
  OwnFunctions own_functions;

  // LinkedModule
  [[nodiscard]] const abi::FunctionDescriptor* descriptor(abi::Thread& thread, uint32_t function) override;
  [[nodiscard]] const abi::FunctionDescriptor* bind(abi::Thread& thread, abi::Instance& importer,
                                                    uint32_t import) override;
  [[nodiscard]] abi::Instance* instance_of(abi::Thread& thread, uint32_t dso) override;
  [[nodiscard]] abi::Instance* running_instance(abi::Thread& thread,
                                                const runtime::Executable& executable) const override;
  [[nodiscard]] std::string describe_null_element(const abi::Table& table, uint64_t element) const override;
  [[nodiscard]] const runtime::Tag* tag(uint32_t tag) const override { return tags[tag]; }
  [[nodiscard]] runtime::Memory& memory(uint32_t memory) const override { return *memories[memory]; }

 private:
  Namespace& program_;
};

}  // namespace tenon::link
