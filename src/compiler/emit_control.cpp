// Blocks and branches.
#include <algorithm>
#include <map>
#include <utility>

#include "compiler/function_emitter.h"

namespace tenon::compiler {

namespace {

using wasm::ValueType;

}  // namespace

void FunctionEmitter::read_block_type(Control& control) {
  const wasm::BlockSignature signature = reader_.block_signature(module_);
  control.parameters = signature.parameters;
  control.results = signature.results;
}

const std::vector<ValueType>& FunctionEmitter::operands_of(const Control& control) {
  return control.kind == ControlKind::loop ? *control.parameters : *control.results;
}

llvm::BasicBlock* FunctionEmitter::make_target(Control& control, const std::vector<ValueType>& types) {
  if (control.target == nullptr) {
    control.target = new_block();
    control.phis.reserve(types.size());
    for (const ValueType type : types) {
      llvm::PHINode* const phi = llvm::PHINode::Create(emitter_.type(type), 0, "", control.target);
      phi->setDebugLoc(ir_.getCurrentDebugLocation());
      control.phis.push_back(phi);
    }
  }
  return control.target;
}

void FunctionEmitter::prepare_branch(Control& control) {
  const std::vector<ValueType>& types = operands_of(control);
  make_target(control, types);
  for (size_t n = stack_.size() - types.size(); n < stack_.size(); ++n) {
    stack_[n] = opaque(stack_[n]);
  }
}

void FunctionEmitter::add_edges(Control& control, llvm::BasicBlock* from, size_t edges) {
  moved_ += edges * control.phis.size();
  if (moved_ > kMaximumMoved) {
    return;  // run() gives up
  }
  const size_t first = stack_.size() - control.phis.size();
  for (size_t n = 0; n < control.phis.size(); ++n) {
    for (size_t edge = 0; edge < edges; ++edge) {
      control.phis[n]->addIncoming(stack_[first + n], from);
    }
  }
}

void FunctionEmitter::branch_to(Control& control) {
  prepare_branch(control);
  ir_.CreateBr(control.target);
  add_edges(control, ir_.GetInsertBlock(), 1);
}

/// Nothing comes here: what follows is skipped up to the end of the block.
void FunctionEmitter::set_unreachable() {
  unreachable_ = true;
  stack_.resize(controls_.back().height);
  ir_.ClearInsertionPoint();
}

void FunctionEmitter::begin_block(ControlKind kind) {
  Control control(kind);
  read_block_type(control);
  control.height = stack_.size() - control.parameters->size();
  if (kind == ControlKind::loop) {
    branch_to(control);
    place(control.target);
    std::ranges::copy(control.phis, stack_.begin() + static_cast<ptrdiff_t>(control.height));
  }
  if (kind == ControlKind::try_) {
    tries_.push_back(controls_.size());
  }
  controls_.push_back(std::move(control));
}

void FunctionEmitter::begin_if() {
  Control control(ControlKind::if_);
  read_block_type(control);
  Value const condition = truth(pop());
  control.height = stack_.size() - control.parameters->size();
  for (size_t n = control.height; n < stack_.size(); ++n) {
    control.arguments.push_back(stack_[n]);
  }
  moved_ += control.arguments.size();
  llvm::BasicBlock* const then = new_block();
  control.otherwise = new_block();
  ir_.CreateCondBr(condition, then, control.otherwise);
  place(then);
  controls_.push_back(std::move(control));
}

void FunctionEmitter::emit_else() {
  Control& control = controls_.back();
  if (!unreachable_) {
    branch_to(control);
  }
  place(control.otherwise);
  control.otherwise = nullptr;
  control.kind = ControlKind::else_;
  stack_.resize(control.height);
  for (Value const argument : control.arguments) {
    push(argument);
  }
  unreachable_ = false;
}

void FunctionEmitter::emit_end() {
  if (controls_.back().kind == ControlKind::if_) {
    emit_else();  // an arm that passes the parameters on as results
  }
  end_block(controls_.size() - 1);
}

/// `below`: what the block did not catch goes on at the innermost try before this index of the control stack.
void FunctionEmitter::end_block(size_t below) {
  Control& control = controls_.back();
  // A loop's target is its start; what follows a loop is where its body leaves off.
  if (control.kind != ControlKind::loop) {
    if (!unreachable_ &&
        (control.kind == ControlKind::function || control.target != nullptr || control.dispatch != nullptr)) {
      branch_to(control);
      unreachable_ = true;
    }
    if (control.kind == ControlKind::try_) {
      tries_.pop_back();
    }
    if (control.dispatch != nullptr) {
      place(std::exchange(control.dispatch, nullptr));
      pass_on(control.exception, enclosing_try(below));
    }
    if (control.target != nullptr) {
      place(control.target);
      stack_.resize(control.height);
      for (llvm::PHINode* const phi : control.phis) {
        push(phi);
      }
      unreachable_ = false;
    }
  }
  if (control.kind == ControlKind::function && !unreachable_) {
    emit_return_block();
  }
  controls_.pop_back();
  if (unreachable_ && !controls_.empty()) {
    set_unreachable();
  }
}

void FunctionEmitter::emit_br(uint32_t depth) {
  branch_to(label(depth));
  set_unreachable();
}

void FunctionEmitter::emit_br_if(uint32_t depth) {
  Control& control = label(depth);
  Value const condition = truth(pop());
  prepare_branch(control);
  llvm::BasicBlock* const next = new_block();
  ir_.CreateCondBr(condition, control.target, next);
  add_edges(control, ir_.GetInsertBlock(), 1);
  place(next);
}

void FunctionEmitter::emit_br_table() {
  std::vector<uint32_t> depths(uint64_t{reader_.u32()} + 1);
  for (uint32_t& depth : depths) {
    depth = reader_.u32();
  }
  Value const index = pop();
  std::map<uint32_t, size_t> edges;  // by depth
  for (const uint32_t depth : depths) {
    if (edges[depth]++ == 0) {
      prepare_branch(label(depth));
    }
  }
  llvm::SwitchInst* const branch =
      ir_.CreateSwitch(index, label(depths.back()).target, static_cast<unsigned>(depths.size() - 1));
  for (uint32_t n = 0; n + 1 < depths.size(); ++n) {
    branch->addCase(constant32(n), label(depths[n]).target);
  }
  for (const auto& [depth, count] : edges) {
    add_edges(label(depth), ir_.GetInsertBlock(), count);
  }
  set_unreachable();
}

}  // namespace tenon::compiler
