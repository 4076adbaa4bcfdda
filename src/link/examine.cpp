#include "link/examine.h"

#include <unordered_map>

#include "link/layout.h"
#include "link/load.h"
#include "link/put_off.h"
#include "link/resolve.h"

namespace tenon::link {

namespace {

std::vector<Dependency> list_dependencies(const Namespace& program, const LoadSet& set) {
  std::unordered_map<std::string, std::string> first_names;  // a library may be needed under several names
  for (const auto& [name, dso] : program.dsos_by_name) {
    first_names[name] = dso->name;
  }
  std::vector<Dependency> dependencies;
  for (const Dso* const dso : set.dsos) {
    Dependency& entry = dependencies.emplace_back();
    entry.name = dso->name;
    entry.path = dso->path;
    entry.found = true;
    entry.found_through = dso->found_through;
    if (const auto& dylink = dso->module().dylink) {
      entry.memory_size = dylink->memory_size;
      entry.memory_alignment = dylink->memory_alignment;
      entry.table_size = dylink->table_size;
      entry.table_alignment = dylink->table_alignment;
      for (const wasm::Name& needed : dylink->needed) {
        const auto known = first_names.find(needed.str());
        entry.needed.push_back(known == first_names.end() ? printable(needed) : known->second);
      }
    }
  }
  std::unordered_map<std::string, bool> listed;
  for (const LoadSet::Absent& absent : set.absent) {
    if (listed.emplace(absent.name, true).second) {
      Dependency& entry = dependencies.emplace_back();
      entry.name = printable(absent.name);
      entry.reason = absent.reason;
    }
  }
  return dependencies;
}

Result<Examination> look(Namespace& program, LoadSet& set, Found main, const std::string& name, bool resolve_symbols) {
  TENON_CHECK(search(program, set, std::move(main), name));
  Examination examination;
  examination.dependencies = list_dependencies(program, set);
  if (auto laid_out = lay_out(program, set); !laid_out) {
    // Who asks for names only gets them.
    return resolve_symbols ? Result<Examination>(std::unexpected(laid_out.error())) : examination;
  }
  auto missing = find_missing(program, set);
  if (resolve_symbols) {
    examination.missing = std::move(missing);
  }
  choose_put_off(program, set);
  for (size_t i = 0; i < set.dsos.size(); ++i) {  // the first of the list, in the same order
    examination.dependencies[i].lazy = set.dsos[i]->state == State::put_off;
  }
  return examination;
}

Result<MemoryMap> place(Namespace& program, LoadSet& set, Found main, const std::string& name) {
  TENON_CHECK(search(program, set, std::move(main), name));
  MemoryMap map;
  map.examination.dependencies = list_dependencies(program, set);
  TENON_CHECK(lay_out(program, set));
  fill_map(map, program, set);
  return map;
}

}  // namespace

Result<Examination> examine(Namespace& program, Found main, const std::string& name, bool resolve_symbols) {
  LoadSet set(*program.main_thread);
  set.tolerate_absent = true;
  auto examination = look(program, set, std::move(main), name, resolve_symbols);
  undo(program);
  return examination;
}

Result<MemoryMap> map_memory(Namespace& program, Found main, const std::string& name) {
  LoadSet set(*program.main_thread);
  set.tolerate_absent = true;
  auto map = place(program, set, std::move(main), name);
  undo(program);
  return map;
}

}  // namespace tenon::link
