// What a program is loaded with: where libraries are looked for, how symbols are bound, and the limits of everything
// that a guest can make grow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "base/sha256.h"
#include "runtime/executable.h"

namespace tenon::link {

class SharedModule;

/// What the linker tells about its work, as LD_DEBUG does. A set of these is a DebugCategories.
enum DebugCategory : uint32_t {
  kDebugLibs = 1 << 0,        ///< where libraries are looked for
  kDebugFiles = 1 << 1,       ///< what is loaded, on whose behalf, where it is placed
  kDebugSymbols = 1 << 2,     ///< every DSO a symbol is looked up in
  kDebugBindings = 1 << 3,    ///< which definition a reference was bound to
  kDebugReloc = 1 << 4,       ///< cells and data relocations
  kDebugInit = 1 << 5,        ///< constructors
  kDebugStatistics = 1 << 6,  ///< counts, and the time of each step, when loading is done and when the program ends
  kDebugAll = (1 << 7) - 1,
};
using DebugCategories = uint32_t;

/// "libs,files" as `--debug` and TENON_DEBUG take it; separators are comma, colon and space. Errors: usage (names the
/// word and lists those that exist).
[[nodiscard]] Result<DebugCategories> parse_debug_categories(std::string_view list);

/// Opens a regular file for reading by a path of the guest's, through its preopened directories: a descriptor of the
/// host's that the linker closes. Errors: not_found, io; they name the path as the guest does.
using GuestFileOpener = std::function<Result<int>(const std::string& guest_path)>;

/// A library that is about to become part of a program: what a LibraryFilter decides by.
struct LibraryCandidate {
  std::string name;       ///< as it was asked for
  std::string path;       ///< of its file, on the host or as the guest names it; empty without one
  std::string requester;  ///< the DSO that needs or opens it; empty for the embedder and the user
  bool is_opened;         ///< by dlopen or Program::open, not needed by another library
  base::Sha256 sha256;    ///< of the module's bytes
};

/// Refuses a library by returning an error, whose message becomes part of what dlopen or the load says.
using LibraryFilter = std::function<Result<>(const LibraryCandidate& candidate)>;

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

/// An embedder's own source of libraries. Asked for bare names that no registered module has. `requester` is the name
/// of the DSO that needs it. An empty optional: not mine, search on. An error ends the load.
using ModuleReader =
    std::function<Result<std::optional<base::FileBytes>>(const std::string& name, const std::string& requester)>;

/// Where the data of libraries goes that come after a PIE's first layout; see placement.h.
enum class Place : uint8_t { automatic, reserve, heap, stack, grow };
[[nodiscard]] const char* to_string(Place place);

/// Which needed libraries are instantiated only when one of their symbols is used.
enum class LazyLoading : uint8_t {
  unobservable,  ///< those of which nobody can tell: no constructors, and nobody takes addresses of their data
  all,           ///< all that nobody takes data addresses of (`--lazy-load=all`)
  none,          ///< (`--preload-all`)
};

struct ProgramOptions {
  // -- Search (design: Loading in order, 1). Paths given here are trusted.
  /// Directories for bare names, in order (`-L`, TENON_LIBRARY_PATH).
  std::vector<std::string> library_path;
  /// Libraries that come right after main in the global scope: bare names or paths (`--preload`).
  std::vector<std::string> preload;
  /// Names with slashes and runtime paths inside modules may lead anywhere on the host (`--trust-runpath`).
  bool trust_runtime_path = false;
  /// Modules that bare names are looked up in before everything else.
  std::map<std::string, std::shared_ptr<SharedModule>, std::less<>> registered_modules;
  ModuleReader module_reader;
  /// Whether the guest can write what a descriptor of the host (a file, or the directory it lies in) is: such files are
  /// copied, for validated bytes must not change; all others are mapped. Absent: none can be written.
  std::function<bool(int descriptor)> guest_can_write;
  /// How names with a slash that the guest passes are opened. Absent: the guest has no files.
  GuestFileOpener open_guest_file;
  /// Asked about every library but the main module, before anything of it is placed. Absent: all may be loaded.
  LibraryFilter library_filter;

  // -- Opening libraries while the program runs.
  /// Whether the guest may; the embedder may always.
  bool guest_may_open = true;
  /// Told after the fact; must not call into the program.
  std::function<void(const LibraryEvent& event)> on_library;

  // -- Binding.
  /// Resolve every function at load instead of at its first call.
  bool bind_now = false;
  LazyLoading lazy_loading = LazyLoading::unobservable;

  // -- Code.
  runtime::CodeOptions code;

  // -- Sizes, in bytes unless said.
  /// Of the guest's stack in the memory of a PIE (`--stack-size`); rounded up to 16.
  uint64_t stack_size = uint64_t{1} << 20;
  /// Left free in a PIE's memory before the heap, for libraries opened later (`--reserve`).
  uint64_t reserve = 0;
  /// Where later libraries go (`--place`). Automatic: the first place that can.
  Place place = Place::automatic;
  /// Of a thread's stack of interpreted frames and values: address space, pages that are touched count.
  uint64_t interpreter_stack = uint64_t{8} << 20;

  /// Of the native stack of a thread that the guest spawns: address space.
  uint64_t thread_stack = uint64_t{2} << 20;
  /// Of the guest's stack of a further thread of the host's that calls into the program; from the program's memory.
  uint64_t host_thread_stack = uint64_t{128} << 10;

  // -- Limits.
  uint64_t maximum_memory = uint64_t{4} << 30;  ///< bytes of each linear memory (`--max-memory`)
  uint64_t maximum_table = 10'000'000;          ///< elements of each table
  uint32_t maximum_libraries = 10'000;          ///< DSOs, plain modules counted
  uint32_t maximum_threads = 4096;              ///< besides the one that loads the program (`--max-threads`)

  // -- Telling.
  DebugCategories debug = 0;
  /// Receives each line without its newline; must not call into the program. Absent: stderr.
  std::function<void(std::string_view line)> debug_sink;
};

}  // namespace tenon::link
