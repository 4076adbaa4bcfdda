// Who has which part of a program's memory and of its function table, right after layout: `tenon maps`.
//
// Of a PIE the linker knows everything. A main at fixed addresses was laid out by wasm-ld, which leaves little word of
// it: exported symbols such as `__heap_base`, the first value of `__stack_pointer` and the data segments. All of these
// are the module's claims.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "link/free_ranges.h"
#include "link/report.h"
#include "wasm/module.h"

namespace tenon::link {

struct LoadSet;
struct Namespace;
struct Needs;

struct MappedRange {
  enum class Kind : uint8_t {
    gap,             ///< what keeps address 0 unused
    stack,           ///< of the main thread
    data,            ///< of `owner`
    data_and_stack,  ///< of a main whose module does not tell where its zeroed data ends and its stack begins
    reserve,         ///< for libraries opened later
    heap,
    padding,  ///< nobody's: left by alignments, or the rest of a page
    unknown,  ///< of a main that tells nothing about it
  };
  uint64_t start = 0;
  uint64_t end = 0;
  Kind kind = Kind::unknown;
  std::string owner = {};  ///< name of the DSO; only of data
  uint64_t alignment = 1;  ///< that was asked for, in bytes

  [[nodiscard]] uint64_t size() const { return end - start; }
};

/// Slots of the function table.
struct SlotRange {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string owner;  ///< empty: nobody, as slot 0, the null pointer
};

struct MemoryMap {
  Examination examination;            ///< without symbols
  bool position_independent = false;  ///< main is a PIE
  bool is_shared = false;             ///< the memory, between threads
  uint64_t memory_size = 0;           ///< at the start; 0 also without a memory
  uint64_t maximum_memory = 0;        ///< what it may grow to
  std::vector<MappedRange> memory;    ///< ascending, none of them empty; they cover all of the memory
  uint64_t table_size = 0;
  FreeRanges reserve;            ///< what libraries opened later can have of it
  std::vector<SlotRange> table;  ///< ascending; without the slots that addresses of functions get when they are taken
};

/// Fills everything of `map` but the examination from what layout has placed.
void fill_map(MemoryMap& map, const Namespace& program, const LoadSet& load);

/// Puts the data of a library that is opened later into the reserve, as opening it does. False, and nothing is changed,
/// when that has no room.
[[nodiscard]] bool place_in_reserve(MemoryMap& map, const Needs& library);

/// The ranges of the memory that a main module at fixed addresses brings, as far as its module tells.
[[nodiscard]] std::vector<MappedRange> map_fixed_main(const wasm::Module& module, const std::string& name,
                                                      uint64_t memory_size);

}  // namespace tenon::link
