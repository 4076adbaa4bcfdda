#include "runtime/frame_tables.h"

#include <array>
#include <cstring>
#include <optional>

namespace tenon::runtime {

namespace {

using base::Bytes;
using base::Reader;

// Encodings of pointers (DW_EH_PE_*).
constexpr uint8_t kAbsolute = 0x00;
constexpr uint8_t kUleb = 0x01;
constexpr uint8_t kUnsigned4 = 0x03;
constexpr uint8_t kSigned4 = 0x0b;
constexpr uint8_t kSigned8 = 0x0c;
constexpr uint8_t kRelativeToHere = 0x10;
constexpr uint8_t kRelativeToData = 0x30;
constexpr uint8_t kOmitted = 0xff;

template <class T>
T fixed(Reader& in) {
  T value{};
  const Bytes bytes = in.bytes(sizeof(T));
  if (bytes.size() == sizeof(T)) {
    std::memcpy(&value, bytes.data(), sizeof(T));
  }
  return value;
}

/// A pointer of one of the encodings that LLVM uses for these tables. `in` must read the mapped bytes themselves.
uintptr_t read_pointer(Reader& in, uint8_t encoding, Bytes all, uintptr_t data) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(all.data()) + in.position();
  int64_t value = 0;
  switch (encoding & 0x0f) {
    case kAbsolute:
      value = fixed<int64_t>(in);
      break;
    case kUleb:
      value = static_cast<int64_t>(in.u64());
      break;
    case kUnsigned4:
      value = fixed<uint32_t>(in);
      break;
    case kSigned4:
      value = fixed<int32_t>(in);
      break;
    case kSigned8:
      value = fixed<int64_t>(in);
      break;
    default:
      in.fail("unknown pointer encoding");
  }
  switch (encoding & 0x70) {
    case 0:
      return static_cast<uintptr_t>(value);
    case kRelativeToHere:
      return here + static_cast<uintptr_t>(value);
    case kRelativeToData:
      return data + static_cast<uintptr_t>(value);
    default:
      in.fail("unknown pointer encoding");
      return 0;
  }
}

/// What is mapped from `address` on; empty when nothing of the image is.
Bytes from(const NativeCode& code, uintptr_t address) {
  const auto begin = reinterpret_cast<uintptr_t>(code.image.data());
  return address < begin || address - begin >= code.image.size() ? Bytes{} : code.image.subspan(address - begin);
}

// Registers by their DWARF numbers.
#if defined(__x86_64__)
constexpr unsigned kStackPointer = 7;
constexpr unsigned kRegisters = 17;  // up to the return address's
uint64_t* place_of(abi::MachineState& state, unsigned number) {
  switch (number) {
    case 3:
      return &state.rbx;
    case 6:
      return &state.rbp;
    case 7:
      return &state.sp;
    case 12:
      return &state.r12;
    case 13:
      return &state.r13;
    case 14:
      return &state.r14;
    case 15:
      return &state.r15;
    case 16:
      return &state.pc;
    default:
      return nullptr;
  }
}
#else
constexpr unsigned kStackPointer = 31;
constexpr unsigned kRegisters = 80;
uint64_t* place_of(abi::MachineState& state, unsigned number) {
  if (number >= 19 && number <= 30) {
    return &state.x19_to_x30[number - 19];
  }
  if (number == kStackPointer) {
    return &state.sp;
  }
  if (number >= 72 && number <= 79) {
    return &state.d8_to_d15[number - 72];
  }
  return nullptr;
}
#endif

}  // namespace

/// How to find the caller's registers, at one place of a function.
struct FrameTable::Rules {
  uint64_t cfa_register = kStackPointer;
  int64_t cfa_offset = 0;
  std::array<std::optional<int64_t>, kRegisters> offsets;  ///< from the CFA, of registers that were saved
};

FrameTable::FrameTable(const NativeCode& code, uintptr_t address) : code_(code), address_(address) {
  // .eh_frame_hdr: version, three encodings, pointer to .eh_frame, number of entries, then pairs of 32-bit distances
  // from the header's start: function, entry; sorted by function.
  Reader in(code.frames);
  const auto header = reinterpret_cast<uintptr_t>(code.frames.data());
  const bool known = in.u8() == 1;
  const uint8_t frame_encoding = in.u8();
  const bool counted = in.u8() == kUnsigned4;
  const bool table = in.u8() == (kRelativeToData | kSigned4);
  (void)read_pointer(in, frame_encoding, code.frames, header);
  const auto count = fixed<uint32_t>(in);
  struct Pair {
    int32_t function;
    int32_t entry;
  };
  if (!in.ok() || !known || !counted || !table || in.remaining() / sizeof(Pair) < count || count == 0) {
    return;
  }
  const uint8_t* const pairs = code.frames.data() + in.position();
  const auto at = [&](uint32_t index) {
    Pair pair;
    std::memcpy(&pair, pairs + size_t{index} * sizeof(Pair), sizeof(Pair));
    return pair;
  };
  const auto wanted = static_cast<int64_t>(address - header);
  uint32_t low = 0;
  uint32_t high = count;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    (at(middle).function <= wanted ? low : high) = middle;
  }
  found_ = at(low).function <= wanted && read_entry(header + static_cast<uintptr_t>(int64_t{at(low).entry}));
}

