// Numbers (specification 4.3): what interp/operations.h says, for LLVM.
#include <llvm/IR/Intrinsics.h>

#include <cmath>

#include "compiler/function_emitter.h"

namespace tenon::compiler {

namespace {

using abi::TrapKind;
using llvm::CmpInst;
using wasm::Opcode;

constexpr size_t index_from(Opcode first, Opcode opcode) {
  return static_cast<size_t>(opcode) - static_cast<size_t>(first);
}

/// In the opcode table's order.
constexpr CmpInst::Predicate kIntegerPredicates[] = {
    CmpInst::ICMP_EQ,  CmpInst::ICMP_NE,  CmpInst::ICMP_SLT, CmpInst::ICMP_ULT, CmpInst::ICMP_SGT,
    CmpInst::ICMP_UGT, CmpInst::ICMP_SLE, CmpInst::ICMP_ULE, CmpInst::ICMP_SGE, CmpInst::ICMP_UGE,
};
constexpr CmpInst::Predicate kFloatPredicates[] = {
    CmpInst::FCMP_OEQ, CmpInst::FCMP_UNE, CmpInst::FCMP_OLT, CmpInst::FCMP_OGT, CmpInst::FCMP_OLE, CmpInst::FCMP_OGE,
};

/// Whether LLVM could find out that a value is what was promoted, or that with another sign: a demotion would then be
/// nothing to it, where WebAssembly's quiets a signalling NaN.
bool may_be_promoted(const llvm::Value* value) {
  if (const auto* const loaded = llvm::dyn_cast<llvm::LoadInst>(value)) {
    return llvm::isa<llvm::AllocaInst>(loaded->getPointerOperand());
  }
  return !llvm::isa<llvm::BinaryOperator, llvm::SIToFPInst, llvm::UIToFPInst, llvm::Constant>(value);
}

}  // namespace

template <class Operation>
void FunctionEmitter::unary(Operation operation) {
  Value const a = pop();
  push(operation(a));
}

template <class Operation>
void FunctionEmitter::binary(Operation operation) {
  Value const b = pop();
  Value const a = pop();
  push(operation(a, b));
}

void FunctionEmitter::emit_numeric(const wasm::OpcodeRow& row) {
  switch (row.opcode) {
    case Opcode::i32_const:
      push(constant32(static_cast<uint32_t>(reader_.s32())));
      return;
    case Opcode::i64_const:
      push(constant64(static_cast<uint64_t>(reader_.s64())));
      return;
    case Opcode::f32_const:
      push(llvm::ConstantFP::get(emitter_.context,
                                 llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, reader_.u32_fixed()))));
      return;
    case Opcode::f64_const:
      push(llvm::ConstantFP::get(emitter_.context,
                                 llvm::APFloat(llvm::APFloat::IEEEdouble(), llvm::APInt(64, reader_.u64_fixed()))));
      return;
    default:
      if (!emit_compare(row.opcode) && !emit_integer(row.opcode) && !emit_float(row.opcode)) {
        emit_conversion(row.opcode);
      }
      return;
  }
}

bool FunctionEmitter::emit_compare(Opcode opcode) {
  const auto integer = [&](Opcode first) {
    binary([&](Value a, Value b) {
      Value const result = ir_.CreateICmp(kIntegerPredicates[index_from(first, opcode)], a, b);
      return ir_.CreateZExt(result, emitter_.i32);
    });
  };
  const auto floating = [&](Opcode first) {
    binary([&](Value a, Value b) {
      Value const result = ir_.CreateFCmp(kFloatPredicates[index_from(first, opcode)], a, b);
      return ir_.CreateZExt(result, emitter_.i32);
    });
  };
  if (opcode == Opcode::i32_eqz || opcode == Opcode::i64_eqz) {
    Value const value = pop();
    push_truth(ir_.CreateICmpEQ(value, llvm::Constant::getNullValue(value->getType())));
  } else if (opcode >= Opcode::i32_eq && opcode <= Opcode::i32_ge_u) {
    integer(Opcode::i32_eq);
  } else if (opcode >= Opcode::i64_eq && opcode <= Opcode::i64_ge_u) {
    integer(Opcode::i64_eq);
  } else if (opcode >= Opcode::f32_eq && opcode <= Opcode::f32_ge) {
    floating(Opcode::f32_eq);
  } else if (opcode >= Opcode::f64_eq && opcode <= Opcode::f64_ge) {
    floating(Opcode::f64_eq);
  } else {
    return false;
  }
  return true;
}

