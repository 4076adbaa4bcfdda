#include "abi/layout.h"

namespace tenon::abi {

namespace {

uint32_t aligned(uint64_t offset, uint64_t alignment) {
  return static_cast<uint32_t>((offset + alignment - 1) / alignment * alignment);
}

}  // namespace

InstanceLayout::InstanceLayout(const wasm::Module& module) {
  imports = global(static_cast<uint32_t>(module.globals.size()));
  tables = import(module.imported_functions);
  tags = table(static_cast<uint32_t>(module.tables.size()));
  dropped_data = tag(static_cast<uint32_t>(module.tags.size()));
  dropped_elements = dropped_data + static_cast<uint32_t>(module.data.size());
  vectors = aligned(uint64_t{dropped_elements} + module.elements.size(), sizeof(Cell));
  size = vectors;
  for (size_t n = module.imported_globals; n < module.globals.size(); ++n) {
    size += module.globals[n].type.type == wasm::ValueType::v128 ? uint32_t{sizeof(V128)} : 0;
  }
}

std::vector<GlobalAccess> classify_globals(const wasm::Module& module) {
  std::vector<GlobalAccess> result(module.globals.size(), GlobalAccess::own);
  for (size_t n = 0; n < result.size(); ++n) {
    if (module.globals[n].type.type == wasm::ValueType::v128) {
      result[n] = GlobalAccess::indirect;
    } else if (!module.globals[n].type.is_mutable) {
      result[n] = GlobalAccess::constant;
    }
  }
  for (const wasm::Import& import : module.imports) {
    if (import.kind != wasm::ExternKind::global || !module.globals[import.index].type.is_mutable ||
        result[import.index] == GlobalAccess::indirect) {
      continue;
    }
    const bool is_got = import.module == "GOT.mem" || import.module == "GOT.func";
    result[import.index] = !is_got                                   ? GlobalAccess::indirect
                           : module.globals[import.index].is_written ? GlobalAccess::own
                                                                     : GlobalAccess::constant;
  }
  return result;
}

}  // namespace tenon::abi
