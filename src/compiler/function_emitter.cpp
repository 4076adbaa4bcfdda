#include "compiler/function_emitter.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>

#include "base/mapped_file.h"
#include "wasm/validate.h"

namespace tenon::compiler {

namespace {

using abi::TrapKind;
using wasm::Opcode;
using wasm::OpcodeRow;
using wasm::ValueType;

}  // namespace

FunctionEmitter::FunctionEmitter(ModuleEmitter& emitter, uint32_t function, base::Bytes body, uint32_t least_frame)
    : emitter_(emitter),
      module_(emitter.module),
      index_(function),
      least_frame_(least_frame),
      reader_(body, module_.functions[function].body_offset),
      universal_(wasm::has_tail_calls(body)),
      ir_(emitter.context) {}

Result<> FunctionEmitter::run() {
  const wasm::FunctionType& type = module_.function_type(index_);
  local_types_ = type.parameters;
  for (uint32_t groups = reader_.u32(); groups > 0 && reader_.ok(); --groups) {
    const uint32_t count = reader_.u32();
    const auto local = static_cast<ValueType>(reader_.u8());
    if (local_types_.size() + uint64_t{count} > wasm::kMaximumLocals) {
      return fail(ErrorKind::limit, "{}: function {} has too many locals", module_.name, module_.function_name(index_));
    }
    local_types_.insert(local_types_.end(), count, local);
  }
  begin(type);
  while (!controls_.empty() && reader_.ok()) {
    emit_instruction();
    if (moved_ > kMaximumMoved) {
      abandon();
      return fail(ErrorKind::limit,
                  "{}: function {} takes more values along its branches and calls than can be compiled", module_.name,
                  module_.function_name(index_));
    }
  }
  // Validation has seen the same bytes.
  if (!reader_.ok()) {
    abandon();
    return fail(ErrorKind::malformed, "{}: function {}: {}", module_.name, module_.function_name(index_),
                reader_.message());
  }
  end();
  return {};
}

/// What is not complete is left in the function, which owns it there.
void FunctionEmitter::abandon() {
  for (const Control& control : controls_) {
    for (llvm::BasicBlock* const block : {control.target, control.otherwise, control.dispatch}) {
      if (block != nullptr && block->getParent() == nullptr) {
        block->insertInto(function_);
      }
    }
  }
}

void FunctionEmitter::begin(const wasm::FunctionType& type) {
  function_ = emitter_.define(index_, universal_);
  offset_ = module_.functions[index_].body_offset;
  subprogram_ = emitter_.describe(*function_, offset_);
  mark_position();
  instance_ = function_->getArg(universal_ ? 1 : 0);
  instance_->setName("instance");

  entry_ = llvm::BasicBlock::Create(emitter_.context, "entry", function_);
  ir_.SetInsertPoint(entry_);
  begin_locals(type);
  if (!module_.memories.empty()) {
    memory_base_ = load_invariant(emitter_.pointer, at(instance_, offsetof(abi::Instance, memory_base)));
    memory_base_->setName("memory");
    memory_base_->setMetadata(llvm::LLVMContext::MD_nonnull, emitter_.empty);
    memory_base_->setMetadata(llvm::LLVMContext::MD_noundef, emitter_.empty);
    memory_base_->setMetadata(emitter_.memory_base_kind, emitter_.empty);
  }
  llvm::BasicBlock* const body = new_block();
  entry_end_ = ir_.CreateBr(body);
  place(body);

  Control outermost(ControlKind::function);
  outermost.parameters = &wasm::kNoTypes;
  outermost.results = &type.results;
  controls_.push_back(std::move(outermost));
}

void FunctionEmitter::begin_locals(const wasm::FunctionType& type) {
  locals_.reserve(local_types_.size());
  for (const ValueType local : local_types_) {
    locals_.push_back(ir_.CreateAlloca(emitter_.type(local)));
  }
  const std::vector<Place> places = emitter_.places(type.parameters);
  const unsigned first = universal_ ? 2 : 1;
  const unsigned first_float = first + emitter_.integer_registers();
  unsigned next = first;
  for (size_t n = 0; n < places.size(); ++n) {
    llvm::Type* const wanted = emitter_.type(type.parameters[n]);
    Value value = nullptr;
    if (places[n].kind == Place::Kind::overflow) {
      value = load(Region::overflow, wanted, at(overflow(), places[n].index * sizeof(abi::Cell)));
    } else if (universal_) {
      const unsigned base = places[n].kind == Place::Kind::floating ? first_float : first;
      value = from_register(function_->getArg(base + places[n].index), wanted);
    } else {
      value = function_->getArg(next++);
    }
    ir_.CreateStore(value, locals_[n]);
  }
  for (size_t n = places.size(); n < locals_.size(); ++n) {
    ir_.CreateStore(opaque(llvm::Constant::getNullValue(locals_[n]->getAllocatedType())), locals_[n]);
  }
}

void FunctionEmitter::end() {
  check_stack_at_entry();
  if (memory_base_ != nullptr && memory_base_->use_empty()) {
    memory_base_->eraseFromParent();
  }
}

void FunctionEmitter::check_stack_at_entry() {
  constexpr uint64_t kFixed = 1024;  // saved registers, what a call needs, alignment
  // Operands are taken for vectors where there are any.
  const uint64_t operands = highest_ * (has_vectors_ ? 2 : 1);
  const uint64_t estimate = std::max<uint64_t>(
      (abi::cells_of(local_types_) + operands) * sizeof(abi::Cell) * 2 + array_cells_ * sizeof(abi::Cell) + kFixed,
      least_frame_);
  const bool large = estimate > abi::kUncheckedFrame;
  function_->addFnAttr("tenon-frame", std::to_string(large ? estimate : abi::kUncheckedFrame));
  if (!calls_ && !large) {
    return;
  }
  offset_ = module_.functions[index_].body_offset;
  mark_position();
  llvm::BasicBlock* const body = entry_end_->getSuccessor(0);
  ir_.SetInsertPoint(entry_end_);
  const char* const name = emitter_.plan.options().architecture == abi::Architecture::aarch64 ? "sp" : "rsp";
  Value const named = llvm::MetadataAsValue::get(
      emitter_.context, llvm::MDNode::get(emitter_.context, llvm::MDString::get(emitter_.context, name)));
  Value const stack_pointer = ir_.CreateIntrinsic(emitter_.i64, llvm::Intrinsic::read_register, {named});
  Value limit = load(Region::state, emitter_.i64, at(thread(), offsetof(abi::Thread, native_stack_limit)));
  if (large) {
    limit = ir_.CreateAdd(limit, constant64(estimate));
  }
  llvm::BasicBlock* const exhausted = new_block();
  ir_.CreateCondBr(ir_.CreateICmpULT(stack_pointer, limit), exhausted, body, emitter_.unlikely);
  entry_end_->eraseFromParent();
  place(exhausted);
  call_helper(offsetof(abi::Helpers, stack_exhausted), HelperKind::traps, emitter_.nothing, {instance_});
}

// ---------------------------------------------------------------------------------------------------------------------
// Instructions

void FunctionEmitter::mark_position() {
  ir_.SetCurrentDebugLocation(llvm::DILocation::get(emitter_.context, offset_, 0, subprogram_));
}

void FunctionEmitter::emit_instruction() {
  offset_ = static_cast<uint32_t>(reader_.position());
  const OpcodeRow& row = reader_.next_opcode();
  if (unreachable_) {
    skip_unreachable(row);
    return;
  }
  mark_position();
  if (emit_control(row)) {
    return;
  }
  if (row.opcode >= Opcode::drop && row.opcode <= Opcode::global_set) {
    emit_variable(row);
  } else if (row.prefix == wasm::kVectorPrefix) {
    emit_vector(row);
  } else if (!emit_memory(row)) {
    emit_numeric(row);
  }
}

void FunctionEmitter::skip_unreachable(const OpcodeRow& row) {
  switch (row.opcode) {
    case Opcode::block:
    case Opcode::loop:
    case Opcode::if_:
    case Opcode::try_:
      ++skipped_blocks_;
      break;
    case Opcode::end:
    case Opcode::delegate:
      if (skipped_blocks_ > 0) {
        --skipped_blocks_;
        break;
      }
      [[fallthrough]];
    case Opcode::else_:
    case Opcode::catch_:
    case Opcode::catch_all:
      if (skipped_blocks_ == 0) {
        mark_position();
        (void)emit_control(row);
        return;
      }
      break;
    default:
      break;
  }
  reader_.skip_immediates(row);
}

/// False: not an instruction of control.
bool FunctionEmitter::emit_control(const OpcodeRow& row) {
  switch (row.opcode) {
    case Opcode::nop:
      break;
    case Opcode::unreachable:
      trap(TrapKind::unreachable);
      set_unreachable();
      break;
    case Opcode::block:
      begin_block(ControlKind::block);
      break;
    case Opcode::loop:
      begin_block(ControlKind::loop);
      break;
    case Opcode::try_:
      begin_block(ControlKind::try_);
      break;
    case Opcode::if_:
      begin_if();
      break;
    case Opcode::else_:
      emit_else();
      break;
    case Opcode::end:
      emit_end();
      break;
    case Opcode::catch_:
      emit_catch(reader_.u32());
      break;
    case Opcode::catch_all:
      emit_catch(std::nullopt);
      break;
    case Opcode::delegate:
      emit_delegate(reader_.u32());
      break;
    case Opcode::throw_:
      emit_throw(reader_.u32());
      break;
    case Opcode::rethrow:
      emit_rethrow(reader_.u32());
      break;
    case Opcode::br:
      emit_br(reader_.u32());
      break;
    case Opcode::br_if:
      emit_br_if(reader_.u32());
      break;
    case Opcode::br_table:
      emit_br_table();
      break;
    case Opcode::return_:
      emit_br(static_cast<uint32_t>(controls_.size() - 1));
      break;
    case Opcode::call:
      emit_call(reader_.u32(), false);
      break;
    case Opcode::return_call:
      emit_call(reader_.u32(), true);
      break;
    case Opcode::call_indirect:
      emit_call_indirect(false);
      break;
    case Opcode::return_call_indirect:
      emit_call_indirect(true);
      break;
    default:
      return false;
  }
  return true;
}

void FunctionEmitter::emit_variable(const OpcodeRow& row) {
  switch (row.opcode) {
    case Opcode::select_typed:
      reader_.skip(reader_.u32());
      [[fallthrough]];
    case Opcode::select: {
      Value const condition = truth(pop());
      Value const second = pop();
      Value const first = pop();
      Value const chosen = ir_.CreateSelect(condition, first, second);
      push(is_treacherous(first) || is_treacherous(second) ? fence(chosen) : chosen);
      break;
    }
    case Opcode::local_get: {
      llvm::AllocaInst* const local = locals_[reader_.u32()];
      push(ir_.CreateLoad(local->getAllocatedType(), local));
      break;
    }
    case Opcode::local_set: {
      const uint32_t local = reader_.u32();
      ir_.CreateStore(opaque(pop()), locals_[local]);
      break;
    }
    case Opcode::local_tee: {
      const uint32_t local = reader_.u32();
      Value const value = opaque(pop());
      ir_.CreateStore(value, locals_[local]);
      push(value);
      break;
    }
    case Opcode::global_get:
      emit_global_get(reader_.u32());
      break;
    case Opcode::global_set:
      emit_global_set(reader_.u32());
      break;
    default:  // drop
      (void)pop();
      break;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Values

void FunctionEmitter::push(Value value) {
  stack_.push_back(value);
  has_vectors_ = has_vectors_ || value->getType() == emitter_.v128;
  highest_ = std::max(highest_, stack_.size());
}

FunctionEmitter::Value FunctionEmitter::pop() {
  Value const value = stack_.back();
  stack_.pop_back();
  return value;
}

std::vector<FunctionEmitter::Value> FunctionEmitter::pop_many(size_t count) {
  std::vector<Value> values(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return values;
}

FunctionEmitter::Value FunctionEmitter::fence(Value value) {
  return ir_.CreateIntrinsic(value->getType(), llvm::Intrinsic::arithmetic_fence, {value});
}

// LLVM takes x * 1, x / 1, x - 0, x + -0 and the like for x, and -0 - x or x * -1 for a change of sign: that they quiet
// a signalling NaN means nothing to it. WebAssembly's do quiet it.
bool FunctionEmitter::is_treacherous(Value value) {
  const auto* const constant = llvm::dyn_cast<llvm::ConstantFP>(value);
  return constant != nullptr && (constant->isZero() || constant->isExactlyValue(1.0) || constant->isExactlyValue(-1.0));
}

FunctionEmitter::Value FunctionEmitter::opaque(Value value) {
  return is_treacherous(value) ? opaque_constant(value) : value;
}

FunctionEmitter::Value FunctionEmitter::opaque_constant(Value value) {
  // Once, before everything else: a fence inside a loop would keep the loop from being made one over vectors.
  Value& opaque = opaque_constants_[value];
  if (opaque == nullptr) {
    const llvm::IRBuilderBase::InsertPointGuard guard(ir_);
    if (entry_end_ != nullptr) {
      ir_.SetInsertPoint(entry_end_);
      ir_.SetCurrentDebugLocation(entry_end_->getDebugLoc());
    }
    opaque = fence(value);
  }
  return opaque;
}

FunctionEmitter::Value FunctionEmitter::truth(Value value) {
  if (auto* const extension = llvm::dyn_cast<llvm::ZExtInst>(value);
      extension != nullptr && extension->getOperand(0)->getType() == emitter_.i1) {
    return extension->getOperand(0);
  }
  return ir_.CreateICmpNE(value, constant32(0));
}

void FunctionEmitter::push_truth(Value condition) {
  push(ir_.CreateZExt(condition, emitter_.i32));
}

llvm::ConstantInt* FunctionEmitter::constant32(uint32_t value) const {
  return llvm::ConstantInt::get(emitter_.i32, value);
}

llvm::ConstantInt* FunctionEmitter::constant64(uint64_t value) const {
  return llvm::ConstantInt::get(emitter_.i64, value);
}

FunctionEmitter::Value FunctionEmitter::extended(Value value) {
  return ir_.CreateZExt(value, emitter_.i64);
}

llvm::BasicBlock* FunctionEmitter::new_block() {
  return llvm::BasicBlock::Create(emitter_.context);
}

void FunctionEmitter::place(llvm::BasicBlock* block) {
  block->insertInto(function_);
  ir_.SetInsertPoint(block);
}

void FunctionEmitter::trap(TrapKind kind) {
  call_helper(offsetof(abi::Helpers, trap), HelperKind::traps, emitter_.nothing,
              {instance_, constant32(static_cast<uint32_t>(kind)), constant32(offset_)});
}

void FunctionEmitter::trap_if(Value condition, TrapKind kind) {
  unless(condition, [&] { trap(kind); });
}

// ---------------------------------------------------------------------------------------------------------------------
// The runtime's structs

FunctionEmitter::Value FunctionEmitter::at(Value base, uint64_t offset) {
  return offset == 0 ? base : ir_.CreateInBoundsGEP(emitter_.i8, base, constant64(offset));
}

llvm::LoadInst* FunctionEmitter::load(Region region, llvm::Type* type, Value from) {
  llvm::LoadInst* const loaded = ir_.CreateLoad(type, from);
  if (type == emitter_.v128) {
    loaded->setAlignment(llvm::Align(alignof(abi::Cell)));
  }
  loaded->setMetadata(llvm::LLVMContext::MD_tbaa, emitter_.region(region));
  return loaded;
}

llvm::LoadInst* FunctionEmitter::load_invariant(llvm::Type* type, Value from) {
  llvm::LoadInst* const loaded = load(Region::state, type, from);
  loaded->setMetadata(llvm::LLVMContext::MD_invariant_load, emitter_.empty);
  return loaded;
}

llvm::StoreInst* FunctionEmitter::store(Region region, Value value, Value to) {
  llvm::StoreInst* const stored = ir_.CreateStore(value, to);
  if (value->getType() == emitter_.v128) {
    stored->setAlignment(llvm::Align(alignof(abi::Cell)));
  }
  stored->setMetadata(llvm::LLVMContext::MD_tbaa, emitter_.region(region));
  return stored;
}

FunctionEmitter::Value FunctionEmitter::thread() {
  return load_invariant(emitter_.pointer, at(instance_, offsetof(abi::Instance, thread)));
}

FunctionEmitter::Value FunctionEmitter::overflow() {
  return load_invariant(emitter_.pointer, at(thread(), offsetof(abi::Thread, overflow)));
}

FunctionEmitter::Value FunctionEmitter::call_helper(size_t offset, HelperKind kind, llvm::Type* result,
                                                    std::initializer_list<Value> arguments) {
  Value const helpers = load_invariant(emitter_.pointer, at(thread(), offsetof(abi::Thread, helpers)));
  Value const helper = load_invariant(emitter_.pointer, at(helpers, offset));
  std::vector<llvm::Type*> types;
  types.reserve(arguments.size());
  for (Value const argument : arguments) {
    types.push_back(argument->getType());
  }
  llvm::FunctionType* const type = llvm::FunctionType::get(result, types, false);
  calls_ = calls_ || kind != HelperKind::traps;
  const bool lands_here = kind == HelperKind::throws || kind == HelperKind::returns_or_throws;
  Value const called = call_or_invoke(type, helper, arguments, lands_here, false);
  auto* const call = llvm::cast<llvm::CallBase>(called);
  if (kind == HelperKind::traps || kind == HelperKind::returns) {
    // Whoever this function is inlined into has no landing pad for it either.
    call->addFnAttr(llvm::Attribute::NoUnwind);
  }
  if (kind != HelperKind::returns && kind != HelperKind::returns_or_throws) {
    call->addFnAttr(llvm::Attribute::NoReturn);
    call->addFnAttr(llvm::Attribute::Cold);
    ir_.CreateUnreachable();
  }
  return called;
}

uint32_t FunctionEmitter::cells_of(Value value) const {
  return value->getType() == emitter_.v128 ? 2 : 1;
}

FunctionEmitter::Value FunctionEmitter::cells(const std::vector<Value>& values) {
  size_t count = 0;
  for (Value const value : values) {
    count += cells_of(value);
  }
  count = std::max<size_t>(count, 1);
  llvm::AllocaInst*& array = arrays_[count];
  if (array == nullptr) {
    llvm::IRBuilder<> first(entry_, entry_->begin());
    first.SetCurrentDebugLocation(ir_.getCurrentDebugLocation());
    array = first.CreateAlloca(llvm::ArrayType::get(emitter_.i64, count));
    array_cells_ += count;
  }
  size_t next = 0;
  for (Value const value : values) {
    ir_.CreateAlignedStore(value, at(array, next * sizeof(abi::Cell)), llvm::Align(alignof(abi::Cell)));
    next += cells_of(value);
  }
  return array;
}

// ---------------------------------------------------------------------------------------------------------------------

Result<> emit_functions(llvm::Module& target, const ModulePlan& plan, uint32_t first, uint32_t last,
                        std::span<const uint32_t> frames) {
  const wasm::Module& module = plan.module();
  ModuleEmitter emitter(target, plan);
  std::vector<uint8_t> copy;
  for (uint32_t function = first; function < last; ++function) {
    const wasm::Function& defined = module.functions[function];
    base::Bytes body = module.bytes().subspan(defined.body_offset, defined.body_size);
    if (module.storage().is_mapped()) {
      // sandbox: what another process may change under us is copied, and the copy is what is validated and compiled.
      copy.resize(body.size());
      if (!base::guarded_copy(copy.data(), body)) {
        return fail(ErrorKind::io, "{} was truncated after it had been validated", module.name);
      }
      TENON_CHECK(wasm::validate_function(module, function, copy));
      body = copy;
    }
    TENON_CHECK(FunctionEmitter(emitter, function, body, frames.empty() ? 0 : frames[function - first]).run());
  }
  return {};
}

}  // namespace tenon::compiler
