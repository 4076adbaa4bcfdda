// What the linker tells people: debug lines as LD_DEBUG writes them, statistics, and the answers to questions about a
// loaded or examined program (link map, dependency tree, missing symbols).
#pragma once

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "link/options.h"

namespace tenon::link {

/// The steps of loading, in order (design: Loading in order). Decoding and validating goes with search, because what a
/// module needs is known only then; it is timed by itself.
enum class Step : uint8_t { search, decode, layout, resolve, instantiate, relocate, publish, construct };
constexpr size_t kStepCount = 8;
[[nodiscard]] const char* to_string(Step step);

/// A number that any thread adds to.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) : value_(other) {}
  Counter& operator=(const Counter& other) {
    value_.store(other, std::memory_order_relaxed);
    return *this;
  }

  void operator+=(uint64_t more) { value_.fetch_add(more, std::memory_order_relaxed); }
  void operator++() { *this += 1; }
  operator uint64_t() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Statistics {
  Counter libraries;                            ///< DSOs loaded, main counted
  Counter put_off;                              ///< of these, not instantiated until they are used
  Counter put_off_used;                         ///< of these, used by now
  Counter opened;                               ///< calls of dlopen, and the embedder's, that succeeded
  Counter unloaded;                             ///< DSOs
  Counter modules_decoded;                      ///< of these, decoded and validated for it
  Counter modules_shared;                       ///< of these, found decoded in the process
  Counter files_tried;                          ///< files that were looked for
  Counter lookups;                              ///< symbols looked up in scopes
  Counter lookups_in_dso;                       ///< and in how many DSOs together
  Counter bound_at_load;                        ///< functions
  Counter bound_lazily;                         ///< functions
  Counter cells;                                ///< GOT cells filled
  Counter data_relocations;                     ///< DSOs whose data relocations were applied
  Counter table_slots;                          ///< slots given to functions whose address was taken
  Counter constructors;                         ///< DSOs constructed
  Counter instances;                            ///< made, in all threads
  Counter threads;                              ///< that the guest spawned
  std::array<Counter, kStepCount> nanoseconds;  ///< by step

  /// Several lines, as `--debug=statistics` prints them.
  [[nodiscard]] std::string text() const;
};

/// How a DSO was found.
enum class FoundThrough : uint8_t {
  main,            ///< it is the main module
  registered,      ///< a module registered under the name
  module_reader,   ///< the embedder's
  runtime_path,    ///< the requester's runtime path
  library_path,    ///< `-L`
  main_directory,  ///< beside the main module
  path,            ///< the name was a path
  instantiated,    ///< a plain module that the embedder instantiated
};
[[nodiscard]] const char* to_string(FoundThrough through);

/// One DSO of a loaded program, in load order.
struct LinkMapEntry {
  std::string name;  ///< as it was first asked for
  std::string path;  ///< of its file; empty when it has none
  FoundThrough found_through;
  std::string requester;  ///< the DSO that first needed it; empty for main and preloads
  std::vector<std::string> needed;
  bool position_independent;
  uint64_t memory_base;
  uint64_t memory_size;
  uint64_t table_base;
  uint64_t table_size;
};

/// A reference that cannot be bound: nobody defines the symbol, or what defines it is something else.
struct MissingSymbol {
  std::string importer;
  std::string module;  ///< of the import: "env", "GOT.mem", ...
  std::string symbol;
  std::string expected;  ///< "function (i32) -> i32", "data", ...
  std::string found;     ///< empty: nothing; else what was found, and of what type
  std::string found_in;  ///< the DSO or host module that has what was found
  std::vector<std::string> searched;

  /// One line for a list of them: symbol, importer, expected, found, where searched.
  [[nodiscard]] std::string text() const;
};

/// One needed library as `tenon ldd` shows it.
struct Dependency {
  std::string name;  ///< as it is needed
  std::string path;  ///< where it was found; empty when not, and for what has no file
  bool found = false;
  std::string reason;  ///< when not found: where it was looked for and what was wrong there
  FoundThrough found_through = FoundThrough::path;
  std::vector<std::string> needed;  ///< names of others in the same list
  /// Loading it would be put off until one of its symbols is used.
  bool lazy = false;
  // What it asks for in its `dylink.0`. Alignments are exponents of two.
  uint64_t memory_size = 0;
  uint32_t memory_alignment = 0;
  uint64_t table_size = 0;
  uint32_t table_alignment = 0;
};

/// What would be loaded for a main module, without running any of it.
struct Examination {
  /// Main first, then preloads, then breadth first; each file once.
  std::vector<Dependency> dependencies;
  /// Everything that is not resolved, over all DSOs found; only when symbols were asked for. Weak ones are not missing.
  std::vector<MissingSymbol> missing;
};

/// Untrusted text for messages: cut when it is long, control characters and quotes escaped.
[[nodiscard]] std::string printable(std::string_view text);

/// The same, made only when it is formatted: for debug lines.
struct Printable {
  std::string_view text;
};

/// Where debug lines go, and what is counted. Thread-safe; lines of several threads come one after the other.
class Report {
 public:
  Report(DebugCategories categories, std::function<void(std::string_view)> sink);

  [[nodiscard]] bool wants(DebugCategory category) const { return (categories_ & category) != 0; }

  /// A line of `category`, when it is wanted.
  template <class... Args>
  void line(DebugCategory category, fmt::format_string<Args...> format, Args&&... args) {
    if (wants(category)) [[unlikely]] {
      write(fmt::format(format, std::forward<Args>(args)...));
    }
  }

  Statistics statistics;

 private:
  void write(const std::string& text);

  DebugCategories categories_;
  std::mutex writing_;  ///< held while a line is handed over
  std::function<void(std::string_view)> sink_;
};

/// Adds the time it lives to a step's.
class StepTimer {
 public:
  StepTimer(Statistics& statistics, Step step)
      : nanoseconds_(statistics.nanoseconds[static_cast<size_t>(step)]), start_(std::chrono::steady_clock::now()) {}
  ~StepTimer() {
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - start_;
    nanoseconds_ += static_cast<uint64_t>(time.count());
  }
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

 private:
  Counter& nanoseconds_;
  std::chrono::steady_clock::time_point start_;
};

/// Runs one step and adds its time to the statistics.
template <class Function>
auto timed(Statistics& statistics, Step step, Function&& function) {
  const StepTimer timer(statistics, step);
  return function();
}

}  // namespace tenon::link

template <>
struct fmt::formatter<tenon::link::Printable> : fmt::formatter<std::string_view> {
  auto format(const tenon::link::Printable& name, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(tenon::link::printable(name.text), context);
  }
};
