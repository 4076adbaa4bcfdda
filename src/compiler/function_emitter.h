// One function's body, instruction by instruction. The operand stack holds LLVM's values; locals are allocas, which
// LLVM turns into values; what a label's operands are is decided by phis where control flow joins. Unreachable code is
// skipped.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "abi/trap_kind.h"
#include "compiler/module_emitter.h"
#include "wasm/body_reader.h"

namespace tenon::compiler {

enum class ControlKind : uint8_t { function, block, loop, if_, else_, try_, catch_ };

/// A structured instruction that is open.
struct Control {
  explicit Control(ControlKind control_kind) : kind(control_kind) {}

  ControlKind kind;
  size_t height = 0;  ///< of the operand stack, below the parameters
  const std::vector<wasm::ValueType>* parameters = nullptr;
  const std::vector<wasm::ValueType>* results = nullptr;
  /// Where a branch to the label goes; made by the first one, for a loop from the start.
  llvm::BasicBlock* target = nullptr;
  std::vector<llvm::PHINode*> phis;  ///< of `target`, one per operand of the label

  // Of an `if`.
  llvm::BasicBlock* otherwise = nullptr;
  std::vector<llvm::Value*> arguments;  ///< what its parameters are in both arms

  // Of a `try`.
  llvm::BasicBlock* landing_pad = nullptr;  ///< where calls in the body are unwound to; made by the first one
  llvm::BasicBlock* dispatch = nullptr;  ///< where clauses are, or the next clause is, chosen; null: nothing gets here
  llvm::PHINode* exception = nullptr;    ///< what was caught, from `dispatch` on
};

/// How many bytes of memory an instruction with that immediate accesses.
[[nodiscard]] unsigned access_bytes(wasm::Immediate immediate);

/// What a helper call may do besides trapping, which no landing pad is for.
enum class HelperKind : uint8_t {
  traps,
  throws,            ///< to a landing pad of this function, if there is one
  throws_to_caller,  ///< and to none of this function's landing pads
  returns,
  returns_or_throws,
};

class FunctionEmitter {
 public:
  FunctionEmitter(ModuleEmitter& emitter, uint32_t function, base::Bytes body, uint32_t least_frame);

  /// Errors: malformed, when the body is not what was validated; limit.
  [[nodiscard]] Result<> run();

 private:
  using Value = llvm::Value*;

  /// Values that a function may take along its branches and pass around registers: of those, a small body can ask for
  /// very many.
  static constexpr size_t kMaximumMoved = 1'000'000;

  // function_emitter.cpp: the frame, the stack, and what all instructions use.
  void begin(const wasm::FunctionType& type);
  void abandon();
  void begin_locals(const wasm::FunctionType& type);
  void end();
  void check_stack_at_entry();
  void emit_instruction();
  void emit_variable(const wasm::OpcodeRow& row);
  void skip_unreachable(const wasm::OpcodeRow& row);
  [[nodiscard]] bool emit_control(const wasm::OpcodeRow& row);
  void mark_position();

  void push(Value value);
  [[nodiscard]] Value pop();
  [[nodiscard]] std::vector<Value> pop_many(size_t count);
  /// Whether it is a constant with which LLVM simplifies arithmetic in a way that WebAssembly does not allow.
  [[nodiscard]] static bool is_treacherous(Value value);
  /// If so, the same constant in a way that LLVM cannot see; else `value`.
  [[nodiscard]] Value opaque(Value value);
  [[nodiscard]] Value opaque_constant(Value constant);
  [[nodiscard]] Value fence(Value value);
  /// An i32 as a condition.
  [[nodiscard]] Value truth(Value value);
  void push_truth(Value condition);
  [[nodiscard]] llvm::ConstantInt* constant32(uint32_t value) const;
  [[nodiscard]] llvm::ConstantInt* constant64(uint64_t value) const;
  [[nodiscard]] Value extended(Value value);    ///< to i64, with zeros
  [[nodiscard]] llvm::BasicBlock* new_block();  ///< not in the function yet
  void place(llvm::BasicBlock* block);          ///< at the function's end; goes on there
  /// Goes on where `condition` is false; what is emitted by `cold` is where it is true, and must not come back.
  template <class Cold>
  void unless(Value condition, Cold cold);
  void trap_if(Value condition, abi::TrapKind kind);
  void trap(abi::TrapKind kind);

  [[nodiscard]] Value at(Value base, uint64_t offset);
  [[nodiscard]] llvm::LoadInst* load(Region region, llvm::Type* type, Value from);
  /// What never changes while the function runs.
  [[nodiscard]] llvm::LoadInst* load_invariant(llvm::Type* type, Value from);
  llvm::StoreInst* store(Region region, Value value, Value to);
  [[nodiscard]] Value thread();
  [[nodiscard]] Value overflow();
  /// `offset`: of the member in abi::Helpers.
  Value call_helper(size_t offset, HelperKind kind, llvm::Type* result, std::initializer_list<Value> arguments);
  /// An array of cells on the native stack that holds `values`.
  [[nodiscard]] Value cells(const std::vector<Value>& values);
  [[nodiscard]] uint32_t cells_of(Value value) const;

