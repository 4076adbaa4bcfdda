// The engine of a process, and modules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/export.h"
#include "tenon/result.h"
#include "tenon/types.h"

namespace tenon {

/// How code is run, where images of compiled code come from, and what is kept.
struct EngineOptions {
  enum class Code : uint8_t {
    interpreted,  ///< images are not looked for
    automatic,    ///< compiled where there is an image, else interpreted
    compiled,     ///< what has no image is compiled first
  };
  enum class Compile : uint8_t {
    never,
    now,            ///< and run it
    in_background,  ///< for the next time; interpret meanwhile
  };
  Code code = Code::automatic;
  /// What to do with a module that has no image, when `code` is automatic.
  Compile compile = Compile::never;
  /// Of images; made when something is to be written. Empty: no cache, only images beside their modules are used.
  std::string cache_directory = {};
  /// The compiler's executable (tenon-compile). Empty: the installed one, if it is there.
  std::string compiler = {};
  /// Arguments for it: level, processor.
  std::vector<std::string> compiler_arguments = {};
  /// Told when an image is there but is not used, and why, and when a module could not be compiled. Absent: nobody.
  std::function<void(std::string_view text)> report = {};
  /// Compare each address, where address space is too short for guard pages.
  bool explicit_bounds_checks = false;
  /// Trap when a program's stack runs into what is below it.
  bool check_stack = false;
  /// How many modules, and of how many bytes together, are kept although no program uses them.
  size_t recent_modules = 64;
  uint64_t recent_bytes = uint64_t{256} << 20;
};

/// What a module imports or exports.
struct Symbol {
  enum class Kind : uint8_t { function, table, memory, global, tag };
  std::string module;  ///< of an import; else empty
  std::string name;
  Kind kind;
  FunctionType type;                    ///< of a function
  std::optional<ValueType> value = {};  ///< of a global
  bool is_mutable = false;              ///< a global
};

namespace detail {
struct EngineState;
struct ModuleAccess;
}  // namespace detail

/// A module, decoded and validated; with its image, if there is one. Immutable: copies are handles to the same one, and
/// any number of programs and threads may use it at once.
class TENON_API Module {
 public:
  /// As given to Engine::load.
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::vector<Symbol> imports() const;
  [[nodiscard]] std::vector<Symbol> exports() const;
  /// The libraries that it needs, as its `dylink.0` section names them.
  [[nodiscard]] std::vector<std::string> needed() const;
  /// Whether it takes part in dynamic linking (has `dylink.0`).
  [[nodiscard]] bool is_dynamic() const;
  /// Whether its code is compiled.
  [[nodiscard]] bool is_compiled() const;
  /// The content of the first custom section of this name; nothing when there is none, or the file shrank.
  [[nodiscard]] std::optional<std::vector<uint8_t>> custom_section(std::string_view section) const;

 private:
  friend struct detail::ModuleAccess;
  struct State;
  explicit Module(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Decodes, validates and translates each module once, however many programs use it. Copies are handles to the same
/// engine, which stays as long as a program of it. Thread-safe.
class TENON_API Engine {
 public:
  explicit Engine(EngineOptions options = {});

  /// A module's file, which must not be written to as long as it is used (replace it by rename). Errors: not_found, io,
  /// malformed, invalid, unsupported, limit; unlinkable, when its use of the dynamic linking ABI makes no sense.
  [[nodiscard]] Result<Module> load(const std::string& path) const;
  /// A copy of `bytes`. `name` is for messages, and for programs that need it as a library. Errors: the same.
  [[nodiscard]] Result<Module> load(std::span<const uint8_t> bytes, const std::string& name) const;

 private:
  friend class Program;
  std::shared_ptr<detail::EngineState> state_;
};

/// "0.1.0".
[[nodiscard]] TENON_API const char* version();

}  // namespace tenon
