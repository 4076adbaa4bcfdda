// Linear memory, globals, tables and references.
#include <bit>
#include <string_view>

#include "compiler/function_emitter.h"

namespace tenon::compiler {

namespace {

using abi::GlobalAccess;
using abi::TrapKind;
using wasm::Immediate;
using wasm::Opcode;
using wasm::OpcodeRow;

bool is_signed_load(Opcode opcode) {
  switch (opcode) {
    case Opcode::i32_load8_s:
    case Opcode::i32_load16_s:
    case Opcode::i64_load8_s:
    case Opcode::i64_load16_s:
    case Opcode::i64_load32_s:
      return true;
    default:
      return false;
  }
}

bool has_second_index(Immediate immediate) {
  switch (immediate) {
    case Immediate::memory_memory:
    case Immediate::data_memory:
    case Immediate::element_table:
    case Immediate::table_table:
      return true;
    default:
      return false;
  }
}

constexpr unsigned kPageExponent = std::countr_zero(wasm::kPageSize);

}  // namespace

unsigned access_bytes(Immediate immediate) {
  switch (immediate) {
    case Immediate::memarg8:
    case Immediate::memarg8_lane:
      return 1;
    case Immediate::memarg16:
    case Immediate::memarg16_lane:
      return 2;
    case Immediate::memarg32:
    case Immediate::memarg32_lane:
      return 4;
    case Immediate::memarg128:
      return 16;
    default:
      return 8;
  }
}

/// False: not an instruction that this file knows.
bool FunctionEmitter::emit_memory(const OpcodeRow& row) {
  if (row.prefix == wasm::kAtomicPrefix) {
    emit_atomic(row);
    return true;
  }
  if (row.opcode >= Opcode::i32_load && row.opcode <= Opcode::i64_load32_u) {
    emit_load(row);
    return true;
  }
  if (row.opcode >= Opcode::i32_store && row.opcode <= Opcode::i64_store32) {
    emit_store(row);
    return true;
  }
  switch (row.opcode) {
    case Opcode::table_get:
    case Opcode::table_set:
    case Opcode::memory_size:
    case Opcode::memory_grow:
      emit_bulk(row);
      return true;
    case Opcode::ref_null:
      reader_.skip(1);
      push(llvm::ConstantPointerNull::get(emitter_.pointer));
      return true;
    case Opcode::ref_is_null:
      push_truth(ir_.CreateIsNull(pop()));
      return true;
    case Opcode::ref_func:
      emit_reference_function(reader_.u32());
      return true;
    default:
      break;
  }
  if (row.opcode >= Opcode::memory_init && row.opcode <= Opcode::table_fill) {
    emit_bulk(row);
    return true;
  }
  return false;
}

// ---------------------------------------------------------------------------------------------------------------------
// Addresses

// sandbox: the sum of a 32-bit address and a 32-bit offset, in 64 bits: at most 2^33 - 2, which the reservation of a
// guarded memory covers with room for the access.
llvm::Value* FunctionEmitter::effective_address(Value index, uint32_t offset) {
  Value const wide = extended(index);
  return offset == 0 ? wide : ir_.CreateAdd(wide, constant64(offset), "", true, true);
}

llvm::Value* FunctionEmitter::memory_size(llvm::AtomicOrdering ordering) {
  llvm::LoadInst* const memory = load_invariant(emitter_.pointer, at(instance_, offsetof(abi::Instance, memory)));
  memory->setMetadata(llvm::LLVMContext::MD_nonnull, emitter_.empty);
  memory->setMetadata(
      llvm::LLVMContext::MD_dereferenceable,
      llvm::MDNode::get(emitter_.context, llvm::ConstantAsMetadata::get(constant64(sizeof(abi::Memory)))));
  llvm::LoadInst* const size = load(Region::state, emitter_.i64, at(memory, offsetof(abi::Memory, size)));
  size->setAtomic(ordering);
  size->setAlignment(llvm::Align(sizeof(uint64_t)));
  return size;
}

void FunctionEmitter::check_bounds(Value address, unsigned bytes) {
  if (emitter_.plan.options().code.checks != abi::BoundsChecks::explicit_checks) {
    return;
  }
  // sandbox: no overflow: the address is below 2^33.
  Value const end = ir_.CreateAdd(address, constant64(bytes), "", true, true);
  // Any size that the memory has had since this thread last synchronized with another will do: it only grows.
  Value const size = memory_size(llvm::AtomicOrdering::Unordered);
  trap_if(ir_.CreateICmpUGT(end, size), TrapKind::memory_out_of_bounds);
}

llvm::Value* FunctionEmitter::memory_pointer(Value index, uint32_t offset, unsigned bytes) {
  check_bounds(effective_address(index, offset), bytes);
  Value const place = ir_.CreateGEP(emitter_.i8, memory_base_, extended(index));
  return offset == 0 ? place : ir_.CreateGEP(emitter_.i8, place, constant64(offset));
}

llvm::Value* FunctionEmitter::atomic_pointer(Value index, uint32_t offset, unsigned bytes) {
  // The alignment of an access is checked before its bounds, as the proposal's official tests want.
  Value const address = effective_address(index, offset);
  Value const misaligned = ir_.CreateAnd(address, constant64(bytes - 1));
  trap_if(ir_.CreateICmpNE(misaligned, constant64(0)), TrapKind::unaligned_atomic);
  return memory_pointer(index, offset, bytes);
}

void FunctionEmitter::emit_load(const OpcodeRow& row) {
  (void)reader_.u32();  // the alignment is a hint
  const uint32_t offset = reader_.u32();
  const unsigned bytes = access_bytes(row.immediate);
  llvm::Type* result = nullptr;
  switch (row.signature[2]) {
    case 'f':
      result = emitter_.f32;
      break;
    case 'F':
      result = emitter_.f64;
      break;
    case 'I':
      result = emitter_.i64;
      break;
    default:
      result = emitter_.i32;
      break;
  }
  llvm::Type* const stored = result->isFloatingPointTy() ? result : llvm::IntegerType::get(emitter_.context, bytes * 8);
  Value const place = memory_pointer(pop(), offset, bytes);
  Value loaded = mark_access(ir_.CreateAlignedLoad(stored, place, llvm::Align(1)));
  if (stored != result) {
    loaded = is_signed_load(row.opcode) ? ir_.CreateSExt(loaded, result) : ir_.CreateZExt(loaded, result);
  }
  push(loaded);
}

void FunctionEmitter::emit_store(const OpcodeRow& row) {
  (void)reader_.u32();
  const uint32_t offset = reader_.u32();
  const unsigned bytes = access_bytes(row.immediate);
  Value value = pop();
  if (value->getType()->isIntegerTy()) {
    value = ir_.CreateTrunc(value, llvm::IntegerType::get(emitter_.context, bytes * 8));
  }
  Value const place = memory_pointer(pop(), offset, bytes);
  mark_access(ir_.CreateAlignedStore(value, place, llvm::Align(1)));
}

// ---------------------------------------------------------------------------------------------------------------------
// Threads

void FunctionEmitter::emit_atomic(const OpcodeRow& row) {
  if (row.opcode == Opcode::atomic_fence) {
    reader_.skip(1);
    ir_.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent);
    return;
  }
  (void)reader_.u32();
  const uint32_t offset = reader_.u32();
  switch (row.opcode) {
    case Opcode::memory_atomic_wait32:
    case Opcode::memory_atomic_wait64: {
      const size_t helper =
          row.opcode == Opcode::memory_atomic_wait32 ? offsetof(abi::Helpers, wait32) : offsetof(abi::Helpers, wait64);
      Value const timeout = pop();
      Value const expected = pop();
      Value const address = effective_address(pop(), offset);
      push(call_helper(helper, HelperKind::returns, emitter_.i32, {instance_, address, expected, timeout}));
      return;
    }
    case Opcode::memory_atomic_notify: {
      Value const count = pop();
      Value const address = effective_address(pop(), offset);
      push(call_helper(offsetof(abi::Helpers, notify), HelperKind::returns, emitter_.i32, {instance_, address, count}));
      return;
    }
    default:
      break;
  }
  if (row.opcode >= Opcode::i32_atomic_rmw_cmpxchg) {
    emit_compare_exchange(row, offset);
  } else {
    emit_atomic_access(row, offset);
  }
}

