#include "runtime/executable.h"

namespace tenon::runtime {

Executable::Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs,
                       std::shared_ptr<NativeCode> native)
    : native_(std::move(native)),
      module_(std::move(module)),
      options_(options),
      layout_(*module_),
      global_access_(abi::classify_globals(*module_)),
      code_(new abi::Code[module_->functions.size()]) {
  types_.reserve(module_->types.size());
  for (const wasm::TypeReference& type : module_->types) {
    types_.push_back(type.get());
  }
  const abi::Instruction* const defined = native_ == nullptr ? stubs.translate : stubs.native;
  for (uint32_t i = 0; i < module_->functions.size(); ++i) {
    code_[i].entry.store(module_->is_imported_function(i) ? stubs.bind : defined, std::memory_order_relaxed);
    code_[i].owner = this;
    code_[i].function = i;
    const wasm::FunctionType& type = module_->function_type(i);
    code_[i].window = static_cast<uint16_t>(std::max(type.parameters.size(), type.results.size()));
  }
  if (native_ != nullptr) {
    native_->owner = this;
    register_native_code(*native_);
  }
}

Executable::~Executable() {
  if (native_ != nullptr) {
    unregister_native_code(*native_);
  }
}

}  // namespace tenon::runtime