bool FunctionEmitter::emit_integer(Opcode opcode) {
  switch (opcode) {
    case Opcode::i32_clz:
    case Opcode::i64_clz:
      unary([&](Value a) { return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, ir_.getFalse()); });
      return true;
    case Opcode::i32_ctz:
    case Opcode::i64_ctz:
      unary([&](Value a) { return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, a, ir_.getFalse()); });
      return true;
    case Opcode::i32_popcnt:
    case Opcode::i64_popcnt:
      unary([&](Value a) { return ir_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, a); });
      return true;
    case Opcode::i32_add:
    case Opcode::i64_add:
      binary([&](Value a, Value b) { return ir_.CreateAdd(a, b); });
      return true;
    case Opcode::i32_sub:
    case Opcode::i64_sub:
      binary([&](Value a, Value b) { return ir_.CreateSub(a, b); });
      return true;
    case Opcode::i32_mul:
    case Opcode::i64_mul:
      binary([&](Value a, Value b) { return ir_.CreateMul(a, b); });
      return true;
    case Opcode::i32_and:
    case Opcode::i64_and:
      binary([&](Value a, Value b) { return ir_.CreateAnd(a, b); });
      return true;
    case Opcode::i32_or:
    case Opcode::i64_or:
      binary([&](Value a, Value b) { return ir_.CreateOr(a, b); });
      return true;
    case Opcode::i32_xor:
    case Opcode::i64_xor:
      binary([&](Value a, Value b) { return ir_.CreateXor(a, b); });
      return true;
    case Opcode::i32_div_s:
    case Opcode::i64_div_s:
    case Opcode::i32_div_u:
    case Opcode::i64_div_u:
    case Opcode::i32_rem_s:
    case Opcode::i64_rem_s:
    case Opcode::i32_rem_u:
    case Opcode::i64_rem_u:
      emit_division(opcode);
      return true;
    case Opcode::i32_shl:
    case Opcode::i64_shl:
    case Opcode::i32_shr_s:
    case Opcode::i64_shr_s:
    case Opcode::i32_shr_u:
    case Opcode::i64_shr_u:
    case Opcode::i32_rotl:
    case Opcode::i64_rotl:
    case Opcode::i32_rotr:
    case Opcode::i64_rotr:
      emit_shift(opcode);
      return true;
    case Opcode::i32_extend8_s:
    case Opcode::i64_extend8_s:
      emit_sign_extension(emitter_.i8);
      return true;
    case Opcode::i32_extend16_s:
    case Opcode::i64_extend16_s:
      emit_sign_extension(llvm::Type::getInt16Ty(emitter_.context));
      return true;
    case Opcode::i64_extend32_s:
      emit_sign_extension(emitter_.i32);
      return true;
    default:
      return false;
  }
}

void FunctionEmitter::emit_division(Opcode opcode) {
  Value b = pop();
  Value const a = pop();
  auto* const type = llvm::cast<llvm::IntegerType>(a->getType());
  Value const minus_one = llvm::ConstantInt::getAllOnesValue(type);
  trap_if(ir_.CreateICmpEQ(b, llvm::ConstantInt::get(type, 0)), TrapKind::integer_divide_by_zero);
  switch (opcode) {
    case Opcode::i32_div_s:
    case Opcode::i64_div_s: {
      Value const lowest = llvm::ConstantInt::get(type, llvm::APInt::getSignedMinValue(type->getBitWidth()));
      trap_if(ir_.CreateAnd(ir_.CreateICmpEQ(b, minus_one), ir_.CreateICmpEQ(a, lowest)), TrapKind::integer_overflow);
      push(ir_.CreateSDiv(a, b));
      break;
    }
    case Opcode::i32_div_u:
    case Opcode::i64_div_u:
      push(ir_.CreateUDiv(a, b));
      break;
    case Opcode::i32_rem_s:
    case Opcode::i64_rem_s:
      // What is left of a division by -1 is what is left of one by 1; that of the lowest number overflows.
      b = ir_.CreateSelect(ir_.CreateICmpEQ(b, minus_one), llvm::ConstantInt::get(type, 1), b);
      push(ir_.CreateSRem(a, b));
      break;
    default:
      push(ir_.CreateURem(a, b));
      break;
  }
}

