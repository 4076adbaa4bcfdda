// What the functions that go into one llvm::Module share: types, metadata, declarations.
#pragma once

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <span>
#include <vector>

#include "compiler/emit.h"

namespace tenon::compiler {

/// Where the calling convention has a parameter (abi/abi.h).
struct Place {
  enum class Kind : uint8_t { integer, floating, overflow };
  Kind kind;
  uint32_t index;  ///< among the arguments of its kind; Cell of Thread::overflow
};

/// What an access can touch. Those of different kinds never touch the same bytes, and LLVM is told so.
enum class Region : uint8_t { memory, global, overflow, table, state };

class ModuleEmitter {
 public:
  ModuleEmitter(llvm::Module& to, const ModulePlan& module_plan);
  ~ModuleEmitter() { debug_.finalize(); }
  ModuleEmitter(const ModuleEmitter&) = delete;
  ModuleEmitter& operator=(const ModuleEmitter&) = delete;

  [[nodiscard]] llvm::Type* type(wasm::ValueType type) const;
  [[nodiscard]] std::vector<Place> places(std::span<const wasm::ValueType> parameters) const;
  /// As a C function of `type`; with a slot for calls through an import or a descriptor.
  [[nodiscard]] llvm::FunctionType* function_type(const wasm::FunctionType& type, bool with_slot) const;
  /// The prototype of functions that make tail calls: every register that can hold an argument or a result.
  [[nodiscard]] llvm::FunctionType* universal_type() const { return universal_type_; }
  [[nodiscard]] unsigned integer_registers() const { return plan.integer_registers(); }

  /// A defined function of the module to be called; it is declared if it is not in `target` yet. It may have either
  /// prototype.
  [[nodiscard]] llvm::Function* function(uint32_t index);
  /// The same to be given a body, with the prototype that a function with or without tail calls has.
  [[nodiscard]] llvm::Function* define(uint32_t index, bool universal);
  [[nodiscard]] llvm::Function* personality();

  [[nodiscard]] llvm::MDNode* region(Region region) const { return regions_[static_cast<size_t>(region)]; }
  [[nodiscard]] llvm::DISubprogram* describe(llvm::Function& function, uint32_t line);

  llvm::Module& target;
  const ModulePlan& plan;
  const wasm::Module& module;
  llvm::LLVMContext& context;

  llvm::IntegerType* const i1;
  llvm::IntegerType* const i8;
  llvm::IntegerType* const i32;
  llvm::IntegerType* const i64;
  llvm::Type* const f32;
  llvm::Type* const f64;
  llvm::FixedVectorType* const v128;  ///< two i64
  llvm::PointerType* const pointer;
  llvm::Type* const nothing;

  llvm::MDNode* const empty;
  llvm::MDNode* const unlikely;  ///< weights of a branch whose first way is hardly ever taken
  llvm::MDNode* const likelier;  ///< weights of a branch whose first way is taken more often than not
  /// Where the module's data may be placed: sums with offsets into it do not wrap around. Null: anywhere.
  llvm::MDNode* const memory_bases;
  const unsigned access_kind;
  const unsigned memory_base_kind;

 private:
  static constexpr size_t kRegions = 5;

  std::vector<llvm::Function*> functions_;  ///< by index; null: not declared
  llvm::FunctionType* universal_type_;
  std::array<llvm::MDNode*, kRegions> regions_{};
  llvm::Function* personality_ = nullptr;
  llvm::DIBuilder debug_;
  llvm::DIFile* file_;
};

}  // namespace tenon::compiler
