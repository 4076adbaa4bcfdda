// The threads of a program: wasi-threads (`wasi.thread-spawn`, `wasi_thread_start`;
// github.com/WebAssembly/wasi-threads) made of shared libraries, and threads of the host's that call in.
// docs/threads.md is the contract with a libc.
//
// All share memory, table, symbols and tags. What a thread has of its own is made when it needs it: an instance of a
// DSO at its first call into that, and with it the DSO's thread-local block.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "link/guest_thread.h"
#include "runtime/host.h"

namespace tenon::link {

struct Namespace;
struct SpawnedThread;
struct Worker;

/// The threads that a program has now. Thread-safe.
class Threads {
 public:
  Threads();
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// Adds main's.
  void add(GuestThread& thread);
  /// Calls `function` with each. Holds the lock under which they come and go.
  template <class Function>
  void for_each(Function&& function) {
    const std::scoped_lock lock(mutex_);
    for (GuestThread* const thread : all_) {
      function(*thread);
    }
  }
  [[nodiscard]] size_t count() const {
    const std::scoped_lock lock(mutex_);
    return all_.size();
  }

  [[nodiscard]] bool has_spawned() const {
    const std::scoped_lock lock(mutex_);
    return !spawned_.empty();
  }

  /// wasi-threads' thread-spawn: the new thread's identifier, or a negative errno of WASI.
  [[nodiscard]] int32_t spawn(Namespace& program, uint32_t start_argument);

  /// The thread as which the calling OS thread is in the program, or comes into it now: main's when it loaded the
  /// program or nobody else is in there who could not share it, else one of its own. Errors: limit, usage (the program
  /// was not made for several threads), trap.
  [[nodiscard]] Result<GuestThread*> enter(Namespace& program);
  /// The calling OS thread has no thread of its own in the program any more. Nothing happens from inside of it.
  void leave(Namespace& program);

  /// Makes every thread but `except` leave guest code (see runtime::interrupt), once.
  void interrupt(const GuestThread* except);
  /// The same for the program's end, by `by`. What is the host's (main's thread, too) gets it some times more, for an
  /// interruption can be lost (see runtime::interrupt), but is not waited for: it may be in a function of the host's.
  void spread_end(const GuestThread* by);
  /// The same for one thread; false when there is none of that number in the program.
  bool interrupt(int32_t id);
  /// The same until all threads that the guest spawned have ended.
  void end_spawned(Namespace& program);
  /// The same, before the program goes: nothing of it runs afterwards.
  void close(Namespace& program);
  /// The same until all others have left guest code, or one of them waits for those that were spawned. For a spawned
  /// thread that finds the program ended; only the first one does it.
  void end_unspawned();

 private:
  friend struct Worker;
  /// Why a thread could not begin, and the thread, which it gives back.
  struct NotBegun {
    std::unique_ptr<GuestThread> thread;
    std::string why;
  };
  /// Makes `thread` one of the program's and lets it run, on `worker` when there is one. Its identifier.
  std::expected<int32_t, NotBegun> begin(Namespace& program, std::unique_ptr<GuestThread> thread,
                                         const SpawnedThread& job, Worker* worker);
  Worker* take_idle();
  /// Those that the guest did not spawn; false when none of them is in the program. The lock is held.
  bool interrupt_unspawned(const GuestThread* except);
  /// `thread` has ended: waits for the next thing to do. False: there is none.
  bool rest(Namespace& program, GuestThread& thread, Worker& worker);
  int32_t unused_id();
  /// Gives a thread of the host's a stack in the program's memory and main's instance.
  static Result<> make_host_stack(Namespace& program, GuestThread& thread);

  mutable std::mutex mutex_;  ///< guards all below; those of single threads may be taken under it
  std::vector<GuestThread*> all_;
  std::map<int32_t, std::unique_ptr<GuestThread>> spawned_;
  std::map<OsThread, std::unique_ptr<GuestThread>> host_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Worker*> idle_;
  std::vector<Worker*> without_os_thread_;
  bool is_closing_ = false;        ///< no more are wanted
  std::condition_variable ended_;  ///< a spawned thread has, or a worker
  bool end_is_spread_ = false;     ///< a spawned thread sees to it that the others leave guest code
  bool end_is_awaited_ = false;    ///< end_spawned() is
  int32_t last_id_ = 0;
  int32_t last_host_id_ = 0;
  OsThread main_owner_{};  ///< the OS thread that main's runs on
};

/// Ends the program: with an exit code, or by a trap. All other threads leave guest code. Only the first ending counts.
void end_program(Namespace& program, GuestThread* by, uint32_t exit_code);
void end_program(Namespace& program, GuestThread* by, runtime::Trap trap);

/// The host functions of module `wasi`; their environment is the Namespace.
[[nodiscard]] std::span<const runtime::HostFunctionDefinition> wasi_thread_functions();

}  // namespace tenon::link