void FunctionEmitter::emit_shift(Opcode opcode) {
  Value const b = pop();
  Value const a = pop();
  const unsigned width = a->getType()->getIntegerBitWidth();
  Value const count = ir_.CreateAnd(b, llvm::ConstantInt::get(a->getType(), width - 1));
  switch (opcode) {
    case Opcode::i32_shl:
    case Opcode::i64_shl:
      push(ir_.CreateShl(a, count));
      break;
    case Opcode::i32_shr_s:
    case Opcode::i64_shr_s:
      push(ir_.CreateAShr(a, count));
      break;
    case Opcode::i32_shr_u:
    case Opcode::i64_shr_u:
      push(ir_.CreateLShr(a, count));
      break;
    case Opcode::i32_rotl:
    case Opcode::i64_rotl:
      push(ir_.CreateIntrinsic(a->getType(), llvm::Intrinsic::fshl, {a, a, count}));
      break;
    default:
      push(ir_.CreateIntrinsic(a->getType(), llvm::Intrinsic::fshr, {a, a, count}));
      break;
  }
}

void FunctionEmitter::emit_sign_extension(llvm::IntegerType* from) {
  unary([&](Value a) { return ir_.CreateSExt(ir_.CreateTrunc(a, from), a->getType()); });
}

bool FunctionEmitter::emit_float(Opcode opcode) {
  using llvm::Intrinsic::ID;
  const auto intrinsic = [&](ID id) { unary([&](Value a) { return ir_.CreateUnaryIntrinsic(id, a); }); };
  const auto arithmetic = [&](llvm::Instruction::BinaryOps operation) {
    binary([&](Value a, Value b) {
      Value const left = opaque(a);
      return ir_.CreateBinOp(operation, left, opaque(b));
    });
  };
  switch (opcode) {
    case Opcode::f32_abs:
    case Opcode::f64_abs:
      intrinsic(llvm::Intrinsic::fabs);
      return true;
    case Opcode::f32_neg:
    case Opcode::f64_neg:
      unary([&](Value a) { return ir_.CreateFNeg(a); });
      return true;
    case Opcode::f32_ceil:
    case Opcode::f64_ceil:
      emit_rounding(llvm::Intrinsic::ceil, offsetof(abi::Helpers, ceil32), offsetof(abi::Helpers, ceil64));
      return true;
    case Opcode::f32_floor:
    case Opcode::f64_floor:
      emit_rounding(llvm::Intrinsic::floor, offsetof(abi::Helpers, floor32), offsetof(abi::Helpers, floor64));
      return true;
    case Opcode::f32_trunc:
    case Opcode::f64_trunc:
      emit_rounding(llvm::Intrinsic::trunc, offsetof(abi::Helpers, trunc32), offsetof(abi::Helpers, trunc64));
      return true;
    case Opcode::f32_nearest:
    case Opcode::f64_nearest:
      emit_rounding(llvm::Intrinsic::roundeven, offsetof(abi::Helpers, nearest32), offsetof(abi::Helpers, nearest64));
      return true;
    case Opcode::f32_sqrt:
    case Opcode::f64_sqrt:
      intrinsic(llvm::Intrinsic::sqrt);
      return true;
    case Opcode::f32_add:
    case Opcode::f64_add:
      arithmetic(llvm::Instruction::FAdd);
      return true;
    case Opcode::f32_sub:
    case Opcode::f64_sub:
      arithmetic(llvm::Instruction::FSub);
      return true;
    case Opcode::f32_mul:
    case Opcode::f64_mul:
      arithmetic(llvm::Instruction::FMul);
      return true;
    case Opcode::f32_div:
    case Opcode::f64_div:
      arithmetic(llvm::Instruction::FDiv);
      return true;
    case Opcode::f32_min:
    case Opcode::f64_min:
      binary([&](Value a, Value b) {
        Value const left = opaque(a);
        return minimum(left, opaque(b), false);
      });
      return true;
    case Opcode::f32_max:
    case Opcode::f64_max:
      binary([&](Value a, Value b) {
        Value const left = opaque(a);
        return minimum(left, opaque(b), true);
      });
      return true;
    case Opcode::f32_copysign:
    case Opcode::f64_copysign:
      binary([&](Value a, Value b) { return ir_.CreateCopySign(a, b); });
      return true;
    default:
      return false;
  }
}

