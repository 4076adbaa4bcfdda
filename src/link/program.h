// A program: a link namespace with its memory, its function table, its DSOs and its threads, seen from outside.
//
// How one is run:
//
//   Engine engine;
//   auto program = TENON_TRY(Program::create(engine, options));
//   TENON_CHECK(program->add_host_module("wasi_snapshot_preview1", wasi::functions(), &wasi));
//   TENON_CHECK(program->load_main("app.wasm"));     // finds, places, links, runs the libraries' constructors
//   CallOutcome outcome = TENON_TRY(program->run()); // _start
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/dso.h"
#include "link/engine.h"
#include "link/host_module.h"
#include "link/memory_map.h"
#include "link/open_flags.h"
#include "link/options.h"
#include "link/report.h"
#include "runtime/host.h"
#include "runtime/trap.h"

namespace tenon::link {

/// How a call into the guest ended.
struct CallOutcome {
  enum class Kind : uint8_t {
    returned,   ///< `results` hold what it returned
    trap,       ///< `trap` says which and where
    exit,       ///< the guest asked to end (proc_exit) with `exit_code`; so does every later call
    exception,  ///< a WebAssembly exception that nobody caught
  };
  Kind kind = Kind::returned;
  std::vector<abi::Cell> results;
  uint32_t exit_code = 0;
  runtime::Trap trap;
};

/// An exported global as the embedder sees it.
struct GlobalReference {
  wasm::GlobalType type;
  abi::Cell* cell;  ///< in the main thread, the first of two for a v128; valid as long as the program
};

/// Thread-safe from when main is loaded on. A host function that the guest calls may call back into it.
///
/// The OS thread that loads it is its main thread. In a program whose memory is shared (built with -pthread) each
/// further OS thread that calls in becomes a thread of the program, with a stack, instances and thread-local variables
/// of its own: until it calls leave(). In others one thread at a time may be in the program. An OS thread that enters a
/// program lets runtime::kInterruptSignal (SIGURG) through from then on: by that it is interrupted.
class Program {
 public:
  /// `engine` must outlive the program. Errors: limit (no address space), usage.
  [[nodiscard]] static Result<std::unique_ptr<Program>> create(Engine& engine, ProgramOptions options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // -- Before loading.

  /// Makes host functions importable as (`name`, function name) by every DSO; those of module "env" by any DSO as a
  /// symbol that no DSO defines. `environment` is handed to each and must outlive the program, as must the names and
  /// signatures; the definitions are copied. Adding to a module again adds functions; errors: usage (a function twice).
  [[nodiscard]] Result<> add_host_module(const std::string& name,
                                         std::span<const runtime::HostFunctionDefinition> functions, void* environment);
  /// Asked for host functions that no host module has.
  void set_host_resolver(HostResolver resolver);

  // -- Loading.

  /// The whole sequence of the design's "Loading, in order" for a main module and everything it needs: afterwards the
  /// libraries are constructed and nothing of main has run but its start function (and `_initialize` when it has no
  /// `_start`). On failure the program is as it was before, but for what constructors did outside of it.
  /// When guest code ends the program while loading (a constructor calls exit), the result is good and run() and
  /// call() give that exit.
  /// Errors: not_found (the file itself is not there: exit code 127), trap (134), all others mean 126.
  [[nodiscard]] Result<> load_main(const std::string& path);
  /// The same for bytes or a module of the embedder's. `directory` is main's `$ORIGIN` and the last place where bare
  /// names are looked for; empty for none.
  [[nodiscard]] Result<> load_main(std::shared_ptr<SharedModule> module, const std::string& directory = {});

  /// Instantiates a plain module as the specification says: imports come by module name from host modules and
  /// registered instances, each matched by the rules of import matching; then active segments in order, then the start
  /// function. Errors: unlinkable (no such import, or no match), trap (active segment or start function; what was
  /// written before stays, and so does the module itself as long as the program), limit (memory, tables).
  [[nodiscard]] Result<Dso*> instantiate(std::shared_ptr<SharedModule> module, const std::string& name);
  /// Makes the exports of `dso` importable under the module name `name`; replaces what had it.
  void register_instance(std::string name, Dso& dso);

  /// What loading `path` as main would find, without placing, writing or running anything. Libraries that are not found
  /// do not end it. `resolve_symbols`: also look up every symbol (`tenon ldd -r`); host modules take part.
  /// Errors: those of load_main for the main file itself, and for libraries that are found but are not usable.
  [[nodiscard]] Result<Examination> examine(const std::string& path, bool resolve_symbols);
  /// The same, placed as loading would place it: who has which part of the memory and of the function table.
  [[nodiscard]] Result<MemoryMap> map_memory(const std::string& path);

  // -- Opening libraries while the program runs.

  /// dlopen by the embedder: loads and constructs the library, unless it is there; every good call wants its close().
  /// A name with a slash is a path of the host's; a bare one is looked for as a needed library is. May be called by
  /// host functions. Lives, and the Dso with it, until it is closed and nothing else needs it. Errors: those of
  /// load_main, for the library; trap, when a constructor trapped: everything of it is taken back then. usage, when
  /// nothing is loaded yet or the program has ended.
  [[nodiscard]] Result<Dso*> open(const std::string& name, OpenFlags flags = {});
  /// dlclose. `dso` may be gone afterwards. Errors: usage, when it is not open; trap, of a destructor (it is closed all
  /// the same).
  [[nodiscard]] Result<> close(Dso& dso);

  /// A symbol of a library or of what it needs (of main: of the global scope), as dlsym finds it.
  struct Symbol {
    uint32_t address = 0;  ///< of data, in the program's memory; of a function, its slot in the function table
    bool is_function = false;
    wasm::FunctionType type;  ///< of a function
  };
  /// Errors: not_found, unlinkable (it has no address), limit.
  [[nodiscard]] Result<Symbol> symbol(Dso& dso, std::string_view name);
  /// Calls what stands in slot `function` of the function table: a symbol's, or a callback that the guest passed.
  /// Errors: usage (no function there, or it takes other arguments).
  [[nodiscard]] Result<CallOutcome> call_slot(uint32_t function, std::span<const abi::Cell> arguments);
  /// The type of what stands there. Errors: usage (no function there).
  [[nodiscard]] Result<wasm::FunctionType> slot_type(uint32_t function) const;
  /// The same for a function reference that was just read from a global or a table of the program's.
  [[nodiscard]] Result<CallOutcome> call(const abi::FunctionDescriptor& function, std::span<const abi::Cell> arguments);
  /// A function of the host's as a function pointer for the guest. `environment` and the name must outlive the program.
  /// The program keeps it as long as it lives. Errors: limit, unlinkable (no function table).
  [[nodiscard]] Result<uint32_t> add_callback(const runtime::HostFunctionDefinition& function, void* environment);
  /// The bytes [address, address + length) of the program's memory, null when they are not all in it. Valid as long as
  /// the program; other threads of the guest may write them at any time.
  [[nodiscard]] uint8_t* memory(uint64_t address, uint64_t length) const;
  /// The memory that all libraries share; null without one.
  [[nodiscard]] const runtime::Memory* shared_memory() const;

  // -- Running.

  /// Calls main's `_start`. Errors: usage, when nothing is loaded or main has none (names what it does export).
  [[nodiscard]] Result<CallOutcome> run();
  /// Calls an exported function. `arguments`: one cell per parameter, two for a v128, of the parameter's type by the
  /// caller's word. Errors: usage (no such function, wrong number of arguments).
  [[nodiscard]] Result<CallOutcome> call(Dso& dso, std::string_view function, std::span<const abi::Cell> arguments);
  /// The same by a function's index in the module, exported or not.
  [[nodiscard]] Result<CallOutcome> call(Dso& dso, uint32_t function, std::span<const abi::Cell> arguments);
  /// Makes a program whose guest has asked to end (proc_exit) callable again, as it was left. False, and it stays
  /// ended, when its memory is shared (its threads were told to end) or a call is in progress.
  bool forget_exit();
  /// An exported global. Errors: usage.
  [[nodiscard]] Result<GlobalReference> global(Dso& dso, std::string_view name);

  // -- Threads.

  /// Makes all calls into the guest that are in progress trap with `interrupted`, and all threads that it spawned end,
  /// also those in endless loops and those that wait. Returns at once, when they may still be on their way out; one
  /// that was just about to wait needs another interruption. May be called by any thread at any time.
  void interrupt();
  /// The same for one thread: main's is 0, one that the guest spawned has the identifier that it knows it by. Of the
  /// calling OS thread, while it is in a host function of the program's, this_thread() says it. A thread that was
  /// spawned ends so, and joining it succeeds; what it had locked stays locked. False when it is not in the program.
  bool interrupt(int32_t thread);
  /// Nothing when the calling OS thread is not in the program.
  [[nodiscard]] std::optional<int32_t> this_thread() const;
  /// The calling OS thread is no thread of the program any more, and gives back what it had as one. Without effect for
  /// the main thread, and from inside of the program. What an OS thread had that ended without it stays until the
  /// program goes, and counts as one of its threads.
  void leave();

  // -- Asking.

  [[nodiscard]] Dso* main() const;
  /// In load order.
  [[nodiscard]] std::vector<LinkMapEntry> link_map() const;
  [[nodiscard]] const Statistics& statistics() const;
  /// Bytes of the program's memory now; 0 without one.
  [[nodiscard]] uint64_t memory_size() const;

 private:
  explicit Program(std::unique_ptr<Namespace> state);
  std::unique_ptr<Namespace> state_;
};

}  // namespace tenon::link
