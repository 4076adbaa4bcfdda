#include "link/namespace.h"

#include <sys/random.h>

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "link/inquiry.h"

namespace tenon::link {

std::optional<uint64_t> LinkerSymbols::find(std::string_view name) const {
  if (!defined) {
    return std::nullopt;
  }
  if (name == "__heap_base") {
    return heap_base;
  }
  if (name == "__heap_end") {
    return heap_end;
  }
  if (name == "__stack_low") {
    return stack_low;
  }
  if (name == "__stack_high") {
    return stack_high;
  }
  return std::nullopt;
}

FileKey file_key(const base::FileIdentity& identity) {
  return {identity.device, identity.inode, identity.born_ns != 0 ? identity.born_ns : identity.modified_ns};
}

Namespace::Namespace(Engine& the_engine, ProgramOptions the_options)
    : engine(the_engine),
      options(std::move(the_options)),
      report(options.debug, options.debug_sink),
      search(options, report) {
  // So that a handle of another program's is most likely none of this one's.
  uint32_t start = 0;
  if (getrandom(&start, sizeof(start), GRND_NONBLOCK) == sizeof(start)) {
    last_handle = start / kHandleStep * kHandleStep;
  }
}

Namespace::~Namespace() = default;

Result<Dso*> Namespace::add_dso(std::shared_ptr<SharedModule> module, const std::string& name) {
  const std::unique_lock lock(link_map_lock);
  if (free_indices_.empty()) {
    if (dsos.size() > options.maximum_libraries) {
      return fail(ErrorKind::limit, "cannot load {}: the program has {} libraries, which is its limit{}",
                  printable(name), options.maximum_libraries,
                  retired.empty()
                      ? ""
                      : fmt::format(" ({} of them are gone, but modules that handle function references may "
                                    "refer to them for ever)",
                                    retired.size()));
    }
    free_indices_.push_back(static_cast<uint32_t>(dsos.size()));
    dsos.emplace_back();
  }
  references_travel |= module->module().moves_references;
  auto dso = std::make_unique<Dso>(*this, std::move(module), name);
  dso->index = free_indices_.back();
  free_indices_.pop_back();
  return (dsos[dso->index] = std::move(dso)).get();
}

void Namespace::discard(const std::vector<Dso*>& dead) {
  const std::unique_lock lock(link_map_lock);
  const std::unordered_set<const Dso*> set(dead.begin(), dead.end());
  const auto is_dead = [&](const auto& entry) { return set.contains(entry.second); };
  std::erase_if(dsos_by_name, is_dead);
  std::erase_if(dsos_by_file, is_dead);
  std::erase_if(dsos_by_module, is_dead);
  std::erase_if(dsos_by_handle, is_dead);
  std::erase_if(registered_instances, is_dead);
  std::erase_if(link_map, [&](const Dso* dso) { return set.contains(dso); });
  threads.for_each([&](GuestThread& thread) {
    for (Dso* const dso : dead) {
      placement.give_block(*this, thread.remove_instance(*dso));
    }
  });
  const bool is_alone = threads.count() == 1;
  for (Dso* const dso : dead) {
    const uint32_t index = dso->index;
    if (dso->state == State::gone && (references_travel || !is_alone)) {
      retired[index] = {dso->name, dso->own_functions.take(), dso->module().types};
      if (!references_travel) {
        retired_for_now.push_back(index);
      }
    } else {
      free_indices_.push_back(index);
    }
    dsos[index].reset();
  }
}

Dso* Namespace::dso(uint32_t index) const {
  const std::shared_lock lock(link_map_lock);
  return dsos[index].get();
}

void Namespace::forget_retired(uint32_t index) {
  retired.erase(index);
  std::erase(retired_for_now, index);
  free_indices_.push_back(index);
}

void Namespace::tell(const LibraryEvent& event) const {
  if (options.on_library) {
    options.on_library(event);
  }
}

std::string Namespace::name_of_retired(uint32_t index) const {
  const std::shared_lock lock(link_map_lock);
  const auto found = retired.find(index);
  return found == retired.end() ? "" : found->second.name;
}

}  // namespace tenon::link
