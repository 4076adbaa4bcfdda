// Instructions on v128 (specification 4.3.4 and 4.4.3): what interp/vector_operations.h says, for LLVM. A v128 is two
// i64 wherever it is kept; every instruction sees the lanes that the first part of its name says, and does what the
// second says.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsAArch64.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "compiler/function_emitter.h"

namespace tenon::compiler {

namespace {

using llvm::CmpInst;
using llvm::Intrinsic::ID;
using wasm::Immediate;

template <class T>
struct Named {
  std::string_view name;
  T what;
};

constexpr auto kIntegerCompares = std::to_array<Named<CmpInst::Predicate>>({
    {"eq", CmpInst::ICMP_EQ},
    {"ne", CmpInst::ICMP_NE},
    {"lt_s", CmpInst::ICMP_SLT},
    {"lt_u", CmpInst::ICMP_ULT},
    {"gt_s", CmpInst::ICMP_SGT},
    {"gt_u", CmpInst::ICMP_UGT},
    {"le_s", CmpInst::ICMP_SLE},
    {"le_u", CmpInst::ICMP_ULE},
    {"ge_s", CmpInst::ICMP_SGE},
    {"ge_u", CmpInst::ICMP_UGE},
});
constexpr auto kFloatCompares = std::to_array<Named<CmpInst::Predicate>>({
    {"eq", CmpInst::FCMP_OEQ},
    {"ne", CmpInst::FCMP_UNE},
    {"lt", CmpInst::FCMP_OLT},
    {"gt", CmpInst::FCMP_OGT},
    {"le", CmpInst::FCMP_OLE},
    {"ge", CmpInst::FCMP_OGE},
});
constexpr auto kIntegerArithmetic = std::to_array<Named<llvm::Instruction::BinaryOps>>({
    {"and", llvm::Instruction::And},
    {"or", llvm::Instruction::Or},
    {"xor", llvm::Instruction::Xor},
    {"add", llvm::Instruction::Add},
    {"sub", llvm::Instruction::Sub},
    {"mul", llvm::Instruction::Mul},
});
constexpr auto kFloatArithmetic = std::to_array<Named<llvm::Instruction::BinaryOps>>({
    {"add", llvm::Instruction::FAdd},
    {"sub", llvm::Instruction::FSub},
    {"mul", llvm::Instruction::FMul},
    {"div", llvm::Instruction::FDiv},
});
constexpr auto kIntegerIntrinsics = std::to_array<Named<ID>>({
    {"add_sat_s", llvm::Intrinsic::sadd_sat},
    {"add_sat_u", llvm::Intrinsic::uadd_sat},
    {"sub_sat_s", llvm::Intrinsic::ssub_sat},
    {"sub_sat_u", llvm::Intrinsic::usub_sat},
    {"min_s", llvm::Intrinsic::smin},
    {"min_u", llvm::Intrinsic::umin},
    {"max_s", llvm::Intrinsic::smax},
    {"max_u", llvm::Intrinsic::umax},
});
constexpr auto kShifts = std::to_array<Named<llvm::Instruction::BinaryOps>>({
    {"shl", llvm::Instruction::Shl},
    {"shr_s", llvm::Instruction::AShr},
    {"shr_u", llvm::Instruction::LShr},
});
struct Rounding {
  ID intrinsic;
  size_t helper32;
  size_t helper64;
};
constexpr auto kRoundings = std::to_array<Named<Rounding>>({
    {"ceil", {llvm::Intrinsic::ceil, offsetof(abi::Helpers, ceil32), offsetof(abi::Helpers, ceil64)}},
    {"floor", {llvm::Intrinsic::floor, offsetof(abi::Helpers, floor32), offsetof(abi::Helpers, floor64)}},
    {"trunc", {llvm::Intrinsic::trunc, offsetof(abi::Helpers, trunc32), offsetof(abi::Helpers, trunc64)}},
    {"nearest", {llvm::Intrinsic::roundeven, offsetof(abi::Helpers, nearest32), offsetof(abi::Helpers, nearest64)}},
});

template <size_t kSize, class T>
const T* find(const std::array<Named<T>, kSize>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Named<T>::name);
  return found == table.end() ? nullptr : &found->what;
}

bool is_signed(std::string_view operation) {
  return operation.find("_s") != std::string_view::npos && !operation.ends_with("_u") &&
         operation.find("_u_") == std::string_view::npos;
}

unsigned lanes_of(llvm::Value* vector) {
  return llvm::cast<llvm::FixedVectorType>(vector->getType())->getNumElements();
}

/// Whether LLVM could find out that a float vector is a constant: it is neither a sum or product, of which one operand
/// at least is not known, nor from linear memory.
bool may_be_constant(const llvm::Value* value) {
  while (const auto* const cast = llvm::dyn_cast<llvm::BitCastInst>(value)) {
    value = cast->getOperand(0);
  }
  if (const auto* const loaded = llvm::dyn_cast<llvm::LoadInst>(value)) {
    return !loaded->isVolatile();
  }
  const auto* const operation = llvm::dyn_cast<llvm::BinaryOperator>(value);
  return operation == nullptr || !operation->getType()->isFPOrFPVectorTy();
}

}  // namespace

