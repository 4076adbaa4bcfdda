#include "link/own_functions.h"

#include <algorithm>
#include <bit>
#include <type_traits>

#include "base/prefault.h"
#include "wasm/module.h"

namespace tenon::link {

// Chunks are memory only when they go.
static_assert(std::is_trivially_destructible_v<LinkedFunction> && std::is_trivially_destructible_v<abi::Code>);
static_assert(alignof(LinkedFunction) == alignof(abi::Code));

void FunctionPool::reserve(size_t count) {
  if (!chunks_.empty() && chunks_.back().size - chunks_.back().used >= count) {
    return;
  }
  const size_t each = sizeof(LinkedFunction) + (with_code_ ? sizeof(abi::Code) : 0);
  chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(count * each), count, 0});
  base::prefault(chunks_.back().memory.get(), count * each, base::Access::write);
}

void FunctionPool::grow() {
  reserve(next_size_);
  next_size_ = std::min(2 * next_size_, kLargestChunk);
}

const LinkedFunction* OwnFunctions::make(uint32_t function, uint32_t dso) {
  const std::scoped_lock lock(making_);
  return make_locked(function, dso);
}

void OwnFunctions::get_all(std::span<const uint32_t> functions, uint32_t dso, std::span<const LinkedFunction*> found) {
  const wasm::Module& module = executable_.module();
  const std::scoped_lock lock(making_);
  for (size_t i = 0; i < functions.size(); ++i) {
    const uint32_t function = functions[i];
    const bool is_own = function < module.functions.size() && !module.is_imported_function(function);
    found[i] = is_own ? make_locked(function, dso) : nullptr;
  }
}

const LinkedFunction* OwnFunctions::make_locked(uint32_t function, uint32_t dso) {
  reserve_locked(count_ + 1);
  const Index& index = *indexes_.back();
  size_t slot = function & index.mask;
  for (; const LinkedFunction* const known = index.slots[slot].load(std::memory_order_relaxed);
       slot = (slot + 1) & index.mask) {
    if (known->function == function) {
      return known;
    }
  }
  const auto [made, code] = pool_.add();
  if (code != nullptr) {
    executable_.init(*code, function);
  }
  made->native = executable_.native_entry(function);
  made->code = code != nullptr ? code : &executable_.code(function);
  made->type = executable_.types()[executable_.module().functions[function].type];
  made->dso = dso;
  made->function = function;
  index.slots[slot].store(made, std::memory_order_release);
  ++count_;
  return made;
}

void OwnFunctions::reserve_locked(size_t count) {
  if (count <= room_) {
    return;
  }
  if (indexes_.empty()) {
    count = std::max(count, expected());
    pool_.reserve(count);
  }
  constexpr size_t kSmallest = 8;
  auto larger = std::make_unique<Index>(std::max(std::bit_ceil(count + count / 3 + 1), kSmallest));
  pool_.for_each([&](const LinkedFunction& made) {
    size_t slot = made.function & larger->mask;
    while (larger->slots[slot].load(std::memory_order_relaxed) != nullptr) {
      slot = (slot + 1) & larger->mask;
    }
    larger->slots[slot].store(&made, std::memory_order_relaxed);
  });
  room_ = (larger->mask + 1) / 4 * 3;
  index_.store(larger.get(), std::memory_order_release);
  indexes_.push_back(std::move(larger));
}

size_t OwnFunctions::expected() const {
  const wasm::Module& module = executable_.module();
  size_t count = 1;
  for (const wasm::ElementSegment& segment : module.elements) {
    count += segment.size();
  }
  for (const wasm::Import& import : module.imports) {
    count += import.module == "GOT.func" ? 1 : 0;
  }
  return std::min(count, module.functions.size() - module.imported_functions);
}

}  // namespace tenon::link
