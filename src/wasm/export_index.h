// Exports by name.
//
// A name is looked up in scope order, in one module after the other, and nearly all of them do not export it. As in
// DT_GNU_HASH a Bloom filter in front answers that with one load and two bit tests on a hash that was computed once per
// name, so that a lookup through 300 libraries costs less than two lookups in a hash table. One table for the whole
// scope would be faster still to read, but every dlopen and dlclose would have to enter and remove all symbols of the
// library, used or not.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "wasm/flat.h"

namespace tenon::wasm {

struct Export;

/// A name with its hash: made once, looked up in many modules.
struct SymbolName {
  std::string_view text;
  uint32_t hash;

  explicit SymbolName(std::string_view name) : text(name), hash(hash_name(name)) {}
  explicit SymbolName(const Name& name) : text(name), hash(name.hash()) {}
};

class ExportIndex {
 public:
  struct Slot {
    uint32_t hash = 0;          ///< of the name
    uint32_t export_index = 0;  ///< one more than the index; 0 is a free slot
  };

  ExportIndex() = default;
  /// Looks at tables that are there: `filter` and `slots` have powers of two elements, some slots are free.
  ExportIndex(std::span<const uint64_t> filter, std::span<const Slot> slots) : filter_(filter), slots_(slots) {}

  /// False when two exports have one name.
  [[nodiscard]] bool build(std::span<const Export> exports);

  /// The export called `name`, or null.
  [[nodiscard]] const Export* find(std::span<const Export> exports, const SymbolName& name) const {
    if (filter_.empty()) {
      return nullptr;
    }
    const uint64_t wanted = bits(name.hash);
    return (filter_[word(name.hash)] & wanted) == wanted ? find_in_slots(exports, name) : nullptr;
  }

  [[nodiscard]] std::span<const uint64_t> filter() const { return filter_.view(); }
  [[nodiscard]] std::span<const Slot> slots() const { return slots_.view(); }

 private:
  static uint64_t bits(uint32_t hash) { return (uint64_t{1} << (hash & 63)) | (uint64_t{1} << ((hash >> 26) & 63)); }
  [[nodiscard]] size_t word(uint32_t hash) const { return (hash >> 6) & (filter_.size() - 1); }
  [[nodiscard]] size_t first_slot(uint32_t hash) const { return (hash >> 4) & (slots_.size() - 1); }
  [[nodiscard]] const Export* find_in_slots(std::span<const Export> exports, const SymbolName& name) const;

  Array<uint64_t> filter_;  ///< 16 bits for each name: about one in 70 passes although it is not there
  Array<Slot> slots_;       ///< at most half used
};

}  // namespace tenon::wasm