llvm::FixedVectorType* FunctionEmitter::lanes_type(std::string_view name) {
  llvm::Type* lane = emitter_.i64;
  if (name.starts_with("i8x16")) {
    lane = emitter_.i8;
  } else if (name.starts_with("i16x8")) {
    lane = llvm::Type::getInt16Ty(emitter_.context);
  } else if (name.starts_with("i32x4")) {
    lane = emitter_.i32;
  } else if (name.starts_with("f32x4")) {
    lane = emitter_.f32;
  } else if (name.starts_with("f64x2")) {
    lane = emitter_.f64;
  }
  return llvm::FixedVectorType::get(lane, 128 / lane->getScalarSizeInBits());
}

llvm::Value* FunctionEmitter::pop_lanes(llvm::Type* type) {
  return ir_.CreateBitCast(pop(), type);
}

void FunctionEmitter::push_lanes(Value vector) {
  push(ir_.CreateBitCast(vector, emitter_.v128));
}

/// An operand of arithmetic. LLVM takes x * 1 and the like for x, as said at is_treacherous().
llvm::Value* FunctionEmitter::float_operand(Value value) {
  if (const auto* const constant = llvm::dyn_cast<llvm::Constant>(value)) {
    bool harmless = true;
    for (unsigned lane = 0; lane < lanes_of(value); ++lane) {
      llvm::Constant* const element = constant->getAggregateElement(lane);
      harmless = harmless && element != nullptr && !is_treacherous(element);
    }
    return harmless ? value : opaque_constant(value);
  }
  return may_be_constant(value) ? fence(value) : value;
}

llvm::Value* FunctionEmitter::pop_floats(llvm::Type* type) {
  return float_operand(pop_lanes(type));
}

llvm::Value* FunctionEmitter::half(Value vector, bool upper) {
  std::vector<int> lanes(lanes_of(vector) / 2);
  std::iota(lanes.begin(), lanes.end(), upper ? static_cast<int>(lanes.size()) : 0);
  return ir_.CreateShuffleVector(vector, lanes);
}

/// Every second lane, from `first` on.
llvm::Value* FunctionEmitter::alternate(Value vector, int first) {
  std::vector<int> lanes(lanes_of(vector) / 2);
  std::ranges::generate(lanes, [lane = first]() mutable { return std::exchange(lane, lane + 2); });
  return ir_.CreateShuffleVector(vector, lanes);
}

llvm::Value* FunctionEmitter::joined(Value lower, Value upper) {
  std::vector<int> lanes(size_t{lanes_of(lower)} * 2);
  std::iota(lanes.begin(), lanes.end(), 0);
  return ir_.CreateShuffleVector(lower, upper, lanes);
}

llvm::Value* FunctionEmitter::with_zeros(Value vector) {
  return joined(vector, llvm::Constant::getNullValue(vector->getType()));
}

/// Lanes of twice the width.
llvm::Value* FunctionEmitter::widened(Value vector, bool with_sign) {
  auto* const type = llvm::VectorType::getExtendedElementVectorType(llvm::cast<llvm::VectorType>(vector->getType()));
  return with_sign ? ir_.CreateSExt(vector, type) : ir_.CreateZExt(vector, type);
}

llvm::Value* FunctionEmitter::selected(Value mask, Value first, Value second) {
  return ir_.CreateOr(ir_.CreateAnd(first, mask), ir_.CreateAnd(second, ir_.CreateNot(mask)));
}

