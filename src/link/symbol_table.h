// The symbols that a module defines, for lookup by name.
//
// A name is looked up in scope order, in one DSO after the other, and nearly all of them do not define it. As in
// DT_GNU_HASH a Bloom filter in front answers that with one load and two bit tests on a hash that was computed once per
// name, so that a lookup through 300 libraries costs less than two lookups in a hash table. One table for the whole
// scope would be faster still to read, but every dlopen and dlclose would have to enter and remove all symbols of the
// library, used or not.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wasm/module.h"

namespace tenon::link {

/// A name with its hash: made once, looked up in many tables.
struct SymbolName {
  std::string_view text;
  uint64_t hash;

  explicit SymbolName(std::string_view name);
};

class SymbolTable {
 public:
  /// Indexes what `module` exports and may define symbols with: functions, tags, and data addresses (immutable globals
  /// that it does not import). What is private to a module by its name (see is_private_symbol) is left out.
  explicit SymbolTable(const wasm::Module& module);

  /// The export that defines `name`, or null.
  [[nodiscard]] const wasm::Export* find(const SymbolName& name) const {
    const uint64_t word = filter_[(name.hash >> 6) & filter_mask_];
    const uint64_t wanted = (uint64_t{1} << (name.hash & 63)) | (uint64_t{1} << ((name.hash >> 32) & 63));
    return (word & wanted) == wanted ? find_in_slots(name) : nullptr;
  }

  [[nodiscard]] size_t size() const { return size_; }

 private:
  struct Slot {
    uint32_t hash = 0;          ///< upper half of the name's hash
    uint32_t export_index = 0;  ///< one more than the index; 0 is a free slot
  };

  [[nodiscard]] const wasm::Export* find_in_slots(const SymbolName& name) const;

  const wasm::Module& module_;
  std::vector<uint64_t> filter_;
  uint64_t filter_mask_ = 0;
  std::vector<Slot> slots_;  ///< a power of two of them, at most half used
  size_t size_ = 0;
};

/// Names that the ABI gives a meaning in each module of its own: `_initialize`, `__wasm_call_ctors`, `memory`, ... They
/// take no part in symbol lookup.
[[nodiscard]] bool is_private_symbol(std::string_view name);

}  // namespace tenon::link