namespace {

llvm::AtomicRMWInst::BinOp update_of(Opcode opcode) {
  if (opcode >= Opcode::i32_atomic_rmw_xchg) {
    return llvm::AtomicRMWInst::Xchg;
  }
  if (opcode >= Opcode::i32_atomic_rmw_xor) {
    return llvm::AtomicRMWInst::Xor;
  }
  if (opcode >= Opcode::i32_atomic_rmw_or) {
    return llvm::AtomicRMWInst::Or;
  }
  if (opcode >= Opcode::i32_atomic_rmw_and) {
    return llvm::AtomicRMWInst::And;
  }
  if (opcode >= Opcode::i32_atomic_rmw_sub) {
    return llvm::AtomicRMWInst::Sub;
  }
  return llvm::AtomicRMWInst::Add;
}

constexpr auto kOrdering = llvm::AtomicOrdering::SequentiallyConsistent;

}  // namespace

void FunctionEmitter::emit_atomic_access(const OpcodeRow& row, uint32_t offset) {
  const unsigned bytes = access_bytes(row.immediate);
  const llvm::Align alignment(bytes);
  llvm::Type* const stored = llvm::IntegerType::get(emitter_.context, bytes * 8);
  const std::string_view signature = row.signature;
  llvm::Type* const result = signature.back() == 'I' ? emitter_.i64 : emitter_.i32;
  if (row.opcode <= Opcode::i64_atomic_load32_u) {
    Value const place = atomic_pointer(pop(), offset, bytes);
    llvm::LoadInst* const loaded = mark_access(ir_.CreateAlignedLoad(stored, place, alignment));
    loaded->setAtomic(kOrdering);
    push(ir_.CreateZExt(loaded, result));
    return;
  }
  Value const value = ir_.CreateTrunc(pop(), stored);
  Value const place = atomic_pointer(pop(), offset, bytes);
  if (row.opcode <= Opcode::i64_atomic_store32) {
    mark_access(ir_.CreateAlignedStore(value, place, alignment))->setAtomic(kOrdering);
    return;
  }
  Value const before = mark_access(ir_.CreateAtomicRMW(update_of(row.opcode), place, value, alignment, kOrdering));
  push(ir_.CreateZExt(before, result));
}

