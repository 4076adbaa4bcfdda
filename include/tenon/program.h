// Programs: a main module, its libraries, and what runs in them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/engine.h"
#include "tenon/export.h"
#include "tenon/function.h"
#include "tenon/memory.h"
#include "tenon/result.h"

namespace tenon {

/// WASI preview 1 as one program has it.
struct WasiOptions {
  struct Directory {
    std::string host;        ///< path on the host
    std::string guest;       ///< the name the guest sees, such as "/" or "/data"
    bool read_only = false;  ///< changes fail
  };
  std::vector<std::string> arguments;  ///< the program's name first
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<Directory> directories;  ///< that the guest may use; no others
  std::vector<int> sockets;            ///< connected or listening; duplicated
  /// The standard streams: descriptors of the host's, borrowed. Negative: the guest has none.
  int stdin_fd = 0;
  int stdout_fd = 1;
  int stderr_fd = 2;
};

/// What one program may use up. All guest code is hostile: these hold whatever it does.
struct Limits {
  uint64_t memory = uint64_t{4} << 30;             ///< bytes of each linear memory
  uint64_t table = 10'000'000;                     ///< elements of each table
  uint32_t libraries = 10'000;                     ///< loaded at once
  uint32_t threads = 4096;                         ///< besides the one that loads the program
  uint64_t interpreter_stack = uint64_t{8} << 20;  ///< bytes of a thread's interpreted calls: address space
  uint64_t thread_stack = uint64_t{2} << 20;       ///< bytes of the native stack of a thread that the guest spawns
};

/// How a library is opened; none of them set is RTLD_LAZY | RTLD_LOCAL.
struct OpenFlags {
  bool now = false;             ///< RTLD_NOW: resolve all its functions
  bool global = false;          ///< RTLD_GLOBAL: libraries that come later may use its symbols
  bool only_if_loaded = false;  ///< RTLD_NOLOAD
  bool keep = false;            ///< RTLD_NODELETE: never unload it
  bool own_first = false;       ///< RTLD_DEEPBIND: its own symbols come before the global ones
};

/// A library that is about to become part of a program.
struct LibraryCandidate {
  std::string name;                ///< as it was asked for
  std::string path;                ///< of its file, on the host or as the guest names it; empty without one
  std::string requester;           ///< the library that needs or opens it; empty for the host
  bool is_opened;                  ///< by dlopen or Program::open, not needed by another library
  std::array<uint8_t, 32> sha256;  ///< of the module's bytes
};

/// What happened to a library.
struct LibraryEvent {
  enum class Kind : uint8_t {
    opened,  ///< by dlopen or Program::open: loaded, or loaded already
    needed,  ///< loaded because another library needs it
    closed,  ///< unloaded
    failed,  ///< could not be opened: `message` says why
  };
  Kind kind;
  std::string requester;
  std::string name;
  std::string path;
  std::string message;
};

struct ProgramOptions {
  /// Absent: the program has no WASI.
  std::optional<WasiOptions> wasi = WasiOptions{};
  Limits limits;

  // -- Where libraries are looked for. In this order, for a bare name; paths given here are trusted.
  /// By name, before everything else.
  std::map<std::string, Module, std::less<>> modules;
  /// The host's own source of libraries: the bytes of `name`, which `requester` (for people) needs. An empty optional:
  /// not mine, search on. An error ends the load. May be called by any thread of the program's.
  std::function<Result<std::optional<std::vector<uint8_t>>>(const std::string& name, const std::string& requester)>
      module_reader;
  /// Directories. The last place is the directory of the main module.
  std::vector<std::string> library_path;
  /// Come right after main in the global scope: bare names or paths.
  std::vector<std::string> preload;
  /// Names with slashes and runtime paths inside modules may lead anywhere on the host.
  bool trust_runtime_path = false;
  /// Refuses a library by returning an error. Asked about all but the main module, before anything of it is placed.
  std::function<Result<>(const LibraryCandidate& candidate)> library_filter;