  // emit_control.cpp
  void read_block_type(Control& control);
  void begin_block(ControlKind kind);
  void begin_if();
  void emit_else();
  void emit_end();
  void end_block(size_t below);
  void emit_br(uint32_t depth);
  void emit_br_if(uint32_t depth);
  void emit_br_table();
  [[nodiscard]] Control& label(uint32_t depth) { return controls_[controls_.size() - 1 - depth]; }
  [[nodiscard]] static const std::vector<wasm::ValueType>& operands_of(const Control& control);
  llvm::BasicBlock* make_target(Control& control, const std::vector<wasm::ValueType>& types);
  /// The top operands are what a branch to `control` from the current block takes along; goes before the branch.
  void prepare_branch(Control& control);
  /// The branch from `from`, `edges` times.
  void add_edges(Control& control, llvm::BasicBlock* from, size_t edges);
  void branch_to(Control& control);
  void set_unreachable();

  // emit_exceptions.cpp
  [[nodiscard]] llvm::BasicBlock* landing_pad();
  void make_dispatch(Control& control);
  void emit_catch(std::optional<uint32_t> tag);
  void emit_delegate(uint32_t depth);
  void emit_throw(uint32_t tag);
  void emit_rethrow(uint32_t depth);
  /// `exception` goes on at the try at `index` of the control stack, or to the caller.
  void pass_on(Value exception, std::optional<size_t> index);
  [[nodiscard]] std::optional<size_t> enclosing_try(size_t below) const;

  // emit_calls.cpp
  void emit_call(uint32_t function, bool tail);
  void emit_call_indirect(bool tail);
  [[nodiscard]] Value instance_of_callee(Value& descriptor);
  void emit_reference_function(uint32_t function);
  Value call_or_invoke(llvm::FunctionType* type, Value callee, llvm::ArrayRef<Value> arguments, bool may_throw,
                       bool with_slot);
  void finish_call(const wasm::FunctionType& type, Value callee, Value slot, Value instance);
  void finish_tail_call(const wasm::FunctionType& type, Value callee, Value slot, Value instance);
  void store_overflow(const std::vector<Place>& places, const std::vector<Value>& arguments);
  void emit_return_block();
  [[nodiscard]] Value to_register(Value value);  ///< i64 or double of the universal prototype
  [[nodiscard]] Value from_register(Value value, llvm::Type* type);

  // emit_memory.cpp
  [[nodiscard]] bool emit_memory(const wasm::OpcodeRow& row);
  void emit_load(const wasm::OpcodeRow& row);
  void emit_store(const wasm::OpcodeRow& row);
  void emit_atomic(const wasm::OpcodeRow& row);
  void emit_atomic_access(const wasm::OpcodeRow& row, uint32_t offset);
  void emit_compare_exchange(const wasm::OpcodeRow& row, uint32_t offset);
  void emit_bulk(const wasm::OpcodeRow& row);
  void emit_table_get(uint32_t table);
  void emit_global_get(uint32_t global);
  void emit_global_set(uint32_t global);
  [[nodiscard]] Value global_cell(uint32_t global);
  [[nodiscard]] Value memory_size(llvm::AtomicOrdering ordering);
  [[nodiscard]] Value effective_address(Value index, uint32_t offset);
  void check_bounds(Value address, unsigned bytes);
  [[nodiscard]] Value memory_pointer(Value index, uint32_t offset, unsigned bytes);
  [[nodiscard]] Value atomic_pointer(Value index, uint32_t offset, unsigned bytes);
  /// Accesses of linear memory are exact: LLVM must not remove one that may trap, nor move one past another.
  template <class Access>
  Access* mark_access(Access* access);
  [[nodiscard]] Value table_pointer(uint32_t table);
  [[nodiscard]] Value table_size(Value table);
  [[nodiscard]] Value table_size_once(Value table);
  /// Goes on where `index` is below the table's size; what is emitted by `cold` is where it is not, and must not come
  /// back.
  template <class Cold>
  void unless_outside(Value table, Value index, Cold cold);
  [[nodiscard]] Value table_element(Value table, Value index);

  // emit_numeric.cpp
  void emit_numeric(const wasm::OpcodeRow& row);
  [[nodiscard]] bool emit_compare(wasm::Opcode opcode);
  [[nodiscard]] bool emit_integer(wasm::Opcode opcode);
  [[nodiscard]] bool emit_float(wasm::Opcode opcode);
  void emit_conversion(wasm::Opcode opcode);
  void emit_division(wasm::Opcode opcode);
  void emit_shift(wasm::Opcode opcode);
  void emit_truncation(llvm::IntegerType* to, bool is_signed);
  void emit_saturating_truncation(llvm::IntegerType* to, bool is_signed);
  [[nodiscard]] Value minimum(Value a, Value b, bool maximum);
  void emit_rounding(llvm::Intrinsic::ID intrinsic, size_t helper32, size_t helper64);
  void emit_sign_extension(llvm::IntegerType* from);
  template <class Operation>
  void unary(Operation operation);
  template <class Operation>
  void binary(Operation operation);