void FunctionEmitter::emit_compare_exchange(const OpcodeRow& row, uint32_t offset) {
  const unsigned bytes = access_bytes(row.immediate);
  const llvm::Align alignment(bytes);
  llvm::Type* const stored = llvm::IntegerType::get(emitter_.context, bytes * 8);
  Value const replacement = ir_.CreateTrunc(pop(), stored);
  Value const expected = pop();
  Value const place_in_memory = atomic_pointer(pop(), offset, bytes);
  const auto exchange = [&](Value wanted) -> Value {
    Value const pair =
        mark_access(ir_.CreateAtomicCmpXchg(place_in_memory, wanted, replacement, alignment, kOrdering, kOrdering));
    return ir_.CreateExtractValue(pair, 0);
  };
  llvm::Type* const result = expected->getType();
  if (stored == result) {
    push(exchange(expected));
    return;
  }
  // An expected value beyond the width never matches: then it is a load.
  Value const narrow = ir_.CreateTrunc(expected, stored);
  llvm::BasicBlock* const possible = new_block();
  llvm::BasicBlock* const impossible = new_block();
  llvm::BasicBlock* const done = new_block();
  ir_.CreateCondBr(ir_.CreateICmpEQ(ir_.CreateZExt(narrow, result), expected), possible, impossible);
  place(possible);
  Value const exchanged = exchange(narrow);
  ir_.CreateBr(done);
  place(impossible);
  llvm::LoadInst* const loaded = mark_access(ir_.CreateAlignedLoad(stored, place_in_memory, alignment));
  loaded->setAtomic(kOrdering);
  ir_.CreateBr(done);
  place(done);
  llvm::PHINode* const found = ir_.CreatePHI(stored, 2);
  found->addIncoming(exchanged, possible);
  found->addIncoming(loaded, impossible);
  push(ir_.CreateZExt(found, result));
}

// ---------------------------------------------------------------------------------------------------------------------
// Sizes, bulk instructions and tables

void FunctionEmitter::emit_bulk(const OpcodeRow& row) {
  const uint32_t first = reader_.u32();
  const uint32_t second = has_second_index(row.immediate) ? reader_.u32() : 0;
  switch (row.opcode) {
    case Opcode::memory_size:
      push(ir_.CreateTrunc(ir_.CreateLShr(memory_size(llvm::AtomicOrdering::Acquire), kPageExponent), emitter_.i32));
      return;
    case Opcode::memory_grow: {
      Value const pages = extended(pop());
      Value const before = call_helper(offsetof(abi::Helpers, memory_grow), HelperKind::returns, emitter_.i64,
                                       {instance_, pages, constant32(first)});
      push(ir_.CreateTrunc(before, emitter_.i32));
      return;
    }
    case Opcode::memory_copy: {
      Value const count = extended(pop());
      Value const from = extended(pop());
      Value const to = extended(pop());
      call_helper(offsetof(abi::Helpers, memory_copy), HelperKind::returns, emitter_.nothing,
                  {instance_, to, from, count});
      return;
    }
    case Opcode::memory_fill: {
      Value const count = extended(pop());
      Value const value = pop();
      Value const to = extended(pop());
      call_helper(offsetof(abi::Helpers, memory_fill), HelperKind::returns, emitter_.nothing,
                  {instance_, to, value, count});
      return;
    }
    case Opcode::table_get:
      emit_table_get(first);
      return;
    case Opcode::table_size:
      push(ir_.CreateTrunc(table_size(table_pointer(first)), emitter_.i32));
      return;
    default:
      break;
  }
  size_t inputs = 3;
  if (row.opcode == Opcode::data_drop || row.opcode == Opcode::elem_drop) {
    inputs = 0;
  } else if (row.opcode == Opcode::table_set || row.opcode == Opcode::table_grow) {
    inputs = 2;
  }
  Value const arguments = cells(pop_many(inputs));
  Value const result = call_helper(
      offsetof(abi::Helpers, bulk), HelperKind::returns, emitter_.i64,
      {instance_, constant32(static_cast<uint32_t>(row.opcode)), arguments, constant32(first), constant32(second)});
  if (row.opcode == Opcode::table_grow) {
    push(ir_.CreateTrunc(result, emitter_.i32));
  }
}

