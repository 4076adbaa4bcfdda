// One thread of a program and the instances it has made.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "runtime/thread.h"

namespace tenon::link {

/// Belongs to one OS thread.
class GuestThread {
 public:
  /// `maximum_dsos`: the array of instances is reserved for so many and never moves. Errors: limit.
  [[nodiscard]] static Result<std::unique_ptr<GuestThread>> create(uint64_t stack_bytes, uint32_t maximum_dsos);
  ~GuestThread();
  GuestThread(const GuestThread&) = delete;
  GuestThread& operator=(const GuestThread&) = delete;

  [[nodiscard]] runtime::Thread& state() { return *state_; }
  [[nodiscard]] abi::Instance* instance(const Dso& dso) { return state_->instances[dso.index]; }

  /// An instance of `dso` with its header, its import slots (unbound) and room for the rest, all zero; entered into the
  /// array. Tables of its own are made. Errors: limit.
  [[nodiscard]] Result<abi::Instance*> add_instance(Dso& dso, uint64_t maximum_table);
  /// Takes the instance of `dso` away again. No code may be inside it.
  void remove_instance(const Dso& dso);
  /// The thread has no instance of `dso` any more, but the one it had stays until it is removed.
  void hide_instance(const Dso& dso);

  /// Why the thread's last dlopen, dlsym or dlclose failed; empty once dlerror has told it.
  std::string linker_error;

  /// Tells the thread that it runs on the calling OS thread. Cheap when it did before.
  void adopt_native_stack();

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  struct OwnedInstance {
    std::unique_ptr<abi::Instance, Free> instance;
    std::vector<std::unique_ptr<runtime::Table>> tables;
  };

  GuestThread() = default;

  std::unique_ptr<runtime::Thread> state_;
  std::unordered_map<uint32_t, OwnedInstance> instances_;
  size_t reserved_bytes_ = 0;
  std::thread::id native_thread_;
};

}  // namespace tenon::link
