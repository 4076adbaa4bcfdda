#include "link/load.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <unordered_set>

#include "base/sha256.h"
#include "link/guest_call.h"
#include "link/inquiry.h"
#include "link/instantiate.h"
#include "link/layout.h"
#include "link/put_off.h"
#include "link/resolve.h"

namespace tenon::link {

namespace {

/// So many names of one DSO are remembered; by others its file is looked at each time. A file has as many as there are
/// ways to write its path.
constexpr uint32_t kMaximumNames = 16;

/// Makes the symbols of main and what came with it visible. The global scope is a list of its own, for libraries opened
/// with RTLD_GLOBAL join it.
void publish_first(Namespace& program, LoadSet& load) {
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : load.dsos) {
    dso->load_scope = load.scope;
  }
  publish(program, load.dsos);
}

Result<> run_steps(Namespace& program, LoadSet& set, Found main, const std::string& name) {
  {
    const std::scoped_lock lock(program.loader_lock);
    TENON_CHECK(search(program, set, std::move(main), name));
  }
  TENON_CHECK(timed(program.report.statistics, Step::layout, [&] { return lay_out(program, set); }));
  TENON_CHECK(timed(program.report.statistics, Step::resolve, [&] { return resolve(program, set); }));
  choose_put_off(program, set);
  TENON_CHECK(timed(program.report.statistics, Step::instantiate, [&] { return instantiate(program, set); }));
  TENON_CHECK(timed(program.report.statistics, Step::relocate, [&] { return apply_data_relocations(program, set); }));
  publish_first(program, set);
  TENON_CHECK(timed(program.report.statistics, Step::construct, [&] { return construct(program, set); }));
  return {};
}

/// What the loaded file itself lacks is for its caller to tell apart from what a library of it lacks.
Error needed_error(Error error) {
  if (error.kind == ErrorKind::not_found) {
    error.kind = ErrorKind::unlinkable;
  }
  return error;
}

/// How a DSO is known by its name: the guest's paths are others than the host's.
std::string name_key(const std::string& name, bool is_guest_s) {
  return is_guest_s && name.contains('/') ? "guest:" + name : name;
}

/// What to do about a module that cannot be decoded or does not validate.
const char* remedy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed:
      return ". The file is damaged or no module at all: copy or build it again";
    case ErrorKind::invalid:
      return ". What made this file made a mistake, or the file was changed since: build it again";
    case ErrorKind::unsupported:
      return ". Build it without that feature";
    default:
      return "";
  }
}

/// Asks the embedder whether `candidate` may become part of the program.
Result<> ask_filter(const Namespace& program, const SharedModule& module, const Dso* requester, bool is_opened,
                    const std::string& name, const std::string& path) {
  if (!program.options.library_filter) {
    return {};
  }
  LibraryCandidate candidate{.name = name,
                             .path = path,
                             .requester = requester == nullptr ? "" : requester->name,
                             .is_opened = is_opened,
                             .sha256 = {}};
  const auto hash = module.hash();
  if (!hash) {
    return fail(ErrorKind::io, "{}: the file was truncated while it was being loaded", printable(name));
  }
  candidate.sha256 = *hash;
  if (auto allowed = program.options.library_filter(candidate); !allowed) {
    return fail(ErrorKind::unlinkable, "{} may not be loaded: {}", printable(name), allowed.error().message);
  }
  return {};
}

/// "needed by libfoo.so", or who else wants it.
std::string wanted_by(const LoadSet& set, const Dso* requester) {
  if (!set.is_first && set.dsos.empty()) {
    return "opened by " + (requester == nullptr ? "the host program" : requester->name);
  }
  return "needed by " + (requester == nullptr ? "--preload" : requester->name);
}

/// The DSO for a name: one that is there, or a new one. `find` looks for its bytes.
template <class Find>
Result<Dso*> find_or_add(Namespace& program, LoadSet& set, const std::string& name, bool is_guest_s, Dso* requester,
                         Find&& find) {
  const std::string key = name_key(name, is_guest_s);
  if (Dso* const known = find_by_name(program, key)) {
    return known;
  }
  Result<Found> found;
  {
    const StepTimer timer(program.report.statistics, Step::search);
    found = find();
  }
  if (!found) {
    return std::unexpected(std::move(found).error());
  }
  Dso* dso = find_same(program, *found);
  if (dso == nullptr) {
    dso = TENON_TRY(add(program, set, *std::move(found), name, requester));
  }
  const std::unique_lock lock(program.link_map_lock);
  if (dso->names < kMaximumNames && program.dsos_by_name.emplace(key, dso).second) {
    ++dso->names;
  }
  return dso;
}

