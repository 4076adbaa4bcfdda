// One thread of a program, the instances it has made and its thread-local blocks.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "runtime/thread.h"

namespace tenon::link {

/// An OS thread: a number that no other thread of the process has, before or after. (std::thread::id is given to later
/// ones again, and what a thread of the host's has in a program may outlive that.)
enum class OsThread : uint64_t {};
[[nodiscard]] OsThread this_os_thread();

/// Its instances are made and used by the OS thread that it runs on, and taken away by whoever has made sure that no
/// code is inside them; the rest belongs to that OS thread but where said otherwise.
class GuestThread {
 public:
  /// Where a thread came from.
  enum class Kind : uint8_t {
    main,     ///< the one that loaded the program
    spawned,  ///< by the guest
    host,     ///< a further thread of the host's that calls into the program
  };

  /// `maximum_dsos`: the array of instances is reserved for so many and never moves. Errors: limit.
  [[nodiscard]] static Result<std::unique_ptr<GuestThread>> create(Kind kind, uint64_t stack_bytes,
                                                                   uint32_t maximum_dsos);
  ~GuestThread();
  GuestThread(const GuestThread&) = delete;
  GuestThread& operator=(const GuestThread&) = delete;

  [[nodiscard]] static GuestThread& of(abi::Thread& thread) {
    return *static_cast<GuestThread*>(runtime::Thread::of(thread).environment);
  }

  const Kind kind;
  /// By which it is known: of a thread that the guest spawned, wasi-threads' identifier; 0 for main's.
  int32_t id = 0;

  [[nodiscard]] runtime::Thread& state() { return *state_; }
  [[nodiscard]] const runtime::Thread& state() const { return *state_; }
  /// Null while it has none. Thread-safe: the acquire pairs with the release of add_instance(), so that who finds one
  /// sees its header; the rest is its own thread's.
  [[nodiscard]] abi::Instance* instance(const Dso& dso) const {
    return std::atomic_ref(state_->instances[dso.index]).load(std::memory_order_acquire);
  }

  [[nodiscard]] abi::Instance* instance(uint32_t dso) const {
    return std::atomic_ref(state_->instances[dso]).load(std::memory_order_acquire);
  }

  /// An instance of `dso` with its header, its import slots (unbound) and room for the rest, all zero; entered into the
  /// array. Tables of its own are made. Errors: limit.
  [[nodiscard]] Result<abi::Instance*> add_instance(Dso& dso, uint64_t maximum_table);
  /// Takes the instance of `dso` away again, and hidden ones; the thread-local block that was for them is the caller's.
  /// No code may be inside. Thread-safe.
  [[nodiscard]] MemoryRange remove_instance(const Dso& dso);
  /// The thread has no instance of `dso` any more, but the one it had stays until it is removed: others may have been
  /// bound to it.
  void hide_instance(const Dso& dso);
  /// Calls `function` with each instance of `dso`, hidden ones included. True when there is one. Thread-safe.
  template <class Function>
  bool for_each_instance(const Dso& dso, Function&& function) const {
    if (instance(dso) == nullptr && !has_hidden_.load(std::memory_order_relaxed)) {
      return false;
    }
    const std::scoped_lock lock(owning_);
    const auto found = instances_.find(dso.index);
    if (found == instances_.end()) {
      return false;
    }
    for (const OwnedInstance& owned : found->second) {
      function(*owned.instance);
    }
    return true;
  }

  /// What the thread has of the program's memory for itself: a DSO's thread-local block, or its stack. Thread-safe.
  void keep_block(uint32_t dso, const MemoryRange& block);
  [[nodiscard]] bool has_block(uint32_t dso) const {
    const std::scoped_lock lock(owning_);
    return blocks_.contains(dso);
  }
  /// The block of DSO number `dso`, empty when there is none, is the caller's from here on. Thread-safe.
  [[nodiscard]] MemoryRange take_block(uint32_t dso);
  [[nodiscard]] std::vector<MemoryRange> take_blocks();
  /// The number under which the stack of a thread of the host's is kept: the host functions' DSO has no such block.
  static constexpr uint32_t kStackBlock = 0;

  /// Why the thread's last dlopen, dlsym or dlclose failed; empty once dlerror has told it.
  std::string linker_error;
  /// Who is loading what it waits for; guarded by Namespace::loader_lock.
  const GuestThread* waits_for = nullptr;
  /// The guest's allocator is at work for the linker.
  bool asking_heap = false;
  /// It asked to end (pthread_exit); then this word of memory becomes 0, unless its address is 0.
  bool has_ended = false;
  uint32_t alive_word = 0;
  /// Calls of the embedder's that are in progress, one inside the other.
  uint32_t calls_in_progress = 0;

  /// Makes it as it was when it was created, for another thread of the guest's. It has no blocks, is not in the program
  /// and not known to it.
  void recycle();

  /// Tells the thread that it runs on the calling OS thread. Cheap when it did before.
  void adopt_native_stack();

  // -- Whether it runs, for other threads.

  /// Calls `function` with the OS thread that this one is running on, which does not end meanwhile; not when it is not
  /// in the program at this time. Thread-safe.
  template <class Function>
  bool while_present(Function&& function) {
    const std::scoped_lock lock(presence_);
    if (!is_present_) {
      return false;
    }
    function(runner_);
    return true;
  }

 private:
  friend class Presence;
  struct Free {
    void operator()(void* memory) const;
  };
  struct OwnedInstance {
    std::unique_ptr<abi::Instance, Free> instance;
    std::vector<std::unique_ptr<runtime::Table>> tables;
  };

  explicit GuestThread(Kind its_kind) : kind(its_kind) {}

  std::unique_ptr<runtime::Thread> state_;
  mutable std::mutex owning_;  ///< guards the next two; no other lock is taken under it
  std::unordered_map<uint32_t, std::vector<OwnedInstance>> instances_;  ///< the last one counts; others were hidden
  std::unordered_map<uint32_t, MemoryRange> blocks_;
  std::atomic<bool> has_hidden_{false};  ///< some of `instances_` are no longer in the array, or were
  size_t reserved_bytes_ = 0;
  OsThread native_thread_{};

  /// Guards the next two. What while_present() calls takes the locks of interruption under it (runtime::Question's and
  /// that of a thread that waits), which take none.
  std::mutex presence_;
  bool is_present_ = false;
  pthread_t runner_{};
};

/// While one of these lives, the calling OS thread is in the program as `thread`, and what it does besides running
/// guest code is the linker's. Nests; of one thread only on one OS thread at a time.
class Presence {
 public:
  Presence(Namespace& program, GuestThread& thread);
  ~Presence();
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  /// As which thread the calling OS thread is in `program`; null when it is not.
  [[nodiscard]] static GuestThread* find(const Namespace& program);

 private:
  Namespace& program_;
  GuestThread& thread_;
  Presence* outer_;  ///< of the same OS thread
  bool is_outermost_;
  runtime::InLinker in_linker_;
};

}  // namespace tenon::link
