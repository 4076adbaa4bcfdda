#include "wasm/body_reader.h"

#include <algorithm>

namespace tenon::wasm {

namespace {

/// The list of one type that a block type names; lives for ever.
const std::vector<ValueType>& single_type(ValueType type) {
  static const std::vector<ValueType> i32{ValueType::i32};
  static const std::vector<ValueType> i64{ValueType::i64};
  static const std::vector<ValueType> f32{ValueType::f32};
  static const std::vector<ValueType> f64{ValueType::f64};
  static const std::vector<ValueType> v128{ValueType::v128};
  static const std::vector<ValueType> funcref{ValueType::funcref};
  static const std::vector<ValueType> externref{ValueType::externref};
  switch (type) {
    case ValueType::i64:
      return i64;
    case ValueType::f32:
      return f32;
    case ValueType::f64:
      return f64;
    case ValueType::v128:
      return v128;
    case ValueType::funcref:
      return funcref;
    case ValueType::externref:
      return externref;
    default:
      return i32;
  }
}

}  // namespace

BlockSignature BodyReader::block_signature(const Module& module) {
  constexpr int64_t kEmptyType = -64;
  const int64_t encoded = s33();
  if (encoded >= 0) {
    const FunctionType& type = *module.types[static_cast<size_t>(encoded)];
    return {&type.parameters, &type.results};
  }
  return {&kNoTypes, encoded == kEmptyType ? &kNoTypes : &single_type(static_cast<ValueType>(encoded & 0x7f))};
}

void BodyReader::skip_immediates(const OpcodeRow& row) {
  switch (row.immediate) {
    case Immediate::none:
      break;
    case Immediate::zero_byte:
    case Immediate::heap_type:
    case Immediate::lane2:
    case Immediate::lane4:
    case Immediate::lane8:
    case Immediate::lane16:
      skip(1);
      break;
    case Immediate::block_type:
      (void)s33();
      break;
    case Immediate::label_table:
      for (uint64_t count = uint64_t{u32()} + 1; count > 0 && ok(); --count) {
        (void)u32();
      }
      break;
    case Immediate::value_types:
      skip(u32());
      break;
    case Immediate::type_table:
    case Immediate::memarg8:
    case Immediate::memarg16:
    case Immediate::memarg32:
    case Immediate::memarg64:
    case Immediate::memarg128:
    case Immediate::memory_memory:
    case Immediate::data_memory:
    case Immediate::element_table:
    case Immediate::table_table:
      (void)u32();
      (void)u32();
      break;
    case Immediate::memarg8_lane:
    case Immediate::memarg16_lane:
    case Immediate::memarg32_lane:
    case Immediate::memarg64_lane:
      (void)u32();
      (void)u32();
      skip(1);
      break;
    case Immediate::label:
    case Immediate::function:
    case Immediate::local:
    case Immediate::global:
    case Immediate::table:
    case Immediate::tag:
    case Immediate::memory:
    case Immediate::data:
    case Immediate::element:
      (void)u32();
      break;
    case Immediate::i32:
      (void)s32();
      break;
    case Immediate::i64:
      (void)s64();
      break;
    case Immediate::f32:
      skip(4);
      break;
    case Immediate::f64:
      skip(8);
      break;
    case Immediate::v128:
    case Immediate::shuffle:
      skip(16);
      break;
  }
}

void BodyReader::skip_locals() {
  for (uint32_t groups = u32(); groups > 0 && ok(); --groups) {
    (void)u32();
    (void)u8();
  }
}

bool has_tail_calls(base::Bytes body) {
  constexpr uint8_t kReturnCall = 0x12;
  constexpr uint8_t kReturnCallIndirect = 0x13;
  if (std::ranges::none_of(body, [](uint8_t byte) { return byte == kReturnCall || byte == kReturnCallIndirect; })) {
    return false;
  }
  BodyReader reader(body, 0);
  reader.skip_locals();
  while (!reader.at_end()) {
    const OpcodeRow& row = reader.next_opcode();
    if (row.opcode == Opcode::return_call || row.opcode == Opcode::return_call_indirect) {
      return true;
    }
    reader.skip_immediates(row);
  }
  return false;
}

}  // namespace tenon::wasm
