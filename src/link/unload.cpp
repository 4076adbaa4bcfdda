#include "link/unload.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <ranges>
#include <shared_mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "link/guest_call.h"
#include "link/inquiry.h"
#include "link/load.h"

namespace tenon::link {

namespace {

using DsoSet = std::unordered_set<const Dso*>;

/// `seen` and all that they refer to.
void close_over(DsoSet& seen) {
  std::vector<const Dso*> work(seen.begin(), seen.end());
  while (!work.empty()) {
    const Dso* const dso = work.back();
    work.pop_back();
    for (const auto* const list : {&dso->needed, &dso->also_uses}) {
      for (const Dso* const used : *list) {
        if (seen.insert(used).second) {
          work.push_back(used);
        }
      }
    }
  }
}

/// Whether a DSO is loaded for its own sake. The host's own is, and so are plain modules that the embedder made.
bool is_root(const Namespace& program, const Dso& dso) {
  const State state = dso.state;
  switch (state) {
    case State::loading:
    case State::published:
    case State::constructing:
    case State::arriving:
    case State::destructing:
      return true;
    case State::ready:
    case State::put_off:
      return dso.index == HostModules::kDso || dso.never_unloaded || dso.open_count != 0 ||
             dso.found_through == FoundThrough::instantiated || program.destructors.pins(dso);
    case State::failed:
      return dso.found_through == FoundThrough::instantiated;
    case State::gone:
      return false;
  }
  return true;
}

DsoSet reachable(const Namespace& program, const DsoSet& without) {
  DsoSet seen;
  for (const auto& dso : program.dsos) {
    if (dso != nullptr && !without.contains(dso.get()) && is_root(program, *dso)) {
      seen.insert(dso.get());
    }
  }
  close_over(seen);
  return seen;
}

/// Nobody finds them by name, file, module, handle or as an instance from here on. The link map lock is held alone.
void forget_names(Namespace& program, const DsoSet& dsos) {
  const auto is_one = [&](const auto& entry) { return dsos.contains(entry.second); };
  std::erase_if(program.dsos_by_name, is_one);
  std::erase_if(program.dsos_by_file, is_one);
  std::erase_if(program.dsos_by_module, is_one);
  std::erase_if(program.dsos_by_handle, is_one);
  std::erase_if(program.registered_instances, is_one);
}

/// Their symbols are found by nobody else from here on. The link map lock is held alone.
void leave_scopes(Namespace& program, const DsoSet& dsos) {
  const auto is_one = [&](const Dso* dso) { return dsos.contains(dso); };
  std::erase_if(program.link_map, is_one);
  std::unordered_set<Scope*> scopes{program.global_scope.get()};
  for (const auto& dso : program.dsos) {
    if (dso == nullptr || is_one(dso.get())) {
      continue;
    }
    for (const std::shared_ptr<Scope>& scope : dso->scopes) {
      scopes.insert(scope.get());
    }
    scopes.insert(dso->own_scope.get());
    scopes.insert(dso->load_scope.get());
  }
  scopes.erase(nullptr);
  // Scopes of opened libraries that are gone, which are their first DSOs. Whoever has a scope of its own does without
  // them, or a library that many need in turn would have ever more.
  std::unordered_set<const Scope*> orphaned;
  for (Scope* const scope : scopes) {
    if (scope != program.global_scope.get() && !scope->dsos.empty() && is_one(scope->dsos.front())) {
      orphaned.insert(scope);
    }
    std::erase_if(scope->dsos, is_one);
  }
  for (const auto& dso : program.dsos) {
    if (dso == nullptr || is_one(dso.get())) {
      continue;
    }
    bool has_own = std::ranges::any_of(dso->scopes, [&](const auto& scope) {
      return scope != program.global_scope && !orphaned.contains(scope.get());
    });
    std::erase_if(dso->scopes,
                  [&](const auto& scope) { return orphaned.contains(scope.get()) && std::exchange(has_own, true); });
  }
}

/// Empties the table entries of `dso`.
void leave_table(Namespace& program, Dso& dso) {
  program.functions.release(dso.table_base, dso.table_base == 0 ? 0 : dso.table_size(), dso.name);
  dso.own_functions.for_each(
      [&](const LinkedFunction& function) { program.functions.release_slot(function, dso.name); });
}

/// Takes published DSOs away from everybody. Those that others refer to stay as they are for these, and nobody else
/// finds them. The link map lock is held alone.
void take_away(Namespace& program, const DsoSet& dsos) {
  const DsoSet alive = reachable(program, dsos);
  leave_scopes(program, dsos);
  for (const Dso* const one : dsos) {
    Dso& dso = *program.dsos[one->index];
    const bool is_used = alive.contains(one);
    dso.state = is_used ? State::failed : State::gone;
    program.destructors.forget(dso);  // and from here on none is added to what is gone
    if (is_used) {
      continue;
    }
    leave_table(program, dso);
    program.gone.push_back(&dso);
    program.anything_gone.store(true, std::memory_order_relaxed);
  }
}

/// One round: what is unreachable now.
Result<> unload_once(Namespace& program, GuestThread& thread) {
  Result<> result;
  std::vector<Dso*> dead;
  std::vector<Dso*> order;
  DsoSet dead_set;
  {
    const std::scoped_lock loader_lock(program.loader_lock);
    const std::unique_lock lock(program.link_map_lock);
    const DsoSet alive = reachable(program, {});
    for (Dso* const dso : program.link_map) {
      if (!alive.contains(dso)) {
        dead.push_back(dso);
      }
    }
    for (const auto& dso : program.dsos) {
      if (dso != nullptr && dso->state == State::failed && !alive.contains(dso.get())) {
        dead_set.insert(dso.get());
      }
    }
    dead_set.insert(dead.begin(), dead.end());
    for (Dso* const dso : dead) {
      dso->state = State::destructing;
    }
    forget_names(program, dead_set);
    order = dependency_order(dead, true);
  }
  // The destructors find everything in place.
  for (Dso* const dso : order | std::views::reverse) {
    program.report.line(kDebugInit, "calling fini: {}", dso->name);
    if (auto ran = program.destructors.run_of(program, thread, *dso); !ran && result) {
      result = std::move(ran);
    }
    if (program.ending) {
      return result;  // everything ends
    }
  }
  // What has to be said of them is kept: once they are taken away, another thread may free them.
  std::vector<LibraryEvent> events;
  {
    const std::unique_lock lock(program.link_map_lock);
    for (const Dso* const dso : dead) {
      events.push_back({.kind = LibraryEvent::Kind::closed,
                        .requester = dso->requester,
                        .name = dso->name,
                        .path = dso->path,
                        .message = {}});
    }
    // Destructors may have bound what stays to what goes: that is kept for it, as after a load that failed.
    take_away(program, dead_set);
    program.unloaded += dead.size();
  }
  for (const LibraryEvent& event : events) {
    program.report.line(kDebugFiles, "file={};  unloaded", event.name);
    ++program.report.statistics.unloaded;
    program.tell(event);
  }
  reclaim(program, thread);
  return result;
}

}  // namespace

Result<> unload_unreachable(Namespace& program, GuestThread& thread) {
  {
    const std::scoped_lock lock(program.loader_lock);
    if (program.unloading) {
      program.unload_again = true;
      return {};
    }
    program.unloading = true;
  }
  Result<> result;
  for (bool again = true; again;) {
    if (auto unloaded = unload_once(program, thread); !unloaded && result) {
      result = std::move(unloaded);
    }
    const std::scoped_lock lock(program.loader_lock);
    again = std::exchange(program.unload_again, false) && !program.ending;
    program.unloading = again;
  }
  return result;
}

void undo_unpublished(Namespace& program, LoadSet& load) {
  const DsoSet dsos(load.dsos.begin(), load.dsos.end());
  // Not each by itself: some were put off, and have addresses all the same.
  const bool code_ran =
      std::ranges::any_of(load.dsos, [&](const Dso* dso) { return load.thread->instance(*dso) != nullptr; });
  const auto is_one = [&](const Dso* dso) { return dsos.contains(dso); };
  if (!load.code_ran) {
    for (const LinkedFunction* const function : load.new_slots | std::views::reverse) {
      Dso* const dso = program.dso(function->dso);
      program.functions.release_unseen_slot(*function, dso == nullptr ? "" : dso->name);
    }
  }
  std::vector<MemoryRange> ranges;
  for (Dso* const dso : load.dsos | std::views::reverse) {
    if (dso->table_base != 0) {
      program.functions.release_unseen(dso->table_base, dso->table_size(), dso->name);
    }
    // Start functions and data relocations may have used it.
    dso->own_functions.for_each(
        [&](const LinkedFunction& function) { program.functions.release_slot(function, dso->name); });
    ranges.push_back(dso->range);
    if (code_ran) {
      dso->state = State::gone;  // references to its functions may have been handed out
    }
    program.destructors.forget(*dso);
  }
  {
    const std::unique_lock lock(program.link_map_lock);
    for (const std::string& name : load.new_tags) {
      // Guest code may have run meanwhile, and opened others that import it.
      const auto tag = program.tags.find(name);
      const bool is_used = std::ranges::any_of(program.dsos, [&](const auto& dso) {
        return dso != nullptr && !is_one(dso.get()) && std::ranges::find(dso->tags, &tag->second) != dso->tags.end();
      });
      if (!is_used) {
        program.tags.erase(tag);
      }
    }
    forget_names(program, dsos);  // before anybody who waits for the end of the loading looks again
  }
  end_loading(program, load);
  program.discard(load.dsos);
  for (const MemoryRange& range : ranges) {
    program.placement.give(program, *load.thread, range);
  }
  load.dsos.clear();
}

void retract(Namespace& program, LoadSet& load) {
  {
    // From the moment on that they are taken away, another thread may free them.
    const std::scoped_lock loader_lock(program.loader_lock);
    const std::unique_lock lock(program.link_map_lock);
    end_loading_locked(program, load);
    const DsoSet failed(load.dsos.begin(), load.dsos.end());
    forget_names(program, failed);  // before anybody who waits for the end of the loading looks again
    for (Dso* const dso : load.dsos) {
      dso->open_count = 0;
      dso->embedder_count = 0;
    }
    take_away(program, failed);
    program.unloaded += load.dsos.size();
  }
  program.loader_changed.notify_all();
  reclaim(program, *load.thread);
}

namespace {

/// So many numbers of DSOs that are gone may wait until all threads are asked whether they hold references: asking
/// interrupts each of them, and a number costs little.
size_t retired_batch(const Namespace& program) {
  constexpr size_t kMost = 256;
  return std::min<size_t>(kMost, program.options.maximum_libraries / 8);
}

/// Takes what an inquiry has found nobody inside of. The link map lock is held alone.
std::vector<Dso*> settle(Namespace& program, const Inquiry& inquiry) {
  DsoSet active;
  for (size_t i = 0; i < inquiry.dsos().size(); ++i) {
    if (inquiry.is_inside(i)) {
      active.insert(inquiry.dsos()[i]);
    }
  }
  close_over(active);
  std::vector<Dso*> free;
  for (Dso* const dso : inquiry.dsos()) {
    if (!active.contains(dso)) {
      free.push_back(dso);
      std::erase(program.gone, dso);
    }
  }
  program.anything_gone.store(!program.gone.empty(), std::memory_order_relaxed);
  // What still runs looks names up in scopes that it shared with them.
  leave_scopes(program, DsoSet(free.begin(), free.end()));
  for (size_t i = 0; i < inquiry.retired().size(); ++i) {
    if (!inquiry.is_referred_to(i)) {
      program.forget_retired(inquiry.retired()[i]);
    }
  }
  return free;
}

/// What can go by now.
std::vector<Dso*> find_free(Namespace& program, GuestThread& thread) {
  const std::unique_lock reclaiming(program.reclaiming, std::try_to_lock);
  if (!reclaiming) {
    return {};  // another thread is at it
  }
  const std::unique_lock lock(program.link_map_lock);
  std::vector<Dso*> free;
  if (program.inquiry != nullptr) {
    program.inquiry->remind(program, thread);
    if (!program.inquiry->is_complete()) {
      return {};
    }
    free = settle(program, *program.inquiry);
    program.inquiry.reset();
  }
  if (program.gone.empty() && program.retired_for_now.empty()) {
    return free;
  }
  const bool is_alone = program.threads.count() == 1;
  program.inquiry = std::make_unique<Inquiry>(program, thread, program.gone,
                                              is_alone || program.retired_for_now.size() >= retired_batch(program));
  if (program.inquiry->is_complete()) {
    const std::vector<Dso*> more = settle(program, *program.inquiry);
    free.insert(free.end(), more.begin(), more.end());
    program.inquiry.reset();
  }
  return free;
}

/// Where more libraries than these are gone and not reclaimed, the threads that could say that they are not inside do
/// not get a processor: they get this one's for a moment, so that what is not reclaimed stays bounded. Waits for none.
void give_way(Namespace& program) {
  constexpr size_t kMany = 32;
  constexpr auto kMoment = std::chrono::microseconds(200);
  bool are_many = false;
  {
    const std::shared_lock lock(program.link_map_lock);
    are_many = program.gone.size() >= kMany;
  }
  if (are_many) {
    std::this_thread::sleep_for(kMoment);
  }
}

}  // namespace

void reclaim(Namespace& program, GuestThread& thread) {
  if (!program.anything_gone.load(std::memory_order_relaxed)) {
    return;
  }
  const std::vector<Dso*> free = find_free(program, thread);
  if (free.empty()) {
    give_way(program);
  }
  std::vector<MemoryRange> ranges;
  ranges.reserve(free.size());
  for (const Dso* const dso : free) {
    ranges.push_back(dso->range);
  }
  program.discard(free);
  for (const MemoryRange& range : ranges) {
    program.placement.give(program, thread, range);
  }
}

}  // namespace tenon::link
