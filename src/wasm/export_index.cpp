#include "wasm/export_index.h"

#include <bit>

#include "wasm/module.h"

namespace tenon::wasm {

bool ExportIndex::build(std::span<const Export> exports) {
  filter_.resize(std::bit_ceil(exports.size() / 4 + 1));
  slots_.resize(std::bit_ceil(2 * exports.size() + 1));
  const std::span<uint64_t> filter = filter_.own();
  const std::span<Slot> slots = slots_.own();
  for (uint32_t i = 0; i < exports.size(); ++i) {
    const uint32_t hash = exports[i].name.hash();
    filter[word(hash)] |= bits(hash);
    size_t slot = first_slot(hash);
    while (slots[slot].export_index != 0) {
      if (slots[slot].hash == hash && exports[slots[slot].export_index - 1].name == exports[i].name) {
        return false;
      }
      slot = (slot + 1) & (slots.size() - 1);
    }
    slots[slot] = {hash, i + 1};
  }
  return true;
}

const Export* ExportIndex::find_in_slots(std::span<const Export> exports, const SymbolName& name) const {
  for (size_t slot = first_slot(name.hash); slots_[slot].export_index != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot].hash == name.hash) {
      const Export& found = exports[slots_[slot].export_index - 1];
      if (found.name.view() == name.text) {
        return &found;
      }
    }
  }
  return nullptr;
}

}  // namespace tenon::wasm