  // emit_vector.cpp
  void emit_vector(const wasm::OpcodeRow& row);
  void emit_vector_with_immediate(const wasm::OpcodeRow& row, llvm::FixedVectorType* type);
  void emit_vector_access(const wasm::OpcodeRow& row);
  [[nodiscard]] bool emit_bits(std::string_view operation, llvm::FixedVectorType* type);
  [[nodiscard]] bool emit_integer_vector(std::string_view operation, llvm::FixedVectorType* type);
  [[nodiscard]] bool emit_float_vector(std::string_view operation, llvm::FixedVectorType* type);
  void emit_vector_conversion(std::string_view operation, llvm::FixedVectorType* type);
  void emit_narrowing(bool with_sign, llvm::FixedVectorType* type);
  /// The lanes of a v128 for an instruction called `name`: "i8x16" and so on; two i64 for "v128".
  [[nodiscard]] llvm::FixedVectorType* lanes_type(std::string_view name);
  [[nodiscard]] Value pop_lanes(llvm::Type* type);
  [[nodiscard]] Value pop_floats(llvm::Type* type);  ///< for arithmetic
  void push_lanes(Value vector);
  [[nodiscard]] Value float_operand(Value value);
  [[nodiscard]] Value narrowed(Value scalar, llvm::Type* type);
  [[nodiscard]] Value half(Value vector, bool upper);
  [[nodiscard]] Value alternate(Value vector, int first);
  [[nodiscard]] Value joined(Value lower, Value upper);
  [[nodiscard]] Value with_zeros(Value vector);
  [[nodiscard]] Value widened(Value vector, bool with_sign);
  [[nodiscard]] Value selected(Value mask, Value first, Value second);
  [[nodiscard]] Value swizzled(Value bytes, Value lanes);

  ModuleEmitter& emitter_;
  const wasm::Module& module_;
  const uint32_t index_;
  const uint32_t least_frame_;  ///< bytes that the check of the stack has to allow
  wasm::BodyReader reader_;
  const bool universal_;
  llvm::Function* function_ = nullptr;
  llvm::DISubprogram* subprogram_ = nullptr;
  llvm::IRBuilder<> ir_;
  llvm::BasicBlock* entry_ = nullptr;
  llvm::BranchInst* entry_end_ = nullptr;  ///< to the body; the check of the stack goes before it
  Value instance_ = nullptr;
  llvm::LoadInst* memory_base_ = nullptr;

  std::vector<wasm::ValueType> local_types_;
  std::vector<llvm::AllocaInst*> locals_;
  std::vector<Value> stack_;
  std::vector<Control> controls_;
  std::vector<size_t> tries_;  ///< where in `controls_` the try blocks are whose body this is in
  std::unordered_map<Value, Value> opaque_constants_;
  std::unordered_map<size_t, llvm::AllocaInst*> arrays_;  ///< by number of cells
  uint32_t offset_ = 0;                                   ///< of the current instruction in the module's bytes
  uint32_t skipped_blocks_ = 0;
  size_t highest_ = 0;  ///< the operand stack was at most
  size_t array_cells_ = 0;
  size_t moved_ = 0;  ///< see kMaximumMoved
  bool unreachable_ = false;
  bool has_vectors_ = false;  ///< there is a v128 among what was on the operand stack
  bool calls_ = false;        ///< anything that may need more of the native stack than a trap
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Cold>
void FunctionEmitter::unless(Value condition, Cold cold) {
  if (const auto* const known = llvm::dyn_cast<llvm::ConstantInt>(condition); known != nullptr && known->isZero()) {
    return;
  }
  llvm::BasicBlock* const rare = new_block();
  llvm::BasicBlock* const usual = new_block();
  ir_.CreateCondBr(condition, rare, usual, emitter_.unlikely);
  place(rare);
  cold();
  place(usual);
}

template <class Cold>
void FunctionEmitter::unless_outside(Value table, Value index, Cold cold) {
  // Tables only grow: what was inside once is inside, and only what was not has to be compared with the size of now.
  llvm::BasicBlock* const again = new_block();
  llvm::BasicBlock* const inside = new_block();
  ir_.CreateCondBr(ir_.CreateICmpUGE(index, table_size_once(table)), again, inside, emitter_.unlikely);
  place(again);
  unless(ir_.CreateICmpUGE(index, table_size(table)), cold);
  ir_.CreateBr(inside);
  place(inside);
}

template <class Access>
Access* FunctionEmitter::mark_access(Access* access) {
  access->setVolatile(true);
  access->setMetadata(llvm::LLVMContext::MD_tbaa, emitter_.region(Region::memory));
  access->setMetadata(emitter_.access_kind, emitter_.empty);
  return access;
}

}  // namespace tenon::compiler
