#include "runtime/executable.h"

namespace tenon::runtime {

namespace {

uint32_t aligned(uint64_t offset, uint64_t alignment) {
  return static_cast<uint32_t>((offset + alignment - 1) / alignment * alignment);
}

}  // namespace

InstanceLayout::InstanceLayout(const wasm::Module& module) {
  globals = sizeof(abi::Instance);
  imports = global(static_cast<uint32_t>(module.globals.size()));
  tables = import(module.imported_functions);
  dropped_data = table(static_cast<uint32_t>(module.tables.size()));
  dropped_elements = dropped_data + static_cast<uint32_t>(module.data.size());
  size = aligned(uint64_t{dropped_elements} + module.elements.size(), sizeof(abi::Cell));
}

namespace {

std::vector<GlobalAccess> classify_globals(const wasm::Module& module) {
  std::vector<GlobalAccess> result(module.globals.size(), GlobalAccess::own);
  for (size_t n = 0; n < result.size(); ++n) {
    if (!module.globals[n].type.is_mutable) {
      result[n] = GlobalAccess::constant;
    }
  }
  for (const wasm::Import& import : module.imports) {
    if (import.kind != wasm::ExternKind::global || !module.globals[import.index].type.is_mutable) {
      continue;
    }
    const bool is_got = import.module == "GOT.mem" || import.module == "GOT.func";
    result[import.index] = !is_got                                   ? GlobalAccess::indirect
                           : module.globals[import.index].is_written ? GlobalAccess::own
                                                                     : GlobalAccess::constant;
  }
  return result;
}

}  // namespace

Executable::Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs)
    : module_(std::move(module)),
      options_(options),
      layout_(*module_),
      global_access_(classify_globals(*module_)),
      code_(new abi::Code[module_->functions.size()]) {
  for (uint32_t i = 0; i < module_->functions.size(); ++i) {
    code_[i].entry.store(module_->is_imported_function(i) ? stubs.bind : stubs.translate, std::memory_order_relaxed);
    code_[i].owner = this;
    code_[i].function = i;
    const wasm::FunctionType& type = module_->function_type(i);
    code_[i].window = static_cast<uint16_t>(std::max(type.parameters.size(), type.results.size()));
  }
}

}  // namespace tenon::runtime
