#include "link/load.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "link/guest_call.h"
#include "link/instantiate.h"
#include "link/layout.h"
#include "link/resolve.h"

namespace tenon::link {

namespace {

/// Runs one step and adds its time to the statistics.
template <class Function>
Result<> timed(Namespace& program, Step step, Function&& function) {
  const StepTimer timer(program.report.statistics, step);
  return function();
}

/// Makes the symbols of the new DSOs visible.
void publish(Namespace& program, LoadSet& load) {
  const std::unique_lock lock(program.link_map_lock);
  program.global_scope = load.scope;
  program.main = load.dsos.front();
  for (Dso* const dso : load.dsos) {
    dso->state = State::published;
    program.link_map.push_back(dso);
  }
}

Result<> run_steps(Namespace& program, LoadSet& set, Found main, const std::string& name) {
  TENON_CHECK(search(program, set, std::move(main), name));
  TENON_CHECK(timed(program, Step::layout, [&] { return lay_out(program, set); }));
  TENON_CHECK(timed(program, Step::resolve, [&] { return resolve(program, set); }));
  TENON_CHECK(timed(program, Step::instantiate, [&] { return instantiate(program, set); }));
  TENON_CHECK(timed(program, Step::relocate, [&] { return apply_data_relocations(program, set); }));
  publish(program, set);
  TENON_CHECK(timed(program, Step::construct, [&] { return construct(program, set); }));
  return {};
}

/// What the loaded file itself lacks is for its caller to tell apart from what a library of it lacks.
Error needed_error(Error error) {
  if (error.kind == ErrorKind::not_found) {
    error.kind = ErrorKind::unlinkable;
  }
  return error;
}

/// A DSO that is there already under this name, or as this file or module: one file is one DSO however it is named.
Dso* find_by_name(const Namespace& program, const std::string& name) {
  const std::shared_lock lock(program.link_map_lock);
  const auto known = program.dsos_by_name.find(name);
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
  const auto known = program.dsos_by_file.find({file.device, file.inode});
  return known == program.dsos_by_file.end() ? nullptr : known->second;
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

/// Decodes and validates what was found and makes a DSO of it.
Result<Dso*> add(Namespace& program, LoadSet& set, Found found, const std::string& name, Dso* requester) {
  if (found.module == nullptr) {
    const StepTimer timer(program.report.statistics, Step::decode);
    const uint64_t decoded = program.engine.counts().decoded;
    auto loaded = program.engine.load(found.bytes, found.path.empty() ? name : found.path, program.options.code);
    if (!loaded) {
      return fail(loaded.error().kind, "cannot load {}{}{}", loaded.error().message,
                  requester == nullptr ? "" : "; needed by " + requester->name, remedy(loaded.error().kind));
    }
    found.module = *std::move(loaded);
    ++(program.engine.counts().decoded != decoded ? program.report.statistics.modules_decoded
                                                  : program.report.statistics.modules_shared);
  }
  // sandbox: code without bounds checks runs only on memories that are guarded.
  if (found.module->options() != program.options.code) {
    return fail(ErrorKind::usage, "{} was loaded with other code options than the program's", printable(name));
  }
  if (!found.module->is_dynamic() && !set.dsos.empty()) {
    return fail(ErrorKind::unlinkable,
                "{}, needed by {}, is not a shared library: it has no dylink.0 section; build it with -shared -fPIC",
                found.path.empty() ? printable(name) : found.path,
                requester == nullptr ? "--preload" : requester->name);
  }
  Dso* const dso = TENON_TRY(program.add_dso(found.module, printable(name)));
  dso->path = found.path;
  dso->directory = found.directory;
  dso->origin = found.origin;
  dso->found_through = found.through;
  dso->requester = requester;
  dso->is_main = set.dsos.empty();
  set.dsos.push_back(dso);
  {
    const std::unique_lock lock(program.link_map_lock);
    program.dsos_by_module.emplace(found.module.get(), dso);
    if (found.bytes.identity().inode != 0) {
      program.dsos_by_file.emplace(std::pair(found.bytes.identity().device, found.bytes.identity().inode), dso);
    }
  }
  ++program.report.statistics.libraries;
  program.report.line(kDebugFiles, "file={};  {}{}  [{}]", dso->name, requester == nullptr ? "loaded" : "needed by ",
                      requester == nullptr ? "" : requester->name,
                      dso->path.empty() ? to_string(dso->found_through) : dso->path);
  return dso;
}

/// The DSO for a name: one that is there, or a new one. `find` looks for its bytes.
template <class Find>
Result<Dso*> find_or_add(Namespace& program, LoadSet& set, const std::string& name, Dso* requester, Find&& find) {
  if (Dso* const known = find_by_name(program, name)) {
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
  program.dsos_by_name.emplace(name, dso);
  return dso;
}

}  // namespace

Result<> load(Namespace& program, Found main, const std::string& name) {
  LoadSet set;
  Result<> loaded = run_steps(program, set, std::move(main), name);
  if (!loaded) {
    undo(program, set);
  }
  if (program.report.wants(kDebugStatistics)) {
    program.report.line(kDebugStatistics, "{}", program.report.statistics.text());
  }
  return loaded;
}

void undo(Namespace& program, const LoadSet& set) {
  program.discard(set.dsos);
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
  if (TENON_TRY(add(program, set, std::move(main), name, nullptr))->shared().is_dynamic()) {
    program.search.open_roots();
  }

  for (const std::string& preload : program.options.preload) {
    auto dso = find_or_add(program, set, preload, nullptr, [&] { return program.search.find_preload(preload); });
    if (!dso) {
      return std::unexpected(needed_error(std::move(dso).error()));
    }
  }
  // Breadth first: the list grows while it is gone through.
  for (size_t i = 0; i < set.dsos.size(); ++i) {
    Dso& requester = *set.dsos[i];
    if (!requester.module().dylink) {
      continue;
    }
    if (requester.module().dylink->needed.size() > program.options.maximum_libraries) {
      return fail(ErrorKind::limit, "{} needs {} libraries; a program may have {}", requester.name,
                  requester.module().dylink->needed.size(), program.options.maximum_libraries);
    }
    for (const std::string& needed : requester.module().dylink->needed) {
      auto dso =
          find_or_add(program, set, needed, &requester, [&] { return program.search.find_needed(needed, requester); });
      if (dso) {
        if (std::ranges::find(requester.needed, *dso) == requester.needed.end()) {
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
  set.scope->dsos = set.dsos;
  for (Dso* const dso : set.dsos) {
    dso->scopes = {set.scope};
  }
  return {};
}

Result<> construct(Namespace& program, LoadSet& set) {
  for (Dso* const dso : dependency_order(set.dsos)) {
    const bool constructs_itself = dso->is_main && dso->shared().start.has_value();
    if (const auto function = dso->shared().initialize; function && !constructs_itself && !program.exit_code) {
      program.report.line(kDebugInit, "calling init: {}", dso->name);
      dso->constructor_thread = std::this_thread::get_id();
      dso->state = State::constructing;
      TENON_CHECK(call_guest(program, *program.main_thread, *dso, *function, "running the constructors of"));
      ++program.report.statistics.constructors;
    }
    dso->state = State::ready;
  }
  return {};
}

}  // namespace tenon::link
