// Layout: which bytes of memory and which slots of the table belong to whom.
//
// PIE main:            gap . stack . main's data . libraries' data . reserve . heap
// main at fixed addresses:   its own memory . libraries' data, by memory.grow
//
// The gap keeps address 0 unused. All sums are of 64 bits, of terms below 2^33 that are checked one by one against the
// program's limit, so none can wrap.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// So many bytes from address 0 on belong to nobody, so that no object has address 0.
constexpr uint64_t kGap = 1024;
/// Of the stack's ends and of the heap's start; an exponent of two.
constexpr uint32_t kStackAlignment = 4;

/// Whether [offset, offset + size) lies in [base, base + length). Nothing wraps.
[[nodiscard]] constexpr bool is_inside(uint64_t offset, uint64_t size, uint64_t base, uint64_t length) {
  return offset >= base && offset - base <= length && size <= length - (offset - base);
}

/// What one DSO asks for in its `dylink.0`. Alignments are exponents of two.
struct Needs {
  std::string name;
  uint64_t memory_size = 0;
  uint32_t memory_alignment = 0;
  uint64_t table_size = 0;
  uint32_t table_alignment = 0;
};

struct Placed {
  uint64_t memory_base = 0;
  uint64_t table_base = 0;
};

/// The memory and table of a program with a PIE main.
struct ProgramPlan {
  LinkerSymbols symbols;
  std::vector<Placed> placed;  ///< as the needs, main first
  uint64_t reserve_base = 0;
  uint64_t memory_pages = 0;
  uint64_t table_size = 0;
};

struct PlanLimits {
  uint64_t stack_size = 0;
  uint64_t reserve = 0;
  uint64_t minimum_pages = 0;  ///< that the DSOs' memory imports ask for
  uint64_t maximum_memory = 0;
  uint64_t minimum_table = 0;
  uint64_t maximum_table = 0;
};

/// Errors: limit, with the library that does not fit and the sizes.
[[nodiscard]] Result<ProgramPlan> plan_program(std::span<const Needs> needs, const PlanLimits& limits);

/// The step for main and what comes with it: makes or finds the program's memory and table and places the DSOs. Also
/// makes the memories that libraries define for themselves.
[[nodiscard]] Result<> lay_out(Namespace& program, LoadSet& load);

/// The step for libraries that come later, which are resolved already: what is missing is found before anything is
/// placed. May run the guest's allocator: no lock may be held, and see Namespace::ending. What it has placed when
/// it fails is for the caller to give back. Errors: limit, unlinkable.
[[nodiscard]] Result<> place(Namespace& program, LoadSet& load);

/// Makes the memories and tags that `dso` defines, and sizes its vectors; imported ones are filled by resolve.
[[nodiscard]] Result<> make_own(Namespace& program, Dso& dso);

}  // namespace tenon::link
