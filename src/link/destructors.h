// What runs at exit and when a library is closed: registrations by `atexit`, `__cxa_atexit` and for the end of a
// thread.
//
// No libc for WebAssembly keeps them by library, so references to these functions are bound to the runtime's, whichever
// libc there is (Itanium C++ ABI, 3.3.6.3). A libc runs its own list when the program ends; so the runtime puts a
// marker of its own on that list, which runs all of ours that came after it, last registered first. One marker is
// enough when everybody registers here. A main that carries its libc registers on the libc's list directly: then each
// registration gets a marker, so that the order over both lists is the order of registration reversed. Markers whose
// registrations are gone (their library was closed) are used again.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/host.h"

namespace tenon::link {

class Dso;
class GuestThread;
struct LinkedFunction;
struct Namespace;

/// Belongs to one program. Thread-safe.
class Destructors {
 public:
  enum class When : uint8_t {
    exit,        ///< at the program's end, or when the library is closed
    thread_end,  ///< when the thread ends, before all others; the library stays loaded until then
  };

  struct Registration {
    Dso* owner;                 ///< whose code registered it
    const GuestThread* thread;  ///< at whose end it runs, for thread_end
    When when;
    uint32_t function;  ///< table slot
    uint32_t argument;
    bool takes_argument;
    uint32_t marker = 0;  ///< on the libc's list; `add` chooses it
  };

  /// The name under which the linker looks for a host function instead of what libraries define; empty for others.
  [[nodiscard]] static bool is_one(std::string_view name);

  /// Adds a registration. Hooks into the libc's own list when it is the first. May call guest code. False when there
  /// are too many, or the owner is unloaded already and only still runs.
  [[nodiscard]] bool add(Namespace& program, GuestThread& thread, const Registration& registration);

  /// Whether `dso` must stay loaded for destructors of a thread.
  [[nodiscard]] bool pins(const Dso& dso) const;

  /// Runs what `dso` registered, last first, each once; also what is registered meanwhile. Errors: trap, of the first
  /// that trapped; the others run all the same. Look at Namespace::ending afterwards.
  [[nodiscard]] Result<> run_of(Namespace& program, GuestThread& thread, const Dso& dso);
  /// Runs what is registered for the end of `thread`, last first. Errors and after: as above.
  [[nodiscard]] Result<> run_of_thread(Namespace& program, GuestThread& thread);
  /// Runs everything from marker `from` on, those of the thread first, then the last registered first.
  [[nodiscard]] Result<> run_from(Namespace& program, GuestThread& thread, uint32_t from);
  void forget_all();
  /// Forgets what `dso` registered.
  void forget(const Dso& dso);
  /// Forgets what is registered for the end of `thread`; whether that was anything.
  bool forget(const GuestThread& thread);

  [[nodiscard]] bool empty() const {
    const std::scoped_lock lock(mutex_);
    return registrations_.empty();
  }

 private:
  /// Takes the last registration that `chosen` is true for.
  template <class Chosen>
  [[nodiscard]] std::optional<Registration> take_last(Chosen chosen);
  [[nodiscard]] Result<> run(Namespace& program, GuestThread& thread, const Registration& registration);
  void put_marker(Namespace& program, GuestThread& thread, uint32_t marker);

  mutable std::mutex mutex_;                 ///< guards all below; no other lock is taken under it
  std::vector<Registration> registrations_;  ///< in order
  uint32_t markers_ = 0;                     ///< on the libc's list by now
  bool many_ = false;                        ///< main registers on that list itself
};

/// The host functions `atexit`, `__cxa_atexit`, ..., and what libc calls at a thread's end, of the module
/// kDestructorModule; their environment is the Namespace.
constexpr std::string_view kDestructorModule = "tenon_exit";
[[nodiscard]] std::span<const runtime::HostFunctionDefinition> destructor_functions();

}  // namespace tenon::link