/// Adds everything that the DSOs of `set` need, breadth first: the list grows while it is gone through.
Result<> add_needed(Namespace& program, LoadSet& set) {
  const bool told_to_guest = set.opener != nullptr;
  for (size_t i = 0; i < set.dsos.size(); ++i) {
    Dso& requester = *set.dsos[i];
    if (!requester.module().dylink) {
      continue;
    }
    const auto& needed_names = requester.module().dylink->needed;
    if (needed_names.size() > program.options.maximum_libraries) {
      return fail(ErrorKind::limit, "{} needs {} libraries; a program may have {}", requester.name, needed_names.size(),
                  program.options.maximum_libraries);
    }
    for (const wasm::Name& needed_name : needed_names) {
      const std::string needed = needed_name.str();
      auto dso = find_or_add(program, set, needed, requester.origin == Origin::guest_file, &requester,
                             [&] { return program.search.find_needed(needed, requester, told_to_guest); });
      if (dso) {
        if (std::ranges::find(requester.needed, *dso) == requester.needed.end()) {
          // Who unloads others goes through it meanwhile.
          const std::unique_lock lock(program.link_map_lock);
          requester.needed.push_back(*dso);
        }
        continue;
      }
      const bool is_absent = dso.error().kind == ErrorKind::not_found || dso.error().kind == ErrorKind::io;
      if (!set.tolerate_absent || !is_absent) {
        return std::unexpected(needed_error(std::move(dso).error()));
      }
      set.absent.push_back({&requester, needed, std::move(dso).error().message});
    }
  }
  return {};
}

}  // namespace

Dso* find_by_name(const Namespace& program, const std::string& key) {
  const std::shared_lock lock(program.link_map_lock);
  const auto known = program.dsos_by_name.find(key);
  return known == program.dsos_by_name.end() ? nullptr : known->second;
}

Dso* find_same(const Namespace& program, const Found& found) {
  const std::shared_lock lock(program.link_map_lock);
  if (found.module != nullptr) {
    const auto known = program.dsos_by_module.find(found.module.get());
    return known == program.dsos_by_module.end() ? nullptr : known->second;
  }
  const base::FileIdentity& file = found.bytes.identity();
  if (file.inode == 0) {  // bytes of the embedder's
    return nullptr;
  }
  const auto known = program.dsos_by_file.find(file_key(file));
  return known == program.dsos_by_file.end() ? nullptr : known->second;
}

Result<Dso*> add(Namespace& program, LoadSet& set, Found found, const std::string& name, Dso* requester) {
  const bool is_main = set.is_first && set.dsos.empty();
  const bool is_opened = !set.is_first && set.dsos.empty();
  const std::string wanted = wanted_by(set, requester);
  if (found.module == nullptr) {
    const StepTimer timer(program.report.statistics, Step::decode);
    const uint64_t decoded = program.engine.counts().decoded;
    auto loaded = program.engine.load(found.bytes, found.path.empty() ? name : found.path, program.options.code,
                                      {.path = found.origin == Origin::host_file ? found.path : "",
                                       .is_main = is_main,
                                       .guest_can_write = program.options.guest_can_write});
    if (!loaded) {
      return fail(loaded.error().kind, "cannot load {}{}{}", loaded.error().message, is_main ? "" : "; " + wanted,
                  remedy(loaded.error().kind));
    }
    found.module = *std::move(loaded);
    ++(program.engine.counts().decoded != decoded ? program.report.statistics.modules_decoded
                                                  : program.report.statistics.modules_shared);
  }
  // sandbox: code without bounds checks runs only on memories that are guarded.
  if (found.module->options() != program.options.code) {
    return fail(ErrorKind::usage, "{} was loaded with other code options than the program's", printable(name));
  }
  const std::string place = found.path.empty() ? printable(name) : printable(found.path);
  if (!found.module->is_dynamic() && !is_main) {
    return fail(ErrorKind::unlinkable,
                "{}, {}, is not a shared library: it has no dylink.0 section; build it with -shared -fPIC", place,
                wanted);
  }
  if (found.module->start && is_opened) {
    return fail(ErrorKind::unlinkable, "{}, {}, is a program and not a shared library: it exports _start", place,
                wanted);
  }
  if (!is_main) {
    TENON_CHECK(ask_filter(program, *found.module, requester, is_opened, name, found.path));
  }
  Dso* const dso = TENON_TRY(program.add_dso(found.module, printable(name)));
  dso->path = found.path;
  dso->directory = found.directory;
  dso->origin = found.origin;
  dso->found_through = found.through;
  dso->requester = requester == nullptr ? "" : requester->name;
  dso->is_main = is_main;
  dso->loader = set.thread;
  dso->came_with_main = set.is_first;
  dso->never_unloaded = set.is_first;
  set.dsos.push_back(dso);
  {
    const std::unique_lock lock(program.link_map_lock);
    program.dsos_by_module.emplace(found.module.get(), dso);
    if (found.bytes.identity().inode != 0) {
      program.dsos_by_file.emplace(file_key(found.bytes.identity()), dso);
    }
  }
  ++program.report.statistics.libraries;
  program.report.line(kDebugFiles, "file={};  {}  [{}]", dso->name, requester == nullptr ? "loaded" : wanted,
                      dso->path.empty() ? to_string(dso->found_through) : dso->path);
  return dso;
}

