// The link namespace: everything one program is made of, as the open record that the passes of the linker work on.
//
// Locks. No lock here is ever held while guest code runs. In this order: `loader_lock`, for who finds and enters the
// DSOs of a load and for the decision what is unloaded; `reclaiming`; `link_map_lock`, shared by those who look names
// up (binding, from any thread) and taken alone by those who change what they see (entering, publishing and discarding
// DSOs); that of the threads. Those of a Dso, a GuestThread, the table, the placement, the destructors or the host
// functions may be taken under any, and have none under them but where they say so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "link/destructors.h"
#include "link/dso.h"
#include "link/ending.h"
#include "link/engine.h"
#include "link/function_table.h"
#include "link/guest_thread.h"
#include "link/host_module.h"
#include "link/options.h"
#include "link/report.h"
#include "link/search.h"
#include "link/threads.h"

namespace tenon::link {

/// Symbols of a PIE's memory that no module defines.
struct LinkerSymbols {
  uint64_t heap_base = 0;
  uint64_t heap_end = 0;
  uint64_t stack_low = 0;
  uint64_t stack_high = 0;
  bool defined = false;

  [[nodiscard]] std::optional<uint64_t> find(std::string_view name) const;
  /// Whether a program with a PIE main has `name` from the linker.
  [[nodiscard]] static bool is_one(std::string_view name) {
    return LinkerSymbols{.defined = true}.find(name).has_value();
  }
};

/// What one load brings in: its new DSOs breadth first, and the scope that they are looked up in.
struct LoadSet {
  explicit LoadSet(GuestThread& its_thread) : thread(&its_thread) {}

  GuestThread* thread;  ///< that loads it
  std::vector<Dso*> dsos;
  /// What it is looked up in: of the first load, its DSOs; of a later one, the library that is opened and all it needs,
  /// those that were there already included.
  std::shared_ptr<Scope> scope;
  bool is_first = true;         ///< brings main
  bool bind_now = false;        ///< resolves all functions
  const Dso* opener = nullptr;  ///< whose call of dlopen it is; null for the embedder and for main
  /// What it added to what others see, to be taken back when it fails: functions of others that got a slot, tags.
  std::vector<const LinkedFunction*> new_slots;
  bool code_ran = false;  ///< of one of its DSOs: then others may have seen those slots
  std::vector<std::string> new_tags;
  /// Needed libraries that were not found, when that does not end the load: requester, name and what was tried.
  struct Absent {
    Dso* requester;
    std::string name;
    std::string reason;
  };
  std::vector<Absent> absent;
  bool tolerate_absent = false;
};

/// What one file is known by as long as it is there, whatever its content is by now: its inode number may be another
/// file's after it was removed, which then has another time of birth (or, where that is not known, of change).
using FileKey = std::tuple<dev_t, ino_t, int64_t>;
[[nodiscard]] FileKey file_key(const base::FileIdentity& identity);

/// Handles are multiples of this: no small numbers, and not RTLD_NEXT.
constexpr uint32_t kHandleStep = 16;

class Inquiry;

struct Namespace {
  Namespace(Engine& the_engine, ProgramOptions the_options);
  ~Namespace();

  Engine& engine;
  const ProgramOptions options;
  Report report;
  Search search;
  HostModules host;

  /// Guards what is found and entered for a load, Dso::loader, GuestThread::waits_for and what is unloaded. Held while
  /// the embedder is asked for libraries or about them, and while files are read.
  std::mutex loader_lock;
  std::condition_variable loader_changed;  ///< a Dso has no loader any more
  bool unloading = false;                  ///< destructors of unreachable DSOs are running
  bool unload_again = false;               ///< and more may be unreachable since

  // -- Guarded by link_map_lock.
  mutable std::shared_mutex link_map_lock;
  /// By DSO index; null where there is none. The first stands for the host's functions.
  std::vector<std::unique_ptr<Dso>> dsos;
  std::vector<Dso*> link_map;  ///< published ones, in load order
  std::shared_ptr<Scope> global_scope;
  std::map<std::string, Dso*, std::less<>> registered_instances;
  /// DSOs by the names they were asked for, by their files and by their modules, those being loaded included.
  std::unordered_map<std::string, Dso*> dsos_by_name;
  std::map<FileKey, Dso*> dsos_by_file;
  std::unordered_map<const SharedModule*, Dso*> dsos_by_module;
  Dso* main = nullptr;  ///< from its search on
  /// Tags that everyone imports and no one defines, by name: made at their first import.
  std::map<std::string, runtime::Tag, std::less<>> tags;
  std::unordered_map<uint32_t, Dso*> dsos_by_handle;
  uint32_t last_handle = 0;  ///< given out; the first one is chosen at random
  uint64_t loaded = 0;       ///< DSOs ever published
  uint64_t unloaded = 0;     ///< and of these, gone again
  /// Unloaded, but code may be inside them still; see unload.h.
  std::vector<Dso*> gone;
  std::atomic<bool> anything_gone{false};  ///< `gone` is not empty, for who does not hold the lock
  /// Some module can hold function references outside of tables that the linker fills: descriptors of what is unloaded
  /// have to stay, and so their DSO's number, which then has no instance and is never used again.
  bool references_travel = false;
  struct Retired {
    std::string name;
    FunctionPool functions{false};
    std::vector<wasm::TypeReference> types;
  };
  std::unordered_map<uint32_t, Retired> retired;  ///< by DSO index
  /// Of these, those that may go once no thread can be about to call them, for there is no other reference.
  std::vector<uint32_t> retired_for_now;
  /// Functions of the embedder's that the guest has pointers to.
  std::vector<std::unique_ptr<HostFunctionEntry>> callbacks;

  // -- Made by layout.
  runtime::Memory* memory = nullptr;  ///< that the DSOs share; one of main's
  FunctionTable functions;
  LinkerSymbols symbols;
  Placement placement;

  // -- Running.
  /// What `_start` constructs can be called: set by each call of the embedder's, and orders nothing else.
  std::atomic<bool> main_was_started{false};
  Threads threads;
  std::unique_ptr<GuestThread> main_thread;
  Destructors destructors;
  Ending ending;

  std::mutex reclaiming;  ///< guards `inquiry`
  /// Whether threads are inside of what is gone, while they are being asked.
  std::unique_ptr<Inquiry> inquiry;

  /// Enters a new DSO and gives it its index. Errors: limit.
  [[nodiscard]] Result<Dso*> add_dso(std::shared_ptr<SharedModule> module, const std::string& name);
  /// Takes DSOs that nobody refers to away again, instances and all.
  void discard(const std::vector<Dso*>& gone);
  /// DSO number `index`; null when it is gone: what still names it are references that outlived it.
  [[nodiscard]] Dso* dso(uint32_t index) const;
  /// Tells the embedder what happened to a library.
  void tell(const LibraryEvent& event) const;
  /// The name of a DSO that is gone, by its number.
  [[nodiscard]] std::string name_of_retired(uint32_t index) const;
  /// Number `index`, one of `retired_for_now`, is free: no thread can have a reference to what had it. The link map
  /// lock is held alone.
  void forget_retired(uint32_t index);

 private:
  std::vector<uint32_t> free_indices_;
};

}  // namespace tenon::link
