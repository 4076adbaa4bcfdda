// What code for a module is made to do, and where things are in its instances: decided by the module alone, so that the
// compiler and the runtime come to the same offsets without asking each other.
#pragma once

#include <cstdint>
#include <vector>

#include "abi/abi.h"
#include "wasm/module.h"

namespace tenon::abi {

/// How accesses are kept inside a memory. All code that runs on a memory is made for one of the two.
enum class BoundsChecks : uint8_t {
  guard_pages,  ///< the reservation covers every address an instruction can form; outside is a fault, which becomes a
                ///< trap
  explicit_checks,  ///< every access compares first; for hosts short of address space
};

/// What code for a module is made to do; code made with other options is other code.
struct CodeOptions {
  BoundsChecks checks = BoundsChecks::guard_pages;
  bool check_stack = false;  ///< every write of `__stack_pointer` is compared with Thread::stack_low

  bool operator==(const CodeOptions&) const = default;
};

/// Where things are in an instance of one module, in bytes from the Instance's start. All offsets fit 32 bits because
/// the decoder limits how many there are.
struct InstanceLayout {
  uint32_t globals = sizeof(Instance);  ///< Cell per global, in index order
  uint32_t imports = 0;                 ///< ImportSlot per imported function
  uint32_t tables = 0;                  ///< Table* per table
  uint32_t tags = 0;                    ///< identity (const void*) per tag
  uint32_t dropped_data = 0;            ///< uint8_t per data segment
  uint32_t dropped_elements = 0;        ///< uint8_t per element segment
  uint32_t vectors = 0;                 ///< V128 per global of that type that the module defines, in index order
  uint32_t size = 0;

  explicit InstanceLayout(const wasm::Module& module);

  [[nodiscard]] uint32_t global(uint32_t index) const { return globals + index * uint32_t{sizeof(Cell)}; }
  [[nodiscard]] uint32_t import(uint32_t index) const { return imports + index * uint32_t{sizeof(ImportSlot)}; }
  [[nodiscard]] uint32_t table(uint32_t index) const { return tables + index * uint32_t{sizeof(Table*)}; }
  [[nodiscard]] uint32_t tag(uint32_t index) const { return tags + index * uint32_t{sizeof(void*)}; }
};

/// How code reaches a global of its module.
enum class GlobalAccess : uint8_t {
  own,  ///< in its Cell
  /// Through a pointer in its Cell: imported, mutable, and not made by the linker; or a v128, for which a Cell is too
  /// small.
  indirect,
  /// In its Cell, which nobody writes once code of the module runs: immutable, or made by the linker (`GOT.mem`,
  /// `GOT.func`) and not written by the module either.
  constant,
};

/// By global index.
[[nodiscard]] std::vector<GlobalAccess> classify_globals(const wasm::Module& module);

}  // namespace tenon::abi
