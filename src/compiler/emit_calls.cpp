// Calls, tail calls and returns: docs/compiled-code.md.
#include "compiler/function_emitter.h"

namespace tenon::compiler {

using abi::TrapKind;

llvm::Value* FunctionEmitter::to_register(Value value) {
  llvm::Type* const type = value->getType();
  if (type == emitter_.i32) {
    return extended(value);
  }
  if (type == emitter_.pointer) {
    return ir_.CreatePtrToInt(value, emitter_.i64);
  }
  if (type == emitter_.f32) {
    // By way of a vector, whose first element is the register's low half: this needs no instruction.
    llvm::Type* const pair = llvm::FixedVectorType::get(emitter_.f32, 2);
    return ir_.CreateBitCast(ir_.CreateInsertElement(llvm::PoisonValue::get(pair), value, uint64_t{0}), emitter_.f64);
  }
  return value;
}

llvm::Value* FunctionEmitter::from_register(Value value, llvm::Type* type) {
  if (type == emitter_.i32) {
    return ir_.CreateTrunc(value, emitter_.i32);
  }
  if (type == emitter_.pointer) {
    return ir_.CreateIntToPtr(value, emitter_.pointer);
  }
  if (type == emitter_.f32) {
    llvm::Type* const pair = llvm::FixedVectorType::get(emitter_.f32, 2);
    return ir_.CreateExtractElement(ir_.CreateBitCast(value, pair), uint64_t{0});
  }
  return value;
}

llvm::Value* FunctionEmitter::call_or_invoke(llvm::FunctionType* type, Value callee, llvm::ArrayRef<Value> arguments,
                                             bool may_throw, bool with_slot) {
  llvm::BasicBlock* const pad = may_throw ? landing_pad() : nullptr;
  llvm::CallBase* call = nullptr;
  if (pad != nullptr) {
    llvm::BasicBlock* const next = new_block();
    call = ir_.CreateInvoke(type, callee, next, pad, arguments);
    place(next);
  } else {
    call = ir_.CreateCall(type, callee, arguments);
  }
  if (with_slot) {
    call->addParamAttr(0, llvm::Attribute::Nest);
  }
  return call;
}

void FunctionEmitter::store_overflow(const std::vector<Place>& places, const std::vector<Value>& arguments) {
  Value cells = nullptr;
  for (size_t n = 0; n < places.size(); ++n) {
    if (places[n].kind == Place::Kind::overflow) {
      cells = cells == nullptr ? overflow() : cells;
      store(Region::overflow, arguments[n], at(cells, places[n].index * sizeof(abi::Cell)));
      ++moved_;
    }
  }
}

/// `slot`: the ImportSlot or FunctionDescriptor that the call goes through, or null.
void FunctionEmitter::finish_call(const wasm::FunctionType& type, Value callee, Value slot, Value instance) {
  std::vector<Value> arguments = pop_many(type.parameters.size());
  const std::vector<Place> places = emitter_.places(type.parameters);
  for (Value& argument : arguments) {
    argument = opaque(argument);
  }
  std::vector<Value> registers;
  if (slot != nullptr) {
    registers.push_back(slot);
  }
  registers.push_back(instance);
  for (size_t n = 0; n < places.size(); ++n) {
    if (places[n].kind != Place::Kind::overflow) {
      registers.push_back(arguments[n]);
    }
  }
  store_overflow(places, arguments);
  calls_ = true;
  Value const first =
      call_or_invoke(emitter_.function_type(type, slot != nullptr), callee, registers, true, slot != nullptr);
  if (type.results.empty()) {
    return;
  }
  const bool in_register = type.results.front() != wasm::ValueType::v128;
  if (in_register) {
    push(first);
  }
  Value const cells = in_register && type.results.size() == 1 ? nullptr : overflow();
  uint32_t cell = 0;
  for (size_t n = in_register ? 1 : 0; n < type.results.size(); ++n) {
    push(load(Region::overflow, emitter_.type(type.results[n]), at(cells, cell * sizeof(abi::Cell))));
    cell += abi::cells_of(type.results[n]);
    ++moved_;
  }
}

void FunctionEmitter::finish_tail_call(const wasm::FunctionType& type, Value callee, Value slot, Value instance) {
  const std::vector<Value> arguments = pop_many(type.parameters.size());
  const std::vector<Place> places = emitter_.places(type.parameters);
  std::vector<Value> registers;
  for (llvm::Type* const parameter : emitter_.universal_type()->params()) {
    registers.push_back(llvm::PoisonValue::get(parameter));
  }
  if (slot != nullptr) {
    registers[0] = slot;
  }
  registers[1] = instance;
  for (size_t n = 0; n < places.size(); ++n) {
    if (places[n].kind != Place::Kind::overflow) {
      const size_t base = places[n].kind == Place::Kind::integer ? 2 : 2 + emitter_.integer_registers();
      registers[base + places[n].index] = to_register(arguments[n]);
    }
  }
  store_overflow(places, arguments);
  llvm::CallInst* const call = ir_.CreateCall(emitter_.universal_type(), callee, registers);
  call->addParamAttr(0, llvm::Attribute::Nest);
  call->setTailCallKind(llvm::CallInst::TCK_MustTail);
  ir_.CreateRet(call);
  set_unreachable();
}

void FunctionEmitter::emit_call(uint32_t function, bool tail) {
  const wasm::FunctionType& type = module_.function_type(function);
  Value callee = nullptr;
  Value slot = nullptr;
  Value instance = instance_;
  if (module_.is_imported_function(function)) {
    slot = at(instance_, emitter_.plan.layout().import(function));
    callee = load(Region::state, emitter_.pointer, at(slot, offsetof(abi::ImportSlot, native)));
    instance = load(Region::state, emitter_.pointer, at(slot, offsetof(abi::ImportSlot, instance)));
  } else {
    callee = emitter_.function(function);
  }
  if (tail) {
    finish_tail_call(type, callee, slot, instance);
  } else {
    finish_call(type, callee, slot, instance);
  }
}

/// The calling thread's instance of the DSO of the function `descriptor` stands for, made where there is none yet. That
/// of a function of this module is the caller's own, and known without waiting for the descriptor to be read. From
/// here on `descriptor` is the same by another name.
llvm::Value* FunctionEmitter::instance_of_callee(Value& descriptor) {
  Value const dso = load_invariant(emitter_.i32, at(descriptor, offsetof(abi::FunctionDescriptor, dso)));
  Value const own = load_invariant(emitter_.i32, at(instance_, offsetof(abi::Instance, dso)));
  llvm::BasicBlock* const other = new_block();
  llvm::BasicBlock* const missing = new_block();
  llvm::BasicBlock* const ready = new_block();
  llvm::BasicBlock* const here = ir_.GetInsertBlock();
  ir_.CreateCondBr(ir_.CreateICmpEQ(dso, own), ready, other, emitter_.likelier);

  place(other);
  // The array never moves.
  Value const instances = load_invariant(emitter_.pointer, at(thread(), offsetof(abi::Thread, instances)));
  Value const known =
      load(Region::state, emitter_.pointer, ir_.CreateInBoundsGEP(emitter_.pointer, instances, extended(dso)));
  ir_.CreateCondBr(ir_.CreateIsNull(known), missing, ready, emitter_.unlikely);

  place(missing);
  // On the stack meanwhile: otherwise it would need a register that calls preserve, where nobody else needs one.
  Value const kept = cells({});
  ir_.CreateStore(descriptor, kept, /*isVolatile=*/true);
  Value const made = call_helper(offsetof(abi::Helpers, make_instance), HelperKind::returns_or_throws, emitter_.pointer,
                                 {instance_, dso});
  llvm::cast<llvm::CallBase>(made)->addFnAttr(llvm::Attribute::Cold);
  Value const again = ir_.CreateLoad(emitter_.pointer, kept, /*isVolatile=*/true);
  ir_.CreateBr(ready);
  llvm::BasicBlock* const after = ir_.GetInsertBlock();

  place(ready);
  llvm::PHINode* const instance = ir_.CreatePHI(emitter_.pointer, 3);
  instance->addIncoming(instance_, here);
  instance->addIncoming(known, other);
  instance->addIncoming(made, after);
  llvm::PHINode* const called = ir_.CreatePHI(emitter_.pointer, 3);
  called->addIncoming(descriptor, here);
  called->addIncoming(descriptor, other);
  called->addIncoming(again, after);
  descriptor = called;
  return instance;
}

void FunctionEmitter::emit_call_indirect(bool tail) {
  const uint32_t type_index = reader_.u32();
  const uint32_t table_index = reader_.u32();
  const wasm::FunctionType& type = *module_.types[type_index];
  Value const index = pop();
  const auto refuse = [&](TrapKind kind) {
    call_helper(
        offsetof(abi::Helpers, element_trap), HelperKind::traps, emitter_.nothing,
        {instance_, constant32(static_cast<uint32_t>(kind)), index, constant32(table_index), constant32(offset_)});
  };
  // sandbox: bounds, null and type, in this order (specification 4.4.8, call_indirect).
  Value const table = table_pointer(table_index);
  Value const wide = extended(index);
  unless_outside(table, wide, [&] { refuse(TrapKind::undefined_element); });
  Value descriptor = table_element(table, wide);
  unless(ir_.CreateIsNull(descriptor), [&] { refuse(TrapKind::uninitialized_element); });
  Value const found = load_invariant(emitter_.pointer, at(descriptor, offsetof(abi::FunctionDescriptor, type)));
  llvm::LoadInst* const types = load_invariant(emitter_.pointer, at(instance_, offsetof(abi::Instance, types)));
  Value const wanted = load_invariant(emitter_.pointer, at(types, uint64_t{type_index} * sizeof(void*)));
  unless(ir_.CreateICmpNE(found, wanted), [&] { refuse(TrapKind::indirect_call_type_mismatch); });

  Value const instance = instance_of_callee(descriptor);
  Value const native = load_invariant(emitter_.pointer, at(descriptor, offsetof(abi::FunctionDescriptor, native)));
  if (tail) {
    finish_tail_call(type, native, descriptor, instance);
  } else {
    finish_call(type, native, descriptor, instance);
  }
}

void FunctionEmitter::emit_reference_function(uint32_t function) {
  push(call_helper(offsetof(abi::Helpers, reference_function), HelperKind::returns, emitter_.pointer,
                   {instance_, constant32(function)}));
}

/// The function's only return: results are on the stack.
void FunctionEmitter::emit_return_block() {
  const std::vector<Value> results = pop_many(controls_.front().results->size());
  const bool in_register = !results.empty() && results.front()->getType() != emitter_.v128;
  const size_t first = in_register ? 1 : 0;
  Value const cells = results.size() == first ? nullptr : overflow();
  uint32_t cell = 0;
  for (size_t n = first; n < results.size(); ++n) {
    store(Region::overflow, results[n], at(cells, cell * sizeof(abi::Cell)));
    cell += cells_of(results[n]);
  }
  if (universal_) {
    Value registers = llvm::PoisonValue::get(emitter_.universal_type()->getReturnType());
    if (in_register) {
      Value const value = to_register(results.front());
      registers = ir_.CreateInsertValue(registers, value, value->getType() == emitter_.f64 ? 1 : 0);
    }
    ir_.CreateRet(registers);
  } else if (!in_register) {
    ir_.CreateRetVoid();
  } else {
    ir_.CreateRet(results.front());
  }
}

}  // namespace tenon::compiler
