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

bool is_indirect_global(const wasm::Module& module, uint32_t index) {
  if (index >= module.imported_globals || !module.globals[index].type.is_mutable) {
    return false;
  }
  for (const wasm::Import& import : module.imports) {
    if (import.kind == wasm::ExternKind::global && import.index == index) {
      return import.module != "GOT.mem" && import.module != "GOT.func";
    }
  }
  return true;
}

Executable::Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs)
    : module_(std::move(module)),
      options_(options),
      layout_(*module_),
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
