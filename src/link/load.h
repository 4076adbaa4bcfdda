// The loading sequence (design: Loading, in order).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// Loads a main module and everything it needs. On failure nothing of it is left. Errors: see Program::load_main.
[[nodiscard]] Result<> load(Namespace& program, Found main, const std::string& name);

/// Fills `load` with DSOs for main, the preloads and all that they need, breadth first, each file once; decodes and
/// validates each. Errors: unlinkable (a needed library is not there), io, malformed, invalid, unsupported, limit.
[[nodiscard]] Result<> search(Namespace& program, LoadSet& load, Found main, const std::string& name);

/// Adds what was found to `set` as a new DSO; its first is main, or the library that is opened. Errors: unlinkable (no
/// shared library, or refused by the embedder), malformed, invalid, unsupported, limit, io.
[[nodiscard]] Result<Dso*> add(Namespace& program, LoadSet& set, Found found, const std::string& name, Dso* requester);

/// The same for a library that is opened while the program runs, and all that it needs: the DSO that `name` means,
/// which may be there already, or be loading (then `set` stays empty). `requester`: null for the embedder. The loader
/// lock is held.
[[nodiscard]] Result<Dso*> search_opened(Namespace& program, LoadSet& set, const std::string& name, Dso* requester);

/// A DSO that is there under a name, or as a file or module: one file is one DSO however it is named. Null: none is.
/// Take the link map lock.
[[nodiscard]] Dso* find_by_name(const Namespace& program, const std::string& key);
[[nodiscard]] Dso* find_same(const Namespace& program, const Found& found);

/// The DSO that search_opened would find, only if it is there (RTLD_NOLOAD); null otherwise. Errors: those of search.
[[nodiscard]] Result<Dso*> find_loaded(Namespace& program, const std::string& name, Dso* requester);

/// `root` and everything that it needs.
[[nodiscard]] std::vector<Dso*> breadth_first(Dso& root);

/// Puts new DSOs on the link map and gives them their handles. The caller holds the link map lock alone.
void publish(Namespace& program, std::span<Dso* const> dsos);

/// Runs the constructors of the new DSOs, dependencies first; of main, unless its `_start` does. Errors: trap.
[[nodiscard]] Result<> construct(Namespace& program, LoadSet& load);

/// Whether another thread is loading or constructing `dso`, and that does not wait for `thread` in its turn. The loader
/// lock is held.
[[nodiscard]] bool is_busy(const GuestThread& thread, const Dso& dso);
/// Waits for a time while another thread is loading or constructing `dso`, without `lock`, which is the loader lock:
/// afterwards it may be gone. Errors: usage, when the thread or the program is to stop.
[[nodiscard]] Result<> wait_for_loader(Namespace& program, std::unique_lock<std::mutex>& lock, GuestThread& thread,
                                       const Dso& dso);
/// Nobody is loading or constructing the DSOs of `load` any more. The loader lock must not be held.
void end_loading(Namespace& program, LoadSet& load);
/// The same for who holds Namespace::loader_lock, and notifies loader_changed afterwards.
void end_loading_locked(Namespace& program, LoadSet& load);

/// Takes everything back that loading a main module has made, and what its constructors opened.
void undo(Namespace& program);

}  // namespace tenon::link