Result<Dso*> search_opened(Namespace& program, LoadSet& set, const std::string& name, Dso* requester) {
  Dso* const root = TENON_TRY(find_or_add(program, set, name, requester != nullptr, requester,
                                          [&] { return program.search.find_opened(name, requester); }));
  TENON_CHECK(add_needed(program, set));
  set.scope = std::make_shared<Scope>(Scope{breadth_first(*root)});
  // An allocator that is asked for a library's memory, or a start function, may open others meanwhile.
  const std::unordered_set<const Dso*> fresh(set.dsos.begin(), set.dsos.end());
  for (const Dso* const dso : set.scope->dsos) {
    if (dso != root && dso->state == State::loading && !fresh.contains(dso) && !is_busy(*set.thread, *dso)) {
      return fail(ErrorKind::usage, "it needs {}, which is in the middle of being loaded", dso->name);
    }
  }
  return root;
}

Result<Dso*> find_loaded(Namespace& program, const std::string& name, Dso* requester) {
  if (Dso* const known = find_by_name(program, name_key(name, requester != nullptr))) {
    return known;
  }
  auto found = program.search.find_opened(name, requester);
  if (!found) {
    return found.error().kind == ErrorKind::not_found ? nullptr : Result<Dso*>(std::unexpected(found.error()));
  }
  return find_same(program, *found);
}

std::vector<Dso*> breadth_first(Dso& root) {
  std::vector<Dso*> list{&root};
  std::unordered_set<const Dso*> seen{&root};
  for (size_t i = 0; i < list.size(); ++i) {
    for (Dso* const needed : list[i]->needed) {
      if (seen.insert(needed).second) {
        list.push_back(needed);
      }
    }
  }
  return list;
}

void publish(Namespace& program, std::span<Dso* const> dsos) {
  for (Dso* const dso : dsos) {
    if (dso->state == State::loading) {
      dso->state = State::published;
    }
    program.link_map.push_back(dso);
    do {
      program.last_handle += kHandleStep;
    } while (program.last_handle == 0 || program.dsos_by_handle.contains(program.last_handle));
    dso->handle = program.last_handle;
    program.dsos_by_handle.emplace(dso->handle, dso);
    ++program.loaded;
  }
}

Result<> load(Namespace& program, Found main, const std::string& name) {
  LoadSet set(*program.main_thread);
  Result<> loaded = run_steps(program, set, std::move(main), name);
  if (loaded) {
    end_loading(program, set);
  } else {
    // Its constructors may have spawned threads, which use everything.
    if (program.threads.has_spawned()) {
      end_program(program, program.main_thread.get(), Ending::kTrapCode);
      program.threads.end_spawned(program);
      program.ending.forget();
    }
    undo(program);
  }
  if (program.report.wants(kDebugStatistics)) {
    program.report.line(kDebugStatistics, "{}", program.report.statistics.text());
  }
  return loaded;
}

