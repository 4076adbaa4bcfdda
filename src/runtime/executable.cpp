#include "runtime/executable.h"

namespace tenon::runtime {

Executable::Executable(std::shared_ptr<const wasm::Module> module, CodeOptions options, EntryStubs stubs,
                       std::shared_ptr<NativeCode> native)
    : native_(std::move(native)),
      module_(std::move(module)),
      options_(options),
      layout_(*module_),
      global_access_(abi::classify_globals(*module_)),
      stubs_(stubs),
      codes_(new std::atomic<abi::Code*>[chunks()]()) {
  types_.reserve(module_->types.size());
  for (const wasm::TypeReference& type : module_->types) {
    types_.push_back(type.get());
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
  for (size_t i = 0; i < chunks(); ++i) {
    delete[] codes_[i].load(std::memory_order_relaxed);
  }
}

size_t Executable::chunks() const {
  return (module_->functions.size() + kCodeChunk - 1) / kCodeChunk;
}

void Executable::init(abi::Code& code, uint32_t index) {
  const abi::Instruction* const defined = native_ == nullptr ? stubs_.translate : stubs_.native;
  code.entry.store(module_->is_imported_function(index) ? stubs_.bind : defined, std::memory_order_relaxed);
  code.owner = this;
  code.function = index;
  const wasm::FunctionType& type = module_->function_type(index);
  code.window = static_cast<uint16_t>(std::max(abi::cells_of(type.parameters), abi::cells_of(type.results)));
}

abi::Code* Executable::make_codes(uint32_t chunk) {
  const uint32_t first = chunk * kCodeChunk;
  const uint32_t count = std::min(kCodeChunk, static_cast<uint32_t>(module_->functions.size()) - first);
  auto made = std::make_unique<abi::Code[]>(count);
  for (uint32_t i = 0; i < count; ++i) {
    init(made[i], first + i);
  }
  abi::Code* other = nullptr;
  // Another thread may have been first.
  return codes_[chunk].compare_exchange_strong(other, made.get(), std::memory_order_acq_rel) ? made.release() : other;
}

}  // namespace tenon::runtime
