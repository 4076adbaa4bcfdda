#include "compiler/body_reader.h"

#include <algorithm>
#include <array>

namespace tenon::compiler {

namespace {

using wasm::Immediate;
using wasm::Opcode;
using wasm::OpcodeRow;

constexpr uint8_t kMiscellaneousPrefix = 0xfc;
constexpr uint8_t kAtomicPrefix = 0xfe;

struct OpcodeIndex {
  std::array<uint16_t, 256> plain{};
  std::array<uint16_t, 256> miscellaneous{};
  std::array<uint16_t, 256> atomic{};
};

constexpr OpcodeIndex kIndex = [] {
  OpcodeIndex index;
  for (size_t n = 0; n < wasm::kOpcodes.size(); ++n) {
    const OpcodeRow& row = wasm::kOpcodes[n];
    auto& table = row.prefix == 0                      ? index.plain
                  : row.prefix == kMiscellaneousPrefix ? index.miscellaneous
                                                       : index.atomic;
    table[row.code] = static_cast<uint16_t>(n);
  }
  return index;
}();

}  // namespace

const OpcodeRow& BodyReader::next_opcode() {
  const uint8_t first = u8();
  if (first == kMiscellaneousPrefix) {
    return wasm::kOpcodes[kIndex.miscellaneous[u32() & 0xff]];
  }
  if (first == kAtomicPrefix) {
    return wasm::kOpcodes[kIndex.atomic[u32() & 0xff]];
  }
  return wasm::kOpcodes[kIndex.plain[first]];
}

void BodyReader::skip_immediates(const OpcodeRow& row) {
  switch (row.immediate) {
    case Immediate::none:
      break;
    case Immediate::zero_byte:
    case Immediate::heap_type:
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
    case Immediate::memory_memory:
    case Immediate::data_memory:
    case Immediate::element_table:
    case Immediate::table_table:
      (void)u32();
      (void)u32();
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

}  // namespace tenon::compiler
