#include "link/open.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "link/instantiate.h"
#include "link/layout.h"
#include "link/load.h"
#include "link/put_off.h"
#include "link/resolve.h"
#include "link/unload.h"

namespace tenon::link {

namespace {

void join_global_scope(Namespace& program, const Scope& scope) {
  auto& global = program.global_scope->dsos;
  for (Dso* const dso : scope.dsos) {
    if (std::ranges::find(global, dso) == global.end()) {
      global.push_back(dso);
    }
  }
}

/// Where the new DSOs look names up: the global scope and their own, in the order that RTLD_DEEPBIND chooses.
void give_scopes(Namespace& program, LoadSet& set, OpenFlags flags) {
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : set.dsos) {
    dso->scopes = {program.global_scope, set.scope};
    if (flags.own_first) {
      std::swap(dso->scopes[0], dso->scopes[1]);
    }
    dso->load_scope = set.scope;
  }
}

/// Makes the new DSOs visible. Libraries that were there already find what is new as well, as in glibc: what needs them
/// may be what completes them.
void publish_opened(Namespace& program, LoadSet& set, OpenFlags flags) {
  const std::unique_lock lock(program.link_map_lock);
  for (Dso* const dso : set.scope->dsos) {
    if (!dso->never_unloaded && std::ranges::find(dso->scopes, set.scope) == dso->scopes.end()) {
      dso->scopes.push_back(set.scope);
    }
  }
  publish(program, set.dsos);
  if (flags.global) {
    join_global_scope(program, *set.scope);
  }
}

/// Everything up to what other code can see.
Result<> prepare(Namespace& program, LoadSet& set, OpenFlags flags) {
  give_scopes(program, set, flags);
  for (Dso* const dso : set.dsos) {
    TENON_CHECK(make_own(program, *dso));
  }
  TENON_CHECK(timed(program.report.statistics, Step::resolve, [&] { return resolve(program, set); }));
  TENON_CHECK(load_put_off_data(program, set));
  if (!program.ending) {
    TENON_CHECK(timed(program.report.statistics, Step::layout, [&] { return place(program, set); }));
  }
  if (!program.ending) {
    choose_put_off(program, set);
    TENON_CHECK(timed(program.report.statistics, Step::instantiate, [&] { return instantiate(program, set); }));
  }
  return timed(program.report.statistics, Step::relocate, [&] { return apply_data_relocations(program, set); });
}

Error with_context(Error error, const std::string& name, const Dso* opener) {
  if (!error.message.contains(printable(name))) {  // what names it needs no more words
    error.message = fmt::format("cannot open {}{}: {}", printable(name),
                                opener == nullptr ? "" : " for " + opener->name, error.message);
  }
  return error;
}

/// What may be opened again although it is there: not main, and not what is in the middle of being loaded.
Result<> check_openable(const Dso& dso) {
  if (dso.is_main) {
    return fail(ErrorKind::unlinkable, "it is the main program, and not a shared library");
  }
  if (dso.state == State::loading) {
    return fail(ErrorKind::usage, "it is in the middle of being loaded, before its constructors could run");
  }
  return {};
}

Party party_of(const Dso* opener) {
  return opener == nullptr ? Party::embedder : Party::guest;
}

/// Takes one more reference to a DSO that is published.
void add_reference(Namespace& program, Dso& dso, OpenFlags flags, Party party) {
  const std::unique_lock lock(program.link_map_lock);
  ++dso.open_count;
  dso.embedder_count += party == Party::embedder ? 1 : 0;
  dso.never_unloaded |= flags.keep;
  if (flags.now) {
    for (Dso* const needed : breadth_first(dso)) {
      needed->bound_now = true;
    }
  }
  if (dso.own_scope == nullptr) {
    dso.own_scope = std::make_shared<Scope>(Scope{breadth_first(dso)});
  }
  if (flags.global) {
    join_global_scope(program, *dso.own_scope);
  }
}

/// RTLD_NOW for a library that is there: binds all that is not bound yet, of it and what it needs.
Result<> bind_all(Namespace& program, GuestThread& thread, Dso& dso) {
  LoadSet set(thread);
  {
    const std::shared_lock lock(program.link_map_lock);
    set.dsos = breadth_first(dso);
  }
  return bind_functions(program, set);
}

Result<Dso*> load_new(Namespace& program, LoadSet& set, Dso& root, OpenFlags flags) {
  if (auto prepared = prepare(program, set, flags); !prepared) {
    undo_unpublished(program, set);
    return std::unexpected(std::move(prepared).error());
  }
  if (program.ending) {
    end_loading(program, set);
    return fail(ErrorKind::usage, "the program ended before it was loaded");
  }
  publish_opened(program, set, flags);
  // A reference of our own: its constructors may open and close it.
  add_reference(program, root, flags, party_of(set.opener));
  if (auto constructed = timed(program.report.statistics, Step::construct, [&] { return construct(program, set); });
      !constructed) {
    retract(program, set);
    return std::unexpected(std::move(constructed).error());
  }
  end_loading(program, set);
  return &root;
}

/// Who of what `set` needs is being loaded or constructed by another thread; null when nobody is.
Dso* find_busy(const LoadSet& set) {
  const auto busy = std::ranges::find_if(set.scope->dsos, [&](const Dso* dso) { return is_busy(*set.thread, *dso); });
  return busy == set.scope->dsos.end() ? nullptr : *busy;
}

/// What `name` means, with the new DSOs entered in `set` and none of them waiting for another thread; a reference to it
/// is taken when there are none. What is only half done by others is waited for, with nothing of ours entered
/// meanwhile, so that two threads that need each other's libraries both go on.
Result<Dso*> find_and_enter(Namespace& program, const std::string& name, Dso* opener, OpenFlags flags, LoadSet& set) {
  std::unique_lock lock(program.loader_lock);
  while (true) {
    Result<Dso*> found;
    if (flags.only_if_loaded) {
      found = find_loaded(program, name, opener);
      if (found && *found == nullptr) {
        return fail(ErrorKind::not_found, "it is not loaded (RTLD_NOLOAD)");
      }
      if (found) {
        set.scope = std::make_shared<Scope>(Scope{breadth_first(**found)});
      }
    } else {
      found = search_opened(program, set, name, opener);
    }
    Dso* const busy = found ? find_busy(set) : nullptr;
    if (found && busy == nullptr) {
      if (set.dsos.empty()) {
        TENON_CHECK(check_openable(**found));
        add_reference(program, **found, flags, party_of(opener));
      }
      return found;
    }
    if (!set.dsos.empty()) {
      // Nothing of them was placed yet, and no code of them ran.
      program.discard(set.dsos);
      set.dsos.clear();
    }
    if (!found) {
      lock.unlock();
      program.loader_changed.notify_all();
      return found;
    }
    TENON_CHECK(wait_for_loader(program, lock, *set.thread, *busy));
  }
}

Result<Dso*> open_unchecked(Namespace& program, const std::string& name, Dso* opener, OpenFlags flags, LoadSet& set) {
  set.is_first = false;
  set.opener = opener;
  set.bind_now = flags.now;
  Dso& root = *TENON_TRY(find_and_enter(program, name, opener, flags, set));
  if (!set.dsos.empty()) {
    return load_new(program, set, root, flags);
  }
  const auto complete = [&]() -> Result<> {
    if (flags.now && !flags.only_if_loaded) {
      TENON_CHECK(bind_all(program, *set.thread, root));
    }
    if (!flags.only_if_loaded && (root.state == State::put_off || root.state == State::arriving)) {
      TENON_CHECK(load_put_off(program, *set.thread, root));
    }
    return {};
  };
  if (auto completed = complete(); !completed) {
    (void)close(program, *set.thread, root, party_of(opener));
    return std::unexpected(std::move(completed).error());
  }
  return &root;
}

}  // namespace

