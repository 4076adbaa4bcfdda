#include "runtime/executable.h"

namespace tenon::runtime {

Executable::Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs)
    : module_(std::move(module)),
      options_(options),
      layout_(*module_),
      global_access_(abi::classify_globals(*module_)),
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