  // -- Binding and loading.
  enum class Loading : uint8_t {
    unobservable,  ///< put off what nobody can tell the difference of
    lazy,          ///< put off all libraries of which nobody takes addresses of data
    eager,         ///< put off nothing
  };
  Loading loading = Loading::unobservable;
  bool bind_now = false;       ///< resolve every function at load
  bool guest_may_open = true;  ///< dlopen; the host always may
  /// Told after the fact; must not call into the program.
  std::function<void(const LibraryEvent& event)> on_library;

  // -- Placement, in bytes; see docs/linking.md.
  enum class Place : uint8_t { automatic, reserve, heap, stack, grow };
  Place place = Place::automatic;           ///< of the data of libraries that are opened later
  uint64_t stack_size = uint64_t{1} << 20;  ///< of the guest's stack in the memory of a PIE
  uint64_t reserve = 0;                     ///< left free before the heap of a PIE, for `place`

  /// What the linker tells about its work, by categories as TENON_DEBUG takes them ("files,bindings").
  std::string debug;
  /// Receives each line; must not call into the program. Absent: standard error.
  std::function<void(std::string_view line)> debug_sink;
};

class Dso;

/// A program. Copies are handles to the same one; it ends with the last handle to it, Functions and Dsos counted, which
/// must not go in a host function that it calls.
///
/// Thread-safe from when it is loaded on. In a program whose memory is shared (built with -pthread) any thread of the
/// host's may call in at any time, and is a thread of the program until it calls leave(); in others one thread at a
/// time may be inside. Host functions may call back into it. A thread that enters a program lets SIGURG through from
/// then on: by that it is interrupted.
class TENON_API Program {
 public:
  /// Errors: limit; usage; not_found or io for a directory of `options.wasi`.
  [[nodiscard]] static Result<Program> create(const Engine& engine, ProgramOptions options = {});

  // -- Before loading.

  /// Makes a lambda or function importable as (`module`, `name`); one of module "env" as a symbol that no library
  /// defines. It takes numbers (see Number), perhaps a Caller& before them, and returns nothing, a number, a std::tuple
  /// of numbers, or a Result of these, whose error traps. What it throws traps. It is called by whichever thread of the
  /// program calls it, several at once in a program with threads. It must hold no handle to the program, which would
  /// never end then: Caller::program() gives one. Errors: usage, when there is one of this name.
  template <class F>
  [[nodiscard]] Result<> define(const std::string& module, const std::string& name, F function) const {
    return define(module, name, detail::make_host_function(std::move(function)));
  }

  // -- Loading.

  /// Finds, places and links the main module and what it needs, and runs the libraries' constructors. On failure the
  /// program is as it was before, but for what constructors did outside of it. Errors: those of Engine::load;
  /// not_found, for libraries; unlinkable, which lists all that is missing; trap, of a constructor.
  [[nodiscard]] Result<> load(const std::string& path) const;
  [[nodiscard]] Result<> load(const Module& main) const;

  // -- Running.

  /// Calls `_start`; the exit code. Errors: trap, with the trap's text and backtrace; usage, when nothing is loaded or
  /// there is no `_start`.
  [[nodiscard]] Result<int> run() const;
  /// A function that main exports, or a symbol of the global scope. Errors: not_found; unlinkable, when it is of
  /// another type.
  template <class Signature>
  [[nodiscard]] Result<Function<Signature>> function(std::string_view name) const;
  /// What the guest passed as a function pointer. Errors: usage (there is no function); unlinkable.
  template <class Signature>
  [[nodiscard]] Result<Function<Signature>> function_at(uint32_t pointer) const {
    auto handle = find_pointer(pointer, Function<Signature>::type());
    return handle ? Result<Function<Signature>>(Function<Signature>(*std::move(handle)))
                  : std::unexpected(std::move(handle).error());
  }
  /// Calls a function of main's by name, with types known only now. Errors: those of function(), and of the call.
  [[nodiscard]] Result<std::vector<Value>> call(std::string_view name, std::span<const Value> arguments) const;
  /// A function of the host's as a function pointer for the guest; as long as the program. Errors: limit; unlinkable,
  /// when the program has no function table.
  template <class F>
  [[nodiscard]] Result<uint32_t> callback(F function) const {
    return add_callback(detail::make_host_function(std::move(function)));
  }
  /// With what the guest ended the program; nothing while it has not.
  [[nodiscard]] std::optional<uint32_t> exit_code() const;