llvm::Value* FunctionEmitter::table_pointer(uint32_t table) {
  llvm::LoadInst* const pointer = load_invariant(emitter_.pointer, at(instance_, emitter_.plan.layout().table(table)));
  pointer->setMetadata(llvm::LLVMContext::MD_nonnull, emitter_.empty);
  return pointer;
}

llvm::Value* FunctionEmitter::table_size(Value table) {
  llvm::LoadInst* const size = load(Region::table, emitter_.i64, at(table, offsetof(abi::Table, size)));
  size->setAtomic(llvm::AtomicOrdering::Acquire);
  size->setAlignment(llvm::Align(sizeof(uint64_t)));
  return size;
}

/// The size of `table` now or at some time before. LLVM may take it for the same everywhere in a function.
llvm::Value* FunctionEmitter::table_size_once(Value table) {
  llvm::LoadInst* const size = load_invariant(emitter_.i64, at(table, offsetof(abi::Table, size)));
  size->setAlignment(llvm::Align(sizeof(uint64_t)));
  return size;
}

/// `index` is an i64 below the table's size.
llvm::Value* FunctionEmitter::table_element(Value table, Value index) {
  Value const elements = load_invariant(emitter_.pointer, at(table, offsetof(abi::Table, elements)));
  llvm::LoadInst* const element =
      load(Region::table, emitter_.pointer, ir_.CreateInBoundsGEP(emitter_.i64, elements, index));
  element->setAtomic(llvm::AtomicOrdering::Acquire);
  element->setAlignment(llvm::Align(sizeof(abi::Cell)));
  return element;
}

void FunctionEmitter::emit_table_get(uint32_t table) {
  Value const index = extended(pop());
  Value const pointer = table_pointer(table);
  unless_outside(pointer, index, [&] { trap(TrapKind::table_out_of_bounds); });
  push(table_element(pointer, index));
}

// ---------------------------------------------------------------------------------------------------------------------
// Globals

llvm::Value* FunctionEmitter::global_cell(uint32_t global) {
  Value const cell = at(instance_, emitter_.plan.layout().global(global));
  return emitter_.plan.global_access(global) == GlobalAccess::indirect ? load_invariant(emitter_.pointer, cell) : cell;
}

void FunctionEmitter::emit_global_get(uint32_t global) {
  llvm::LoadInst* const value =
      load(Region::global, emitter_.type(module_.globals[global].type.type), global_cell(global));
  if (emitter_.plan.global_access(global) == GlobalAccess::constant) {
    value->setMetadata(llvm::LLVMContext::MD_invariant_load, emitter_.empty);
  }
  if (emitter_.plan.is_memory_base(global)) {
    value->setMetadata(llvm::LLVMContext::MD_range, emitter_.memory_bases);
  }
  push(value);
}

void FunctionEmitter::emit_global_set(uint32_t global) {
  Value const value = pop();
  if (emitter_.plan.options().code.check_stack && emitter_.plan.is_stack_pointer(global)) {
    Value const low = load(Region::state, emitter_.i64, at(thread(), offsetof(abi::Thread, stack_low)));
    unless(ir_.CreateICmpULT(extended(value), low), [&] {
      call_helper(offsetof(abi::Helpers, stack_overrun), HelperKind::traps, emitter_.nothing,
                  {instance_, value, constant32(offset_)});
    });
  }
  // Volatile: an embedder sees globals as they were when a thread trapped, and LLVM does not know that accesses trap.
  store(Region::global, value, global_cell(global))->setVolatile(true);
}

}  // namespace tenon::compiler