// llvm.minimum and llvm.maximum may return a signalling NaN as it is, and on x86-64 do.
llvm::Value* FunctionEmitter::minimum(Value a, Value b, bool maximum) {
  if (emitter_.plan.options().architecture == abi::Architecture::aarch64) {
    // The instruction does what WebAssembly wants; LLVM must not find that it is not needed.
    const auto intrinsic = maximum ? llvm::Intrinsic::maximum : llvm::Intrinsic::minimum;
    return ir_.CreateBinaryIntrinsic(intrinsic, a, fence(b));
  }
  // minss and maxss, once each way round: where both are zeros or both equal, what differs is the sign at most.
  const auto predicate = maximum ? CmpInst::FCMP_OGT : CmpInst::FCMP_OLT;
  llvm::Type* const bits = a->getType()->getWithNewBitWidth(a->getType()->getScalarSizeInBits());
  Value const one = ir_.CreateBitCast(ir_.CreateSelect(ir_.CreateFCmp(predicate, a, b), a, b), bits);
  Value const other = ir_.CreateBitCast(ir_.CreateSelect(ir_.CreateFCmp(predicate, b, a), b, a), bits);
  Value const both = maximum ? ir_.CreateAnd(one, other) : ir_.CreateOr(one, other);
  Value const sum = ir_.CreateFAdd(a, b);  // of a NaN and anything: a quiet NaN
  return ir_.CreateSelect(ir_.CreateFCmpUNO(a, b), sum, ir_.CreateBitCast(both, a->getType()));
}