Result<Dso*> open(Namespace& program, GuestThread& thread, const std::string& name, Dso* opener, OpenFlags flags) {
  if (program.main == nullptr || program.main->state == State::loading) {
    return fail(ErrorKind::usage, "cannot open {}: there is no main program yet", printable(name));
  }
  if (program.ending) {
    return fail(ErrorKind::usage, "cannot open {}: the program has ended", printable(name));
  }
  if (!program.main->shared().is_dynamic()) {
    return fail(ErrorKind::unlinkable,
                "cannot open {}: {} was linked without dynamic linking (it has no dylink.0 section), so that it shares "
                "nothing; link it as a PIE",
                printable(name), program.main->name);
  }
  reclaim(program, thread);
  LoadSet set(thread);
  auto opened = open_unchecked(program, name, opener, flags, set);
  const std::string by = opener == nullptr ? "" : opener->name;
  if (!opened) {
    Error error = with_context(std::move(opened).error(), name, opener);
    program.report.line(kDebugFiles, "{}", error.message);
    program.tell({.kind = LibraryEvent::Kind::failed,
                  .requester = by,
                  .name = printable(name),
                  .path = {},
                  .message = error.message});
    return std::unexpected(std::move(error));
  }
  ++program.report.statistics.opened;
  program.tell({.kind = LibraryEvent::Kind::opened,
                .requester = by,
                .name = printable(name),
                .path = (*opened)->path,
                .message = {}});
  for (const Dso* const dso : set.dsos) {
    if (dso != *opened) {
      program.tell({.kind = LibraryEvent::Kind::needed,
                    .requester = dso->requester,
                    .name = dso->name,
                    .path = dso->path,
                    .message = {}});
    }
  }
  return opened;
}

Dso* open_main(Namespace& program) {
  const std::unique_lock lock(program.link_map_lock);
  if (program.main == nullptr || program.main->state == State::loading) {
    return nullptr;
  }
  ++program.main->open_count;
  return program.main;
}

Result<> close(Namespace& program, GuestThread& thread, Dso& dso, Party party) {
  {
    const std::unique_lock lock(program.link_map_lock);
    // sandbox: what the embedder has open stays, however often the guest closes it.
    if ((party == Party::embedder ? dso.embedder_count : dso.open_count - dso.embedder_count) == 0) {
      return fail(ErrorKind::usage, "cannot close {}: it is not open", dso.name);
    }
    --dso.open_count;
    dso.embedder_count -= party == Party::embedder ? 1 : 0;
    if (dso.open_count != 0 || dso.never_unloaded) {
      return {};
    }
  }
  return unload_unreachable(program, thread);
}

}  // namespace tenon::link