void FunctionEmitter::emit_vector(const wasm::OpcodeRow& row) {
  const size_t dot = row.name.find('.');
  llvm::FixedVectorType* const type = lanes_type(row.name);
  std::string_view operation = row.name.substr(dot + 1);
  if (operation.starts_with("relaxed_")) {
    operation.remove_prefix(std::string_view("relaxed_").size());
  }
  if (row.immediate != Immediate::none) {
    emit_vector_with_immediate(row, type);
  } else if (!emit_bits(operation, type) &&
             !(type->isFPOrFPVectorTy() ? emit_float_vector(operation, type) : emit_integer_vector(operation, type))) {
    emit_vector_conversion(operation, type);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Constants, lanes and memory

void FunctionEmitter::emit_vector_with_immediate(const wasm::OpcodeRow& row, llvm::FixedVectorType* type) {
  const std::string_view signature = row.signature;
  switch (row.immediate) {
    case Immediate::v128: {
      const uint64_t low = reader_.u64_fixed();
      const uint64_t halves[] = {low, reader_.u64_fixed()};
      push(llvm::ConstantDataVector::get(emitter_.context, halves));
      return;
    }
    case Immediate::shuffle: {
      std::array<int, 16> lanes{};
      for (int& lane : lanes) {
        lane = reader_.u8();
      }
      llvm::Type* const bytes = lanes_type("i8x16");
      Value const b = pop_lanes(bytes);
      Value const a = pop_lanes(bytes);
      push_lanes(ir_.CreateShuffleVector(a, b, lanes));
      return;
    }
    case Immediate::lane2:
    case Immediate::lane4:
    case Immediate::lane8:
    case Immediate::lane16: {
      const uint64_t lane = reader_.u8();
      if (signature.back() == 'v') {
        Value const scalar = narrowed(pop(), type->getElementType());
        push_lanes(ir_.CreateInsertElement(pop_lanes(type), scalar, lane));
        return;
      }
      Value const scalar = ir_.CreateExtractElement(pop_lanes(type), lane);
      const bool is_small = scalar->getType()->isIntegerTy() && scalar->getType()->getIntegerBitWidth() < 32;
      if (!is_small) {
        push(scalar);
      } else if (is_signed(row.name)) {
        push(ir_.CreateSExt(scalar, emitter_.i32));
      } else {
        push(ir_.CreateZExt(scalar, emitter_.i32));
      }
      return;
    }
    default:
      emit_vector_access(row);
      return;
  }
}

/// An i32 as a lane of `type`, which may be smaller; anything else is one already.
llvm::Value* FunctionEmitter::narrowed(Value scalar, llvm::Type* type) {
  return type->isIntegerTy() ? ir_.CreateTrunc(scalar, type) : scalar;
}

void FunctionEmitter::emit_vector_access(const wasm::OpcodeRow& row) {
  (void)reader_.u32();  // the alignment is a hint
  const uint32_t offset = reader_.u32();
  const uint32_t lanes = wasm::lane_count(row.immediate);
  const uint64_t lane = lanes == 0 ? 0 : reader_.u8();
  const unsigned bytes = access_bytes(row.immediate);
  const std::string_view operation = row.name.substr(row.name.find('.') + 1);
  const bool is_store = std::string_view(row.signature).back() != 'v';
  const bool has_vector = is_store || lanes != 0;
  llvm::Type* const stored =
      bytes == 16 ? static_cast<llvm::Type*>(emitter_.v128) : llvm::IntegerType::get(emitter_.context, bytes * 8);
  llvm::Type* const type = bytes == 16 ? stored : llvm::FixedVectorType::get(stored, 16 / bytes);
  Value const vector = has_vector ? pop_lanes(type) : nullptr;
  Value const value = !is_store ? nullptr : lanes == 0 ? vector : ir_.CreateExtractElement(vector, lane);
  Value const place = memory_pointer(pop(), offset, bytes);
  if (is_store) {
    mark_access(ir_.CreateAlignedStore(value, place, llvm::Align(1)));
    return;
  }
  Value const loaded = mark_access(ir_.CreateAlignedLoad(stored, place, llvm::Align(1)));
  if (bytes == 16) {
    push(loaded);
  } else if (lanes != 0) {
    push_lanes(ir_.CreateInsertElement(vector, loaded, lane));
  } else if (operation.ends_with("splat")) {
    push_lanes(ir_.CreateVectorSplat(16 / bytes, loaded));
  } else if (operation.ends_with("zero")) {
    push_lanes(ir_.CreateInsertElement(llvm::Constant::getNullValue(type), loaded, uint64_t{0}));
  } else {
    // load8x8_s: the number in front is the width in memory.
    const unsigned bits = operation.starts_with("load8") ? 8 : operation.starts_with("load16") ? 16 : 32;
    llvm::Type* const narrow = llvm::FixedVectorType::get(llvm::IntegerType::get(emitter_.context, bits), 64 / bits);
    push_lanes(widened(ir_.CreateBitCast(loaded, narrow), operation.ends_with("_s")));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Arithmetic. Each false: not an operation of that kind.

/// What depends on no more than how wide the lanes are.
bool FunctionEmitter::emit_bits(std::string_view operation, llvm::FixedVectorType* type) {
  if (operation == "not") {
    push(ir_.CreateNot(pop()));
  } else if (operation == "andnot") {
    Value const b = pop();
    push(ir_.CreateAnd(pop(), ir_.CreateNot(b)));
  } else if (operation == "bitselect" || operation == "laneselect") {
    Value const mask = pop();
    Value const second = pop();
    push(selected(mask, pop(), second));
  } else if (operation == "any_true") {
    Value const bits = ir_.CreateBitCast(pop(), ir_.getInt128Ty());
    push_truth(ir_.CreateIsNotNull(bits));
  } else if (operation == "all_true") {
    Value const lanes = pop_lanes(type);
    push_truth(ir_.CreateAndReduce(ir_.CreateICmpNE(lanes, llvm::Constant::getNullValue(type))));
  } else if (operation == "bitmask") {
    Value const signs = ir_.CreateICmpSLT(pop_lanes(type), llvm::Constant::getNullValue(type));
    push(ir_.CreateZExt(ir_.CreateBitCast(signs, ir_.getIntNTy(type->getNumElements())), emitter_.i32));
  } else if (operation == "splat") {
    push_lanes(ir_.CreateVectorSplat(type->getNumElements(), narrowed(pop(), type->getElementType())));
  } else {
    return false;
  }
  return true;
}

bool FunctionEmitter::emit_integer_vector(std::string_view operation, llvm::FixedVectorType* type) {
  const auto pop_pair = [&] {
    Value const b = pop_lanes(type);
    return std::pair(pop_lanes(type), b);
  };
  const auto constant = [](llvm::Type* of, uint64_t value) { return llvm::ConstantInt::get(of, value); };
  if (const auto* const predicate = find(kIntegerCompares, operation)) {
    const auto [a, b] = pop_pair();
    push_lanes(ir_.CreateSExt(ir_.CreateICmp(*predicate, a, b), type));
  } else if (const auto* const binary = find(kIntegerArithmetic, operation)) {
    const auto [a, b] = pop_pair();
    push_lanes(ir_.CreateBinOp(*binary, a, b));
  } else if (const auto* const intrinsic = find(kIntegerIntrinsics, operation)) {
    const auto [a, b] = pop_pair();
    push_lanes(ir_.CreateBinaryIntrinsic(*intrinsic, a, b));
  } else if (const auto* const shift = find(kShifts, operation)) {
    const unsigned width = type->getScalarSizeInBits();
    Value const count = ir_.CreateZExtOrTrunc(ir_.CreateAnd(pop(), constant32(width - 1)), type->getElementType());
    Value const counts = ir_.CreateVectorSplat(type->getNumElements(), count);
    push_lanes(ir_.CreateBinOp(*shift, pop_lanes(type), counts));
  } else if (operation == "abs") {
    push_lanes(ir_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, pop_lanes(type), ir_.getFalse()));
  } else if (operation == "neg") {
    push_lanes(ir_.CreateNeg(pop_lanes(type)));
  } else if (operation == "popcnt") {
    push_lanes(ir_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, pop_lanes(type)));
  } else if (operation == "avgr_u") {
    const auto [a, b] = pop_pair();
    Value const sum = ir_.CreateAdd(widened(a, false), widened(b, false));
    push_lanes(ir_.CreateTrunc(ir_.CreateLShr(ir_.CreateAdd(sum, constant(sum->getType(), 1)), 1), type));
  } else if (operation == "swizzle") {
    const auto [bytes, lanes] = pop_pair();
    push_lanes(swizzled(bytes, lanes));
  } else if (operation == "q15mulr_sat_s" || operation == "q15mulr_s") {
    const auto [a, b] = pop_pair();
    Value const product = ir_.CreateMul(widened(a, true), widened(b, true));
    Value const rounded = ir_.CreateAShr(ir_.CreateAdd(product, constant(product->getType(), 0x4000)), 15);
    Value const most = constant(product->getType(), 0x7fff);
    push_lanes(ir_.CreateTrunc(ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, rounded, most), type));
  } else {
    return false;
  }
  return true;
}

/// Lanes of `bytes`; those outside of it give 0.
llvm::Value* FunctionEmitter::swizzled(Value bytes, Value lanes) {
  llvm::Type* const type = bytes->getType();
  const EmitOptions& options = emitter_.plan.options();
  if (options.architecture == abi::Architecture::aarch64) {
    return ir_.CreateIntrinsic(llvm::Intrinsic::aarch64_neon_tbl1, {type}, {bytes, lanes});
  }
  if (options.has_rounding) {
    // SSE4.1 implies SSSE3, whose pshufb gives 0 for lanes with the highest bit.
    Value const marked =
        ir_.CreateBinaryIntrinsic(llvm::Intrinsic::uadd_sat, lanes, llvm::ConstantInt::get(type, 0x70));
    return ir_.CreateIntrinsic(llvm::Intrinsic::x86_ssse3_pshuf_b_128, {}, {bytes, marked});
  }
  Value result = llvm::Constant::getNullValue(type);
  for (uint64_t n = 0; n < 16; ++n) {
    Value const lane = ir_.CreateExtractElement(lanes, n);
    Value const chosen = ir_.CreateExtractElement(bytes, ir_.CreateAnd(lane, ir_.getInt8(15)));
    Value const inside = ir_.CreateICmpULT(lane, ir_.getInt8(16));
    result = ir_.CreateInsertElement(result, ir_.CreateSelect(inside, chosen, ir_.getInt8(0)), n);
  }
  return result;
}

bool FunctionEmitter::emit_float_vector(std::string_view operation, llvm::FixedVectorType* type) {
  if (const auto* const predicate = find(kFloatCompares, operation)) {
    Value const b = pop_lanes(type);
    Value const result = ir_.CreateFCmp(*predicate, pop_lanes(type), b);
    push_lanes(ir_.CreateSExt(result, llvm::VectorType::getInteger(type)));
  } else if (const auto* const binary = find(kFloatArithmetic, operation)) {
    Value const b = pop_floats(type);
    push_lanes(ir_.CreateBinOp(*binary, pop_floats(type), b));
  } else if (const auto* const rounding = find(kRoundings, operation)) {
    Value const a = pop_lanes(type);
    if (emitter_.plan.options().has_rounding) {
      push_lanes(ir_.CreateUnaryIntrinsic(rounding->intrinsic, a));
      return true;
    }
    const size_t helper = type->getElementType() == emitter_.f32 ? rounding->helper32 : rounding->helper64;
    Value result = llvm::PoisonValue::get(type);
    for (uint64_t lane = 0; lane < type->getNumElements(); ++lane) {
      Value const rounded =
          call_helper(helper, HelperKind::returns, type->getElementType(), {ir_.CreateExtractElement(a, lane)});
      result = ir_.CreateInsertElement(result, rounded, lane);
    }
    push_lanes(result);
  } else if (operation == "abs") {
    push_lanes(ir_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, pop_lanes(type)));
  } else if (operation == "neg") {
    push_lanes(ir_.CreateFNeg(pop_lanes(type)));
  } else if (operation == "sqrt") {
    push_lanes(ir_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, pop_lanes(type)));
  } else if (operation == "min" || operation == "max") {
    Value const b = pop_floats(type);
    push_lanes(minimum(pop_floats(type), b, operation == "max"));
  } else if (operation == "pmin" || operation == "pmax") {
    Value const b = pop_lanes(type);
    Value const a = pop_lanes(type);
    Value const takes_b = operation == "pmin" ? ir_.CreateFCmpOLT(b, a) : ir_.CreateFCmpOLT(a, b);
    push_lanes(ir_.CreateSelect(takes_b, b, a));
  } else if (operation == "madd" || operation == "nmadd") {
    // Two roundings, as the interpreter.
    Value const c = pop_floats(type);
    Value const b = pop_floats(type);
    Value const a = pop_floats(type);
    push_lanes(ir_.CreateFAdd(ir_.CreateFMul(operation == "madd" ? a : ir_.CreateFNeg(a), b), c));
  } else {
    return false;
  }
  return true;
}

