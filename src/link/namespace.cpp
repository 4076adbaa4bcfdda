#include "link/namespace.h"

#include <algorithm>
#include <mutex>

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

Namespace::Namespace(Engine& the_engine, ProgramOptions the_options)
    : engine(the_engine),
      options(std::move(the_options)),
      report(options.debug, options.debug_sink),
      search(options, report) {}

Result<Dso*> Namespace::add_dso(std::shared_ptr<SharedModule> module, const std::string& name) {
  const std::unique_lock lock(link_map_lock);
  auto free_place = std::ranges::find_if(dsos, [](const auto& dso) { return dso == nullptr; });
  if (free_place == dsos.end()) {
    if (dsos.size() > options.maximum_libraries) {
      return fail(ErrorKind::limit, "cannot load {}: the program has {} libraries, which is its limit", printable(name),
                  options.maximum_libraries);
    }
    free_place = dsos.insert(dsos.end(), nullptr);
  }
  auto dso = std::make_unique<Dso>(*this, std::move(module), name);
  dso->index = static_cast<uint32_t>(free_place - dsos.begin());
  *free_place = std::move(dso);
  return free_place->get();
}

void Namespace::discard(const std::vector<Dso*>& gone) {
  const std::unique_lock lock(link_map_lock);
  const auto is_gone = [&](const auto& entry) { return std::ranges::find(gone, entry.second) != gone.end(); };
  std::erase_if(dsos_by_name, is_gone);
  std::erase_if(dsos_by_file, is_gone);
  std::erase_if(dsos_by_module, is_gone);
  for (Dso* const dso : gone) {
    std::erase(link_map, dso);
    main_thread->remove_instance(*dso);
  }
  for (Dso* const dso : gone) {
    dsos[dso->index].reset();
  }
}

Dso& Namespace::dso(uint32_t index) const {
  const std::shared_lock lock(link_map_lock);
  return *dsos[index];
}

}  // namespace tenon::link