void FunctionEmitter::emit_rounding(llvm::Intrinsic::ID intrinsic, size_t helper32, size_t helper64) {
  Value const a = pop();
  if (emitter_.plan.options().has_rounding) {
    push(ir_.CreateUnaryIntrinsic(intrinsic, a));
  } else {
    push(call_helper(a->getType() == emitter_.f32 ? helper32 : helper64, HelperKind::returns, a->getType(), {a}));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Conversions

void FunctionEmitter::emit_conversion(Opcode opcode) {
  llvm::Type* const f32 = emitter_.f32;
  llvm::Type* const f64 = emitter_.f64;
  llvm::IntegerType* const i32 = emitter_.i32;
  llvm::IntegerType* const i64 = emitter_.i64;
  const auto cast = [&](llvm::Instruction::CastOps operation, llvm::Type* type) {
    unary([&](Value a) { return ir_.CreateCast(operation, a, type); });
  };
  switch (opcode) {
    case Opcode::i32_wrap_i64:
      cast(llvm::Instruction::Trunc, i32);
      break;
    case Opcode::i64_extend_i32_s:
      cast(llvm::Instruction::SExt, i64);
      break;
    case Opcode::i64_extend_i32_u:
      cast(llvm::Instruction::ZExt, i64);
      break;
    case Opcode::i32_trunc_f32_s:
    case Opcode::i32_trunc_f64_s:
      emit_truncation(i32, true);
      break;
    case Opcode::i32_trunc_f32_u:
    case Opcode::i32_trunc_f64_u:
      emit_truncation(i32, false);
      break;
    case Opcode::i64_trunc_f32_s:
    case Opcode::i64_trunc_f64_s:
      emit_truncation(i64, true);
      break;
    case Opcode::i64_trunc_f32_u:
    case Opcode::i64_trunc_f64_u:
      emit_truncation(i64, false);
      break;
    case Opcode::i32_trunc_sat_f32_s:
    case Opcode::i32_trunc_sat_f64_s:
      emit_saturating_truncation(i32, true);
      break;
    case Opcode::i32_trunc_sat_f32_u:
    case Opcode::i32_trunc_sat_f64_u:
      emit_saturating_truncation(i32, false);
      break;
    case Opcode::i64_trunc_sat_f32_s:
    case Opcode::i64_trunc_sat_f64_s:
      emit_saturating_truncation(i64, true);
      break;
    case Opcode::i64_trunc_sat_f32_u:
    case Opcode::i64_trunc_sat_f64_u:
      emit_saturating_truncation(i64, false);
      break;
    case Opcode::f32_convert_i32_s:
    case Opcode::f32_convert_i64_s:
      cast(llvm::Instruction::SIToFP, f32);
      break;
    case Opcode::f32_convert_i32_u:
    case Opcode::f32_convert_i64_u:
      cast(llvm::Instruction::UIToFP, f32);
      break;
    case Opcode::f64_convert_i32_s:
    case Opcode::f64_convert_i64_s:
      cast(llvm::Instruction::SIToFP, f64);
      break;
    case Opcode::f64_convert_i32_u:
    case Opcode::f64_convert_i64_u:
      cast(llvm::Instruction::UIToFP, f64);
      break;
    case Opcode::f32_demote_f64:
      unary([&](Value a) { return ir_.CreateFPTrunc(may_be_promoted(a) ? fence(a) : a, f32); });
      break;
    case Opcode::f64_promote_f32:
      cast(llvm::Instruction::FPExt, f64);
      break;
    case Opcode::i32_reinterpret_f32:
      cast(llvm::Instruction::BitCast, i32);
      break;
    case Opcode::i64_reinterpret_f64:
      cast(llvm::Instruction::BitCast, i64);
      break;
    case Opcode::f32_reinterpret_i32:
      cast(llvm::Instruction::BitCast, f32);
      break;
    case Opcode::f64_reinterpret_i64:
      cast(llvm::Instruction::BitCast, f64);
      break;
    default:
      break;  // every instruction has been seen
  }
}

void FunctionEmitter::emit_truncation(llvm::IntegerType* to, bool is_signed) {
  Value const a = pop();
  llvm::Type* const from = a->getType();
  const auto width = static_cast<int>(to->getBitWidth());
  const auto constant = [&](double value) { return llvm::ConstantFP::get(from, value); };
  // The bounds are exact: where the lowest number less 1 is not a number of the type, its neighbour is compared with.
  Value const below_limit = ir_.CreateFCmpOLT(a, constant(std::ldexp(1.0, is_signed ? width - 1 : width)));
  Value above_limit = nullptr;
  if (!is_signed) {
    above_limit = ir_.CreateFCmpOGT(a, constant(-1.0));
  } else if (from == emitter_.f64 && width == 32) {
    above_limit = ir_.CreateFCmpOGT(a, constant(-std::ldexp(1.0, width - 1) - 1));
  } else {
    above_limit = ir_.CreateFCmpOGE(a, constant(-std::ldexp(1.0, width - 1)));
  }
  Value const outside = ir_.CreateNot(ir_.CreateAnd(above_limit, below_limit));
  unless(outside, [&] {
    Value const kind = ir_.CreateSelect(ir_.CreateFCmpUNO(a, a),
                                        constant32(static_cast<uint32_t>(TrapKind::invalid_conversion_to_integer)),
                                        constant32(static_cast<uint32_t>(TrapKind::integer_overflow)));
    call_helper(offsetof(abi::Helpers, trap), HelperKind::traps, emitter_.nothing,
                {instance_, kind, constant32(offset_)});
  });
  push(is_signed ? ir_.CreateFPToSI(a, to) : ir_.CreateFPToUI(a, to));
}

void FunctionEmitter::emit_saturating_truncation(llvm::IntegerType* to, bool is_signed) {
  unary([&](Value a) {
    const auto intrinsic = is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return ir_.CreateIntrinsic(intrinsic, {to, a->getType()}, {a});
  });
}

}  // namespace tenon::compiler
