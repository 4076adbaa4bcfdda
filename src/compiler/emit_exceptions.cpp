// try, catch, delegate, throw and rethrow (the exception-handling proposal's older encoding).
//
// A try block whose body can throw has a landing pad, where the unwinder comes with the exception, and a dispatch,
// where one clause after the other looks at the exception's tag. The dispatch of a try inside another's body that has
// no matching clause goes on at the outer's dispatch without another throw; the last one throws again, to the caller.
#include <algorithm>

#include "compiler/function_emitter.h"

namespace tenon::compiler {

/// Where calls that throw go from here; null: to the caller.
llvm::BasicBlock* FunctionEmitter::landing_pad() {
  if (tries_.empty()) {
    return nullptr;
  }
  Control& control = controls_[tries_.back()];
  if (control.landing_pad == nullptr) {
    control.landing_pad = llvm::BasicBlock::Create(emitter_.context, "", function_);
    make_dispatch(control);
    llvm::IRBuilder<> ir(control.landing_pad);
    ir.SetCurrentDebugLocation(ir_.getCurrentDebugLocation());
    llvm::LandingPadInst* const pad = ir.CreateLandingPad(llvm::StructType::get(emitter_.pointer, emitter_.i32), 1);
    pad->addClause(llvm::ConstantPointerNull::get(emitter_.pointer));
    control.exception->addIncoming(ir.CreateExtractValue(pad, 0), control.landing_pad);
    ir.CreateBr(control.dispatch);
    function_->setPersonalityFn(emitter_.personality());
  }
  return control.landing_pad;
}

void FunctionEmitter::make_dispatch(Control& control) {
  if (control.dispatch == nullptr) {
    control.dispatch = new_block();
    control.exception = llvm::PHINode::Create(emitter_.pointer, 0, "", control.dispatch);
    control.exception->setDebugLoc(ir_.getCurrentDebugLocation());
  }
}

std::optional<size_t> FunctionEmitter::enclosing_try(size_t below) const {
  const auto after = std::ranges::lower_bound(tries_, below);
  return after == tries_.begin() ? std::nullopt : std::optional(*std::prev(after));
}

void FunctionEmitter::pass_on(Value exception, std::optional<size_t> index) {
  if (index) {
    Control& control = controls_[*index];
    make_dispatch(control);
    control.exception->addIncoming(exception, ir_.GetInsertBlock());
    ir_.CreateBr(control.dispatch);
    return;
  }
  // No landing pad of this function is for it, not even of a try around a delegate to the caller.
  call_helper(offsetof(abi::Helpers, throw_again), HelperKind::throws_to_caller, emitter_.nothing,
              {instance_, exception});
}

/// No tag: catch_all.
void FunctionEmitter::emit_catch(std::optional<uint32_t> tag) {
  Control& control = controls_.back();
  if (!unreachable_) {
    branch_to(control);
  }
  if (control.kind == ControlKind::try_) {
    control.kind = ControlKind::catch_;
    tries_.pop_back();
  }
  stack_.resize(control.height);
  if (control.dispatch == nullptr) {
    set_unreachable();  // nothing in the body throws, or an earlier clause catches all
    return;
  }
  unreachable_ = false;
  place(std::exchange(control.dispatch, nullptr));
  if (!tag) {
    return;
  }
  llvm::BasicBlock* const clause = new_block();
  control.dispatch = new_block();
  Value const thrown = load(Region::state, emitter_.pointer, at(control.exception, offsetof(abi::Exception, tag)));
  Value const wanted = load_invariant(emitter_.pointer, at(instance_, emitter_.plan.layout().tag(*tag)));
  ir_.CreateCondBr(ir_.CreateICmpEQ(thrown, wanted), clause, control.dispatch);
  place(clause);
  uint64_t offset = sizeof(abi::Exception);
  for (const wasm::ValueType parameter : module_.types[module_.tags[*tag].type]->parameters) {
    push(load(Region::state, emitter_.type(parameter), at(control.exception, offset)));
    offset += abi::cells_of(parameter) * sizeof(abi::Cell);
    ++moved_;
  }
}

void FunctionEmitter::emit_delegate(uint32_t depth) {
  // The label's own try, if its body is where the exception comes from, or the nearest around it.
  end_block(controls_.size() - 1 - depth);
}

void FunctionEmitter::emit_throw(uint32_t tag) {
  const std::vector<Value> values = pop_many(module_.types[module_.tags[tag].type]->parameters.size());
  call_helper(offsetof(abi::Helpers, throw_new), HelperKind::throws, emitter_.nothing,
              {instance_, constant32(tag), cells(values)});
  set_unreachable();
}

void FunctionEmitter::emit_rethrow(uint32_t depth) {
  pass_on(label(depth).exception, enclosing_try(controls_.size()));
  set_unreachable();
}

}  // namespace tenon::compiler
