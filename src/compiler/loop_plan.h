// Which nests of loops over linear memory can have a second copy, and what has to be checked before it runs.
#pragma once

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

#include <memory>
#include <optional>
#include <vector>

#include "compiler/affine_region.h"

namespace tenon::compiler {

/// Addresses of a 32-bit memory are below it, whatever the size is said to be.
constexpr int64_t kEndOfAddresses = int64_t{1} << 32;

/// A load or store of memory 0.
struct Access {
  llvm::Instruction* instruction;
  uint64_t width;
  size_t group;
  int64_t offset;  ///< from the group's address
};

/// A branch that leaves the region for a trap when an access would not be inside the memory.
struct Check {
  llvm::BranchInst* branch;
  bool traps_if_true;
};

/// Where an access is.
struct Address {
  llvm::LoadInst* base;        ///< of the memory
  const llvm::SCEV* variable;  ///< 32 bits wide, to be extended with zeros; or 64 bits wide
  int64_t offset;              ///< to be added
};

/// Accesses whose addresses differ by constants.
struct Group {
  /// The lowest of their addresses without their static offsets: 32 bits wide, to be extended with zeros; or 64 bits
  /// wide, and then exact.
  const llvm::SCEV* address;
  int64_t end = 0;  ///< of the access that reaches furthest, from `address`
  Affine affine;    ///< 64 bits wide
  AffineRegion::Interval range{};

  [[nodiscard]] bool is_narrow() const { return address->getType()->getIntegerBitWidth() < 64; }
};

/// A region that can be versioned.
struct Plan {
  Plan(llvm::ScalarEvolution& evolution, const llvm::LoopInfo& loops, llvm::Loop& loop)
      : region(&loop), affine(evolution, loops, loop) {}

  llvm::Loop* region;
  AffineRegion affine;
  llvm::LoadInst* base = nullptr;  ///< of the memory's base
  std::vector<Access> accesses;
  std::vector<Check> checks;
  std::vector<Group> groups;
};

/// What LLVM knows of a function whose loops are looked at.
struct LoopKnowledge {
  llvm::LoopInfo& loops;
  llvm::DominatorTree& dominators;
  llvm::ScalarEvolution& evolution;
  const llvm::DataLayout& layout;
};

/// Whether `loop` is known to go round so few times that nothing is gained by making it fast.
[[nodiscard]] bool goes_round_few_times(llvm::Loop& loop, llvm::ScalarEvolution& evolution);

/// Whether `value` is a load of the size of memory 0 of the abi::Instance `instance`.
[[nodiscard]] bool is_memory_size(const llvm::Value* value, const llvm::Value* instance);

/// Where the load or store `access` is. Nothing, if it is not in memory 0.
[[nodiscard]] std::optional<Address> address_of(const llvm::Instruction& access, const LoopKnowledge& knowledge);

/// A plan for the nest `region`, whose loops have the form that llvm::simplifyLoop gives them. Null: it cannot have a
/// copy, or need not.
[[nodiscard]] std::unique_ptr<Plan> plan_versioning(llvm::Loop& region, const llvm::Value* instance,
                                                    const LoopKnowledge& knowledge);

}  // namespace tenon::compiler