bool FrameTable::read_entry(uintptr_t entry) {
  const auto record = [&](uintptr_t address, Bytes& all) -> Reader {
    all = from(code_, address);
    Reader length(all);
    const auto bytes = fixed<uint32_t>(length);
    if (!length.ok() || bytes == 0 || bytes == UINT32_MAX || bytes > length.remaining()) {
      all = {};
    } else {
      all = all.first(sizeof(uint32_t) + bytes);
    }
    Reader in(all);
    in.skip(sizeof(uint32_t));
    return in;
  };
  Bytes function_bytes;
  Reader in = record(entry, function_bytes);
  const uintptr_t distance_at = entry + in.position();
  const auto distance = fixed<uint32_t>(in);

  Bytes common_bytes;
  Reader common = record(distance_at - distance, common_bytes);
  const bool is_common = fixed<uint32_t>(common) == 0 && common.u8() == 1;
  std::array<char, 8> augmentation{};
  for (char& letter : augmentation) {
    letter = static_cast<char>(common.u8());
    if (letter == 0) {
      break;
    }
  }
  if (!in.ok() || !common.ok() || !is_common || augmentation.back() != 0 || augmentation[0] != 'z') {
    return false;
  }
  code_alignment_ = common.u64();
  data_alignment_ = common.s64();
  return_register_ = common.u64();
  (void)common.u64();  // size of what follows
  uint8_t function_encoding = kAbsolute;
  uint8_t landing_encoding = kOmitted;
  for (size_t i = 1; augmentation[i] != 0; ++i) {
    switch (augmentation[i]) {
      case 'R':
        function_encoding = common.u8();
        break;
      case 'L':
        landing_encoding = common.u8();
        break;
      case 'P': {
        const uint8_t encoding = common.u8();
        (void)read_pointer(common, encoding, common_bytes, 0);
        break;
      }
      default:
        return false;
    }
  }
  begin_ = read_pointer(in, function_encoding, function_bytes, 0);
  const uintptr_t size = read_pointer(in, function_encoding & 0x0f, function_bytes, 0);
  const uint64_t own_augmentation = in.u64();
  if (landing_encoding != kOmitted && own_augmentation != 0) {
    landing_table_ = read_pointer(in, landing_encoding, function_bytes, 0);
  } else {
    in.skip(own_augmentation);
  }
  initial_ = common_bytes.subspan(std::min(common.position(), common_bytes.size()));
  own_ = function_bytes.subspan(std::min(in.position(), function_bytes.size()));
  return in.ok() && common.ok() && address_ >= begin_ && address_ - begin_ < size;
}