void undo(Namespace& program) {
  // All but the host's and plain modules: constructors may have opened libraries besides the set's.
  std::vector<Dso*> dsos;
  const bool code_ran = program.main != nullptr && program.main_thread->instance(*program.main) != nullptr;
  for (const auto& dso : program.dsos) {
    if (dso != nullptr && dso->index != HostModules::kDso && dso->found_through != FoundThrough::instantiated) {
      dsos.push_back(dso.get());
      if (code_ran) {
        dso->state = State::gone;  // references to its functions may have been handed out
      }
    }
  }
  if (program.inquiry != nullptr) {
    program.threads.for_each([&](GuestThread& thread) { (void)runtime::withdraw(thread.state(), *program.inquiry); });
    program.inquiry.reset();
  }
  program.gone.clear();
  program.anything_gone.store(false, std::memory_order_relaxed);
  program.discard(dsos);
  program.destructors.forget_all();
  program.placement.forget_all();
  program.main = nullptr;
  program.global_scope = nullptr;
  program.tags.clear();
  program.memory = nullptr;
  program.symbols = {};
  program.functions.adopt(nullptr);
  program.main_thread->state().stack_pointer = {};
  program.main_thread->state().stack_low = 0;
}

Result<> search(Namespace& program, LoadSet& set, Found main, const std::string& name) {
  set.scope = std::make_shared<Scope>();
  program.main = TENON_TRY(add(program, set, std::move(main), name, nullptr));
  if (program.main->shared().is_dynamic()) {
    program.search.open_roots();
  }

  for (const std::string& preload : program.options.preload) {
    auto dso = find_or_add(program, set, preload, false, nullptr, [&] { return program.search.find_preload(preload); });
    if (!dso) {
      return std::unexpected(needed_error(std::move(dso).error()));
    }
    (*dso)->is_preload = true;
  }
  TENON_CHECK(add_needed(program, set));
  set.scope->dsos = set.dsos;
  program.global_scope = std::make_shared<Scope>(*set.scope);
  for (Dso* const dso : set.dsos) {
    dso->scopes = {program.global_scope};
  }
  return {};
}

Result<> construct(Namespace& program, LoadSet& set) {
  std::vector<Dso*> order = dependency_order(set.dsos);
  if (!set.is_first) {  // the one that was opened comes last even when it is in a circle, as in glibc
    const auto root = std::ranges::find(order, set.dsos.front());
    std::rotate(root, root + 1, order.end());
  }
  for (Dso* const dso : order) {
    if (dso->state == State::put_off) {
      continue;
    }
    const bool constructs_itself = dso->is_main && dso->shared().start.has_value();
    if (const auto function = dso->shared().initialize; function && !constructs_itself && !program.ending) {
      program.report.line(kDebugInit, "calling init: {}", dso->name);
      if (dso->state != State::arriving) {  // that is used by nobody else until it is ready
        dso->state = State::constructing;
      }
      TENON_CHECK(call_guest(program, *set.thread, *dso, *function, "running the constructors of"));
      ++program.report.statistics.constructors;
    }
    dso->state = State::ready;
    if (program.ending) {
      break;
    }
  }
  return {};
}

bool is_busy(const GuestThread& thread, const Dso& dso) {
  if (dso.loader == nullptr) {
    return false;
  }
  for (const GuestThread* waiting = dso.loader; waiting != nullptr; waiting = waiting->waits_for) {
    if (waiting == &thread) {
      return false;
    }
  }
  return true;
}

Result<> wait_for_loader(Namespace& program, std::unique_lock<std::mutex>& lock, GuestThread& thread, const Dso& dso) {
  // So often a thread that waits looks whether it is to stop.
  constexpr auto kStep = std::chrono::milliseconds(20);
  if (program.ending || (thread.state().interrupt.load(std::memory_order_relaxed) & runtime::kLeave) != 0) {
    return fail(ErrorKind::usage, "interrupted while another thread was loading {}", dso.name);
  }
  thread.waits_for = dso.loader;
  program.loader_changed.wait_for(lock, kStep);
  thread.waits_for = nullptr;
  return {};
}

void end_loading_locked(Namespace& program, LoadSet& load) {
  for (Dso* const dso : load.dsos) {
    dso->loader = nullptr;
  }
  program.threads.for_each([&](GuestThread& thread) {
    if (thread.waits_for == load.thread) {
      thread.waits_for = nullptr;
    }
  });
}

void end_loading(Namespace& program, LoadSet& load) {
  {
    const std::scoped_lock lock(program.loader_lock);
    end_loading_locked(program, load);
  }
  program.loader_changed.notify_all();
}

}  // namespace tenon::link