/// What makes lanes of another width or kind: `type` is the result's.
void FunctionEmitter::emit_vector_conversion(std::string_view operation, llvm::FixedVectorType* type) {
  const bool with_sign = is_signed(operation);
  const bool upper = operation.find("_high_") != std::string_view::npos;
  const auto contains = [&](std::string_view word) { return operation.find(word) != std::string_view::npos; };
  llvm::Type* const f32x4 = lanes_type("f32x4");
  llvm::Type* const f64x2 = lanes_type("f64x2");
  // Of what it is made, where that is integers: the name says it behind the operation's.
  const auto narrow_lanes = [&] { return llvm::VectorType::getTruncatedElementVectorType(type)->getElementType(); };
  const auto pop_narrow = [&] {
    llvm::Type* const lane = narrow_lanes();
    return pop_lanes(llvm::FixedVectorType::get(lane, 128 / lane->getScalarSizeInBits()));
  };
  // The sums of neighbours' products, in lanes of twice the width.
  const auto dot = [&](Value a, Value b) {
    Value const even = ir_.CreateMul(widened(alternate(a, 0), true), widened(alternate(b, 0), true));
    Value const odd = ir_.CreateMul(widened(alternate(a, 1), true), widened(alternate(b, 1), true));
    return ir_.CreateAdd(even, odd);
  };
  const auto pairwise = [&](Value a, bool signed_sum) {
    return ir_.CreateAdd(widened(alternate(a, 0), signed_sum), widened(alternate(a, 1), signed_sum));
  };
  if (operation == "dot_i8x16_i7x16_add_s") {
    Value const c = pop_lanes(type);
    llvm::Type* const bytes = lanes_type("i8x16");
    Value const b = pop_lanes(bytes);
    Value const products = dot(pop_lanes(bytes), b);
    push_lanes(ir_.CreateAdd(pairwise(products, true), c));
  } else if (operation.starts_with("dot_")) {
    Value const b = pop_narrow();
    push_lanes(dot(pop_narrow(), b));
  } else if (operation.starts_with("extadd_pairwise")) {
    push_lanes(pairwise(pop_narrow(), with_sign));
  } else if (operation.starts_with("extmul_")) {
    Value const b = widened(half(pop_narrow(), upper), with_sign);
    push_lanes(ir_.CreateMul(widened(half(pop_narrow(), upper), with_sign), b));
  } else if (operation.starts_with("extend_")) {
    push_lanes(widened(half(pop_narrow(), upper), with_sign));
  } else if (operation.starts_with("narrow_")) {
    emit_narrowing(with_sign, type);
  } else if (operation.starts_with("trunc_")) {
    // relaxed_trunc_f32x4_s and trunc_sat_f32x4_s are the same.
    Value const a = pop_lanes(contains("f64x2") ? f64x2 : f32x4);
    llvm::Type* const to = llvm::FixedVectorType::get(emitter_.i32, lanes_of(a));
    const auto intrinsic = with_sign ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    Value const truncated = ir_.CreateIntrinsic(intrinsic, {to, a->getType()}, {a});
    push_lanes(lanes_of(a) == 2 ? with_zeros(truncated) : truncated);
  } else if (operation.starts_with("convert_")) {
    Value a = pop_lanes(lanes_type("i32x4"));
    a = contains("_low_") ? half(a, false) : a;
    push_lanes(with_sign ? ir_.CreateSIToFP(a, type) : ir_.CreateUIToFP(a, type));
  } else if (operation.starts_with("demote_")) {
    // Of what was promoted, it is not nothing: it quiets a signalling NaN.
    push_lanes(with_zeros(ir_.CreateFPTrunc(fence(pop_lanes(f64x2)), llvm::FixedVectorType::get(emitter_.f32, 2))));
  } else {  // promote_low_f32x4: every instruction has been seen
    push_lanes(ir_.CreateFPExt(half(pop_lanes(f32x4), false), type));
  }
}

/// The lanes of two vectors, each to the nearest number that `type` has, signed or not.
void FunctionEmitter::emit_narrowing(bool with_sign, llvm::FixedVectorType* type) {
  const unsigned bits = type->getScalarSizeInBits();
  llvm::Type* const wide =
      llvm::FixedVectorType::get(llvm::IntegerType::get(emitter_.context, bits * 2), type->getNumElements() / 2);
  Value const b = pop_lanes(wide);
  Value const both = joined(pop_lanes(wide), b);
  const llvm::APInt least = with_sign ? llvm::APInt::getSignedMinValue(bits).sext(bits * 2) : llvm::APInt(bits * 2, 0);
  const llvm::APInt most =
      with_sign ? llvm::APInt::getSignedMaxValue(bits).sext(bits * 2) : llvm::APInt::getMaxValue(bits).zext(bits * 2);
  Value const above =
      ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, both, llvm::ConstantInt::get(both->getType(), least));
  push_lanes(ir_.CreateTrunc(
      ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, above, llvm::ConstantInt::get(both->getType(), most)), type));
}

}  // namespace tenon::compiler