  // -- Libraries.

  /// dlopen: loads and constructs a library, unless it is there. A name with a slash is a path of the host's, a bare
  /// one is looked for as a needed library is. Errors: those of load(). May be called by host functions.
  [[nodiscard]] Result<Dso> open(const std::string& name, OpenFlags flags = {}) const;
  /// One library of the program, in load order.
  struct Library {
    std::string name;
    std::string path;
    std::vector<std::string> needed;
    uint64_t memory_base = 0, memory_size = 0;  ///< its data, in bytes
    uint64_t table_base = 0, table_size = 0;    ///< its functions, in elements
  };
  [[nodiscard]] std::vector<Library> libraries() const;

  /// The memory that all libraries share; main's, when main is a plain module.
  [[nodiscard]] MemoryView memory() const;

  // -- Interruption and threads.

  /// Makes all calls into the guest that are in progress fail as trapped, and all threads that it spawned end, also in
  /// endless loops and those that wait. Returns at once. May be called by any thread at any time.
  void interrupt() const;
  /// The same for one thread: 0 is the one that loaded the program. False when it is not in the program.
  [[nodiscard]] bool interrupt(int32_t thread) const;
  /// Interrupts the program when so much time has passed from now on, and then whatever is called of it.
  void limit_time(std::chrono::nanoseconds time) const;
  /// The number of the calling thread; nothing when it is not in the program.
  [[nodiscard]] std::optional<int32_t> this_thread() const;
  /// The calling thread is none of the program's any more. Without effect for the one that loaded it, and from inside.
  void leave() const;

 private:
  friend class Caller;
  friend class Dso;
  explicit Program(std::shared_ptr<detail::ProgramState> state);
  [[nodiscard]] Result<> define(const std::string& module, const std::string& name,
                                detail::TypedHostFunction function) const;
  [[nodiscard]] Result<uint32_t> add_callback(detail::TypedHostFunction function) const;
  [[nodiscard]] Result<detail::FunctionHandle> find(std::string_view name, const FunctionType& type) const;
  [[nodiscard]] Result<detail::FunctionHandle> find_pointer(uint32_t pointer, const FunctionType& type) const;

  std::shared_ptr<detail::ProgramState> state_;
};

/// A library that the host has opened. Closes it when it goes: it is unloaded when nothing else needs it. Moved, not
/// copied; keeps its program. Thread-safe as Program is.
class TENON_API Dso {
 public:
  ~Dso();
  Dso(Dso&& other) noexcept;
  Dso& operator=(Dso&& other) noexcept;
  Dso(const Dso&) = delete;
  Dso& operator=(const Dso&) = delete;

  /// As it was first asked for.
  [[nodiscard]] const std::string& name() const;
  /// A function of the library or of what it needs, as dlsym finds it. Errors: not_found; unlinkable, when it is of
  /// another type.
  template <class Signature>
  [[nodiscard]] Result<Function<Signature>> function(std::string_view symbol) const {
    auto handle = find(symbol, Function<Signature>::type());
    return handle ? Result<Function<Signature>>(Function<Signature>(*std::move(handle)))
                  : std::unexpected(std::move(handle).error());
  }
  /// The address of a variable, in the program's memory; of a thread-local one, the calling thread's. Errors:
  /// not_found; unlinkable, when it is a function.
  [[nodiscard]] Result<uint32_t> address(std::string_view symbol) const;
  /// dlclose, which tells what goes wrong. Errors: trap, of a destructor: it is closed all the same.
  [[nodiscard]] Result<> close();

 private:
  friend class Program;
  Dso(std::shared_ptr<detail::ProgramState> program, void* dso, std::string name);
  void close_unheard();
  [[nodiscard]] Result<detail::FunctionHandle> find(std::string_view symbol, const FunctionType& type) const;

  std::shared_ptr<detail::ProgramState> program_;
  void* dso_;  ///< null when it is closed
  std::string name_;
};

template <class Signature>
Result<Function<Signature>> Program::function(std::string_view name) const {
  auto handle = find(name, Function<Signature>::type());
  return handle ? Result<Function<Signature>>(Function<Signature>(*std::move(handle)))
                : std::unexpected(std::move(handle).error());
}

}  // namespace tenon