bool FrameTable::execute(Bytes instructions, Rules& rules, Rules* saved, unsigned& depth) const {
  constexpr unsigned kMostSaved = 4;
  static const Rules kNone;
  Reader in(instructions);
  uintptr_t here = begin_;
  const auto remember = [&](uint64_t number, int64_t offset) {
    if (number >= kRegisters) {
      return false;
    }
    // Wraps around where a table is damaged: FrameTable::step looks at what comes out.
    rules.offsets[number] =
        static_cast<int64_t>(static_cast<uint64_t>(offset) * static_cast<uint64_t>(data_alignment_));
    return true;
  };
  while (in.ok() && !in.at_end()) {
    const uint8_t opcode = in.u8();
    const uint8_t low = opcode & 0x3f;
    uint64_t advance = 0;
    switch (opcode & 0xc0) {
      case 0x40:  // DW_CFA_advance_loc
        advance = low;
        break;
      case 0x80:  // DW_CFA_offset
        if (!remember(low, static_cast<int64_t>(in.u64()))) {
          return false;
        }
        continue;
      case 0xc0:  // DW_CFA_restore: what the function found
        if (low >= kRegisters) {
          return false;
        }
        rules.offsets[low] = kNone.offsets[low];
        continue;
      default:
        break;
    }
    switch (advance != 0 ? 0xff : opcode) {
      case 0xff:
      case 0x00:  // DW_CFA_nop
        break;
      case 0x02:
        advance = in.u8();
        break;
      case 0x03:
        advance = fixed<uint16_t>(in);
        break;
      case 0x04:
        advance = fixed<uint32_t>(in);
        break;
      case 0x05: {  // DW_CFA_offset_extended
        const uint64_t number = in.u64();
        if (!remember(number, static_cast<int64_t>(in.u64()))) {
          return false;
        }
        break;
      }
      case 0x06: {  // DW_CFA_restore_extended
        const uint64_t number = in.u64();
        if (number >= kRegisters) {
          return false;
        }
        rules.offsets[number] = kNone.offsets[number];
        break;
      }
      case 0x07:  // DW_CFA_undefined
      case 0x08:  // DW_CFA_same_value
        (void)in.u64();
        break;
      case 0x0a:  // DW_CFA_remember_state
        if (depth == kMostSaved) {
          return false;
        }
        saved[depth++] = rules;
        break;
      case 0x0b:  // DW_CFA_restore_state
        if (depth == 0) {
          return false;
        }
        rules = saved[--depth];
        break;
      case 0x0c:  // DW_CFA_def_cfa
        rules.cfa_register = in.u64();
        rules.cfa_offset = static_cast<int64_t>(in.u64());
        break;
      case 0x0d:  // DW_CFA_def_cfa_register
        rules.cfa_register = in.u64();
        break;
      case 0x0e:  // DW_CFA_def_cfa_offset
        rules.cfa_offset = static_cast<int64_t>(in.u64());
        break;
      case 0x2e:  // DW_CFA_GNU_args_size
        (void)in.u64();
        break;
      default:
        return false;
    }
    if (advance != 0) {
      here += advance * code_alignment_;
      if (here > address_) {
        return true;
      }
    }
  }
  return in.ok();
}

bool FrameTable::step(abi::MachineState& state) const {
  Rules rules;
  std::array<Rules, 4> saved;
  unsigned depth = 0;
  if (!found_ || !execute(initial_, rules, saved.data(), depth) || !execute(own_, rules, saved.data(), depth) ||
      rules.cfa_register >= kRegisters) {
    return false;
  }
  const uint64_t* const base = place_of(state, static_cast<unsigned>(rules.cfa_register));
  if (base == nullptr) {
    return false;
  }
  const uint64_t cfa = *base + static_cast<uint64_t>(rules.cfa_offset);
  // The stack is deeper down; what is not cannot be a frame of this thread.
  if (cfa < state.sp || cfa % 8 != 0) {
    return false;
  }
  abi::MachineState caller = state;
  for (unsigned number = 0; number < kRegisters; ++number) {
    if (rules.offsets[number]) {
      uint64_t value = 0;
      const uint64_t at = cfa + static_cast<uint64_t>(*rules.offsets[number]);
      if (at < state.sp || at > cfa - sizeof(value)) {
        return false;  // a function saves registers in its own frame
      }
      std::memcpy(&value, reinterpret_cast<const void*>(at), sizeof(value));
      if (uint64_t* const place = place_of(caller, number)) {
        *place = value;
      }
    }
  }
#if defined(__aarch64__)
  caller.pc = caller.x19_to_x30[30 - 19];
#endif
  caller.sp = cfa;
  state = caller;
  return true;
}

uintptr_t FrameTable::landing_pad() const {
  if (landing_table_ == 0) {
    return 0;
  }
  const Bytes all = from(code_, landing_table_);
  Reader in(all);
  if (in.u8() != kOmitted) {
    return 0;  // landing pads count from somewhere else than the function's start
  }
  if (const uint8_t types = in.u8(); types != kOmitted) {
    (void)in.u64();
  }
  const uint8_t encoding = in.u8();
  const uint64_t size = in.u64();
  if (!in.ok() || size > in.remaining()) {
    return 0;
  }
  const size_t end = in.position() + size;
  const uintptr_t place = address_ - begin_;
  while (in.ok() && in.position() < end) {
    const uintptr_t start = read_pointer(in, encoding & 0x0f, all, 0);
    const uintptr_t length = read_pointer(in, encoding & 0x0f, all, 0);
    const uintptr_t pad = read_pointer(in, encoding & 0x0f, all, 0);
    (void)in.u64();  // action: all our landing pads take everything
    if (place < start) {
      return 0;
    }
    if (place - start < length) {
      return pad == 0 ? 0 : begin_ + pad;
    }
  }
  return 0;
}

}  // namespace tenon::runtime
