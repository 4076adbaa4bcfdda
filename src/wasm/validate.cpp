// The validation algorithm of the specification's appendix, made to be cheap per byte: every library that is opened
// goes through it before anything else happens.
//
// An opcode's row in opcodes.def is compiled into a Step of four bytes; all instructions of one shape (binary, load,
// ...) share one case. Operand stack and locals are flat arrays of types that are kept from one function to the next,
// so nothing is allocated per function. The type rules' fast path is a comparison with the top of the stack; operands
// of unreachable code, and everything that is wrong, go through the cold functions at the end.
//
// `body` must not change under the validator (decode.cpp passes copies of mapped bytes).
#include "wasm/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>

#include "wasm/opcode.h"

namespace tenon::wasm {

using base::Bytes;
using base::Reader;

namespace {

constexpr uint32_t kMaximumLabelTable = 65'520;  // targets of one br_table, as in V8

// ---------------------------------------------------------------------------------------------------------------------
// The opcode table, compiled

/// The exponent of an access's natural alignment.
consteval uint8_t natural_alignment(Immediate immediate) {
  switch (immediate) {
    case Immediate::memarg8:
    case Immediate::memarg8_lane:
      return 0;
    case Immediate::memarg16:
    case Immediate::memarg16_lane:
      return 1;
    case Immediate::memarg32:
    case Immediate::memarg32_lane:
      return 2;
    case Immediate::memarg64:
    case Immediate::memarg64_lane:
      return 3;
    case Immediate::memarg128:
      return 4;
    default:
      throw "not a memory access";
  }
}

constexpr bool is_memarg(Immediate immediate) {
  return immediate >= Immediate::memarg8 && immediate <= Immediate::memarg64_lane;
}

consteval ValueType type_of(char letter) {
  switch (letter) {
    case 'i':
      return ValueType::i32;
    case 'I':
      return ValueType::i64;
    case 'f':
      return ValueType::f32;
    case 'F':
      return ValueType::f64;
    case 'v':
      return ValueType::v128;
    default:
      throw "not a type";
  }
}

/// An instruction with a fixed signature: at most three operands and one result (bottom: none).
struct Signature {
  std::array<ValueType, 3> operands{};
  uint8_t operand_count = 0;
  ValueType result = ValueType::bottom;
};

consteval Signature parse_signature(std::string_view text) {
  Signature signature;
  size_t i = 0;
  for (; text[i] != '_'; ++i) {
    signature.operands[signature.operand_count++] = type_of(text[i]);
  }
  if (i + 1 < text.size()) {
    signature.result = type_of(text[i + 1]);
  }
  if (i + 2 < text.size()) {
    throw "more than one result";
  }
  return signature;
}

/// What to do for a one-byte opcode (illegal for prefixes: see below). `handler` is the opcode itself, or the one that
/// stands for all of its shape.
struct Step {
  uint8_t handler;
  ValueType operand;
  ValueType result;
  uint8_t alignment;
};

constexpr auto kUnary = Opcode::i32_eqz;
constexpr auto kBinary = Opcode::i32_add;
constexpr auto kLoad = Opcode::i32_load;
constexpr auto kStore = Opcode::i32_store;
constexpr uint8_t kIllegal = 0xff;

consteval std::array<Step, 256> compile_steps() {
  std::array<Step, 256> steps{};
  steps.fill({kIllegal, ValueType::bottom, ValueType::bottom, 0});
  for (const OpcodeRow& row : kOpcodes) {
    if (row.prefix != 0) {
      continue;
    }
    Opcode handler = row.opcode;
    Signature signature;
    uint8_t alignment = 0;
    if (row.signature != nullptr) {
      signature = parse_signature(row.signature);
      const bool has_result = signature.result != ValueType::bottom;
      if (is_memarg(row.immediate)) {
        handler = has_result ? kLoad : kStore;
        alignment = natural_alignment(row.immediate);
        // The address is an i32 in both; what is left is the value.
        signature.operands[0] = has_result ? ValueType::i32 : signature.operands[1];
      } else if (row.immediate == Immediate::none && signature.operand_count == 1) {
        handler = kUnary;
      } else if (row.immediate == Immediate::none && signature.operand_count == 2) {
        handler = kBinary;
        if (signature.operands[0] != signature.operands[1]) {
          throw "operands of different types";
        }
      }
    }
    if (static_cast<size_t>(handler) >= kIllegal) {
      throw "a one-byte opcode must be among the first rows";
    }
    steps[row.code] = {static_cast<uint8_t>(handler), signature.operands[0], signature.result, alignment};
  }
  return steps;
}

constexpr std::array<Step, 256> kSteps = compile_steps();

/// What to do for an opcode behind a prefix: immediates by their kind, then the signature; or a case of its own.
struct PrefixedStep {
  bool exists = false;
  Opcode opcode{};
  Immediate immediate = Immediate::none;
  uint8_t alignment = 0;
  Signature signature;
};

template <uint8_t kPrefix, size_t kSize>
consteval std::array<PrefixedStep, kSize> compile_prefixed_steps() {
  std::array<PrefixedStep, kSize> steps{};
  for (const OpcodeRow& row : kOpcodes) {
    if (row.prefix != kPrefix) {
      continue;
    }
    PrefixedStep& step = steps[row.code];
    step.exists = true;
    step.opcode = row.opcode;
    step.immediate = row.immediate;
    if (row.signature != nullptr) {
      step.signature = parse_signature(row.signature);
    }
    if (is_memarg(row.immediate)) {
      step.alignment = natural_alignment(row.immediate);
    }
  }
  return steps;
}

constexpr auto kMiscellaneousSteps = compile_prefixed_steps<kMiscellaneousPrefix, 0x12>();
constexpr auto kAtomicSteps = compile_prefixed_steps<kAtomicPrefix, 0x4f>();
constexpr auto kVectorSteps = compile_prefixed_steps<kVectorPrefix, 0x114>();

/// None: it is no prefix.
constexpr std::span<const PrefixedStep> prefixed_steps(uint8_t prefix) {
  switch (prefix) {
    case kMiscellaneousPrefix:
      return kMiscellaneousSteps;
    case kVectorPrefix:
      return kVectorSteps;
    case kAtomicPrefix:
      return kAtomicSteps;
    default:
      return {};
  }
}

/// For one-byte opcodes, their place in kOpcodes.
constexpr uint16_t kNoRow = 0xffff;
constexpr auto kOneByteRows = [] {
  std::array<uint16_t, 256> rows{};
  rows.fill(kNoRow);
  for (const OpcodeRow& row : kOpcodes) {
    if (row.prefix == 0) {
      rows[row.code] = static_cast<uint16_t>(row.opcode);
    }
  }
  return rows;
}();

/// The row of the instruction whose first byte was `byte`; takes the rest of the opcode from `in`. Null: there is none.
const OpcodeRow* find_row(uint8_t byte, Reader& in) {
  if (const std::span<const PrefixedStep> steps = prefixed_steps(byte); !steps.empty()) {
    const uint32_t code = in.u32();
    return code < steps.size() && steps[code].exists ? &row(steps[code].opcode) : nullptr;
  }
  return kOneByteRows[byte] == kNoRow ? nullptr : &kOpcodes[kOneByteRows[byte]];
}

// ---------------------------------------------------------------------------------------------------------------------
// State

struct TypeList {
  const ValueType* types = nullptr;
  uint32_t count = 0;

  TypeList() = default;
  TypeList(const ValueType* first, uint32_t number) : types(first), count(number) {}
  explicit TypeList(const std::vector<ValueType>& list)
      : types(list.data()), count(static_cast<uint32_t>(list.size())) {}
};

bool equal(TypeList left, TypeList right) {
  return std::equal(left.types, left.types + left.count, right.types, right.types + right.count);
}

/// Lists of one type, by the type's byte.
constexpr auto kSingleTypes = [] {
  std::array<ValueType, 256> types{};
  for (size_t i = 0; i < types.size(); ++i) {
    types[i] = static_cast<ValueType>(i);
  }
  return types;
}();

/// An entry of the control stack: a structured instruction that is open. The outermost is the function itself.
struct Frame {
  Opcode kind;  ///< block, loop, if_, else_, try_, catch_, catch_all
  bool is_unreachable;
  ValueType* base;  ///< the operand stack's height at entry
  TypeList parameters;
  TypeList results;

  /// What a branch to it takes along.
  [[nodiscard]] TypeList label() const { return kind == Opcode::loop ? parameters : results; }
};

/// Memory that is reused from function to function.
struct State {
  std::unique_ptr<ValueType[]> locals = std::make_unique_for_overwrite<ValueType[]>(kMaximumLocals);
  std::unique_ptr<ValueType[]> operands = std::make_unique_for_overwrite<ValueType[]>(kMaximumLocals);
  std::unique_ptr<Frame[]> frames = std::make_unique_for_overwrite<Frame[]>(kFirstFrames);
  size_t frame_capacity = kFirstFrames;

  static constexpr size_t kFirstFrames = 64;
  static constexpr size_t kKeptFrames = 4096;

  [[gnu::cold, gnu::noinline]] void grow_frames() {
    auto larger = std::make_unique_for_overwrite<Frame[]>(2 * frame_capacity);
    std::copy_n(frames.get(), frame_capacity, larger.get());
    frames = std::move(larger);
    frame_capacity *= 2;
  }
  /// Gives back what one extraordinary function needed.
  void trim() {
    if (frame_capacity > kKeptFrames) [[unlikely]] {
      frames = std::make_unique_for_overwrite<Frame[]>(kFirstFrames);
      frame_capacity = kFirstFrames;
    }
  }
};

struct BlockType {
  TypeList parameters;
  TypeList results;
};

/// A LEB128 of more than one byte: its value and how many bytes it has, 0 when it is malformed.
struct LongNumber {
  uint64_t value;
  size_t length;
};

// Out of line and through registers only: were the validator's own Reader passed to a function, it would live in
// memory.
template <auto kRead>
[[gnu::noinline]] LongNumber read_long(Bytes rest) {
  Reader in(rest);
  const auto value = static_cast<uint64_t>((in.*kRead)());
  return {value, in.ok() ? rest.size() - in.remaining() : 0};
}

// ---------------------------------------------------------------------------------------------------------------------
// The validator

class BodyValidator {
 public:
  BodyValidator(const Module& module, uint32_t function, Bytes body, State& state, BodyFacts* facts)
      : module_(module), function_(function), body_(body), state_(state), facts_(facts) {}

  /// False: see take_error.
  [[nodiscard]] bool run();
  [[nodiscard]] Error take_error() { return std::move(error_); }

 private:
  /// Where an instruction stands and what had been wrong with reading when it failed: all that a failure needs.
  struct Place {
    size_t at;
    const char* read_failure;
    size_t read_failed_at;
  };

  [[nodiscard]] bool declare_locals(Reader& in, const FunctionType& type, uint32_t& count);

  // Failures; all return false.
  [[gnu::cold, gnu::noinline]] bool fail(Place place, ErrorKind kind, std::string_view words);
  [[gnu::cold, gnu::noinline]] bool unknown(Place place, const char* what, uint32_t index);
  [[gnu::cold, gnu::noinline]] bool mismatch(Place place, TypeList expected, const ValueType* top, const Frame& frame);
  [[gnu::cold, gnu::noinline]] bool bad_type(Place place, uint8_t byte);
  [[gnu::cold, gnu::noinline]] bool bad_opcode(Place place, uint8_t byte);
  [[gnu::cold, gnu::noinline]] bool too_many_operands(Place place);
  [[nodiscard]] std::string instruction_at(size_t offset) const;

  void note_moved_reference() {
    if (facts_ != nullptr) {
      facts_->moves_references = true;
    }
  }

  const Module& module_;
  uint32_t function_;
  Bytes body_;
  State& state_;
  BodyFacts* facts_;
  Error error_{};
};

/// A pop that the fast path did not settle: of an empty frame, or of another type. The new top, or null for a mismatch.
[[gnu::noinline]] ValueType* pop_slowly(ValueType* top, const ValueType* limit, ValueType expected,
                                        const Frame& frame) {
  if (top == frame.base) {
    // Nothing is taken, so what is pushed in its place must still find room.
    return frame.is_unreachable && top != limit ? top : nullptr;
  }
  return top[-1] == ValueType::bottom || expected == ValueType::bottom || top[-1] == expected ? top - 1 : nullptr;
}

// Locals: groups of a count and a type (specification 5.4.9).
bool BodyValidator::declare_locals(Reader& in, const FunctionType& type, uint32_t& count) {
  ValueType* const locals = state_.locals.get();
  std::ranges::copy(type.parameters, locals);
  uint64_t total = type.parameters.size();
  for (uint32_t groups = in.u32(); groups != 0 && in.ok(); --groups) {
    const size_t at = in.position();
    const uint32_t number = in.u32();
    const uint8_t byte = in.u8();
    if (!in.ok()) {
      break;
    }
    if (!is_value_type(byte)) [[unlikely]] {
      return bad_type({in.position() - 1, nullptr, 0}, byte);
    }
    if (total + number <= kMaximumLocals) {
      std::fill_n(locals + total, number, static_cast<ValueType>(byte));
    }
    total += number;
    if (total - type.parameters.size() > UINT32_MAX) [[unlikely]] {
      return fail({at, nullptr, 0}, ErrorKind::malformed, "too many locals: more than 2^32 - 1");
    }
  }
  const Place place{in.position(), in.message(), in.failed_at()};
  if (!in.ok()) [[unlikely]] {
    return fail(place, ErrorKind::malformed, in.message());
  }
  if (total > kMaximumLocals) [[unlikely]] {
    return fail(place, ErrorKind::limit,
                fmt::format("too many locals: {} with the parameters, at most {}", total, kMaximumLocals));
  }
  count = static_cast<uint32_t>(total);
  return true;
}

// One function on purpose: its variables are the validator's registers. None of them may have its address taken by
// anything that is not inlined.
bool BodyValidator::run() {
  Reader in(body_, module_.functions[function_].body_offset);
  const FunctionType& function_type = module_.function_type(function_);
  uint32_t local_count = 0;
  {
    Reader declarations = in;
    if (!declare_locals(declarations, function_type, local_count)) {
      return false;
    }
    in = declarations;
  }
  const ValueType* const locals = state_.locals.get();
  ValueType* const operands = state_.operands.get();
  const ValueType* const limit = operands + kMaximumLocals;
  const bool has_memory = !module_.memories.empty();

  // The operand stack is [operands, top), and of the innermost block [base, top).
  ValueType* top = operands;
  ValueType* base = operands;
  Frame* frames = state_.frames.get();
  Frame* frame = frames;
  Frame* frames_end = frames + state_.frame_capacity;
  size_t left = 0;  // bytes from the instruction to the end: says where it is
  *frame = {Opcode::block, false, base, {}, TypeList(function_type.results)};

  const auto place = [&] [[gnu::always_inline]] () {
    return Place{module_.functions[function_].body_offset + body_.size() - left, in.message(), in.failed_at()};
  };

  // Immediates.
  const auto number = [&]<auto kRead> [[gnu::always_inline]] () -> uint64_t {
    if (const uint8_t byte = in.peek(); byte < 0x80) [[likely]] {
      return in.u8();  // of a signed number the wrong value: nobody asks for it
    }
    Reader rest = in;
    const LongNumber number = read_long<kRead>(rest.bytes(rest.remaining()));
    if (number.length != 0) [[likely]] {
      in.skip(number.length);
      return number.value;
    }
    Reader failing = in;
    (failing.*kRead)();
    in = failing;
    return 0;
  };
  const auto u32 = [&] [[gnu::always_inline]] () -> uint32_t {
    return static_cast<uint32_t>(number.template operator()<&Reader::u32>());
  };
  const auto block_type = [&] [[gnu::always_inline]] (BlockType & type) -> bool {
    constexpr uint8_t kEmpty = 0x40;
    const uint8_t byte = in.peek();
    type = {};
    if (byte == kEmpty) {
      in.u8();
    } else if (is_value_type(byte)) {
      in.u8();
      type.results = TypeList(&kSingleTypes[byte], 1);
    } else if (byte >= 0x40 && byte < 0x80) {
      return bad_type(place(), byte);
    } else {
      Reader slow = in;
      const int64_t index = slow.s33();
      in = slow;
      if (index < 0 && in.ok()) {
        return fail(place(), ErrorKind::malformed, "malformed block type");
      }
      if (static_cast<uint64_t>(index) >= module_.types.size()) {
        return unknown(place(), "type", static_cast<uint32_t>(index));
      }
      const FunctionType& listed = *module_.types[static_cast<size_t>(index)];
      type = {TypeList(listed.parameters), TypeList(listed.results)};
    }
    return true;
  };

  // Operands.
  const auto pop = [&] [[gnu::always_inline]] (ValueType expected) -> bool {
    if (top != base && top[-1] == expected) [[likely]] {
      --top;
      return true;
    }
    ValueType* const popped = pop_slowly(top, limit, expected, *frame);
    if (popped == nullptr) [[unlikely]] {
      return mismatch(place(), TypeList(&kSingleTypes[static_cast<uint8_t>(expected)], 1), top, *frame);
    }
    top = popped;
    return true;
  };
  const auto pop_any = [&] [[gnu::always_inline]] (ValueType & type) -> bool {
    type = top != base ? top[-1] : ValueType::bottom;
    return pop(type);
  };
  const auto push = [&] [[gnu::always_inline]] (ValueType type) -> bool {
    if (top == limit) [[unlikely]] {
      return too_many_operands(place());
    }
    *top++ = type;
    return true;
  };
  // For an instruction that has popped an operand: there is room.
  const auto replace = [&] [[gnu::always_inline]] (ValueType type) { *top++ = type; };
  const auto pop_all = [&] [[gnu::always_inline]] (TypeList list) -> bool {
    for (uint32_t i = list.count; i != 0; --i) {
      if (!pop(list.types[i - 1])) [[unlikely]] {
        return false;
      }
    }
    return true;
  };
  const auto push_all = [&] [[gnu::always_inline]] (TypeList list) -> bool {
    if (list.count > static_cast<size_t>(limit - top)) [[unlikely]] {
      return too_many_operands(place());
    }
    for (uint32_t i = 0; i < list.count; ++i) {
      *top++ = list.types[i];
    }
    return true;
  };

  // Control.
  const auto open = [&] [[gnu::always_inline]] (Opcode kind, TypeList parameters, TypeList results) {
    if (++frame == frames_end) [[unlikely]] {
      const auto depth = frame - frames;
      state_.grow_frames();
      frames = state_.frames.get();
      frames_end = frames + state_.frame_capacity;
      frame = frames + depth;
    }
    base = top;
    *frame = {kind, false, base, parameters, results};
  };
  // Pops the results of the innermost block, which then must be empty.
  const auto close = [&] [[gnu::always_inline]] () -> bool {
    if (!pop_all(frame->results)) [[unlikely]] {
      return false;
    }
    if (top != base) [[unlikely]] {
      return mismatch(place(), TypeList(), top, *frame);
    }
    return true;
  };
  const auto leave = [&] [[gnu::always_inline]] () {
    --frame;
    base = frame->base;
  };
  const auto set_unreachable = [&] [[gnu::always_inline]] () {
    top = base;
    frame->is_unreachable = true;
  };
  const auto target = [&] [[gnu::always_inline]] (uint32_t depth, Frame*& result) -> bool {
    if (depth > static_cast<size_t>(frame - frames)) [[unlikely]] {
      return unknown(place(), "label", depth);
    }
    result = frame - depth;
    return true;
  };

  while (!in.at_end()) {
    left = in.remaining();
    const uint8_t byte = in.u8();
    const Step step = kSteps[byte];
    switch (static_cast<Opcode>(step.handler)) {
      case Opcode::nop:
        break;

      // Shapes.
      case kUnary:
        if (!pop(step.operand)) {
          return false;
        }
        replace(step.result);
        break;
      case kBinary:
        if (!pop(step.operand) || !pop(step.operand)) {
          return false;
        }
        replace(step.result);
        break;
      case kLoad:
      case kStore: {
        const uint32_t alignment = u32();
        u32();  // offset
        if (alignment > step.alignment) [[unlikely]] {
          return fail(place(), ErrorKind::invalid, "alignment must not be larger than natural");
        }
        if (!has_memory) [[unlikely]] {
          return unknown(place(), "memory", 0);
        }
        if (!pop(step.operand)) {
          return false;
        }
        if (step.result != ValueType::bottom) {
          replace(step.result);
        } else if (!pop(ValueType::i32)) {
          return false;
        }
        break;
      }
      case Opcode::i32_const:
        number.template operator()<&Reader::s32>();
        if (!push(ValueType::i32)) {
          return false;
        }
        break;
      case Opcode::i64_const:
        number.template operator()<&Reader::s64>();
        if (!push(ValueType::i64)) {
          return false;
        }
        break;
      case Opcode::f32_const:
        in.u32_fixed();
        if (!push(ValueType::f32)) {
          return false;
        }
        break;
      case Opcode::f64_const:
        in.u64_fixed();
        if (!push(ValueType::f64)) {
          return false;
        }
        break;

      // Variables.
      case Opcode::local_get: {
        const uint32_t index = u32();
        if (index >= local_count) [[unlikely]] {
          return unknown(place(), "local", index);
        }
        if (!push(locals[index])) {
          return false;
        }
        break;
      }
      case Opcode::local_set:
      case Opcode::local_tee: {
        const uint32_t index = u32();
        if (index >= local_count) [[unlikely]] {
          return unknown(place(), "local", index);
        }
        if (!pop(locals[index])) {
          return false;
        }
        if (step.handler == static_cast<uint8_t>(Opcode::local_tee)) {
          replace(locals[index]);
        }
        break;
      }
      case Opcode::global_get:
      case Opcode::global_set: {
        const uint32_t index = u32();
        if (index >= module_.globals.size()) [[unlikely]] {
          return unknown(place(), "global", index);
        }
        const GlobalType type = module_.globals[index].type;
        if (step.handler == static_cast<uint8_t>(Opcode::global_get)) {
          if (!push(type.type)) {
            return false;
          }
          break;
        }
        if (!type.is_mutable) [[unlikely]] {
          return fail(place(), ErrorKind::invalid, fmt::format("global is immutable: global.set of global {}", index));
        }
        if (facts_ != nullptr) {
          facts_->written_globals[index] = true;
        }
        if (!pop(type.type)) {
          return false;
        }
        break;
      }

      // Blocks.
      case Opcode::block:
      case Opcode::loop:
      case Opcode::try_:
      case Opcode::if_: {
        BlockType type;
        if (!block_type(type)) {
          return false;
        }
        const auto kind = static_cast<Opcode>(step.handler);
        if (kind == Opcode::if_ && !pop(ValueType::i32)) {
          return false;
        }
        if (!pop_all(type.parameters)) {
          return false;
        }
        open(kind, type.parameters, type.results);
        if (!push_all(type.parameters)) {
          return false;
        }
        break;
      }
      case Opcode::else_: {
        if (frame->kind != Opcode::if_) [[unlikely]] {
          return fail(place(), ErrorKind::malformed, "END opcode expected: else without an if");
        }
        if (!close()) {
          return false;
        }
        frame->kind = Opcode::else_;
        frame->is_unreachable = false;
        if (!push_all(frame->parameters)) {
          return false;
        }
        break;
      }
      case Opcode::end: {
        if (!close()) {
          return false;
        }
        const TypeList results = frame->results;
        if (frame->kind == Opcode::if_ && !equal(frame->parameters, results)) [[unlikely]] {
          return fail(place(), ErrorKind::invalid, "type mismatch: an if without else must give what it takes");
        }
        if (frame == frames) {
          if (!in.at_end()) [[unlikely]] {
            left = in.remaining();
            return fail(place(), ErrorKind::malformed,
                        "section size mismatch: END opcode expected: bytes left over after the function's end");
          }
          return true;
        }
        leave();
        if (!push_all(results)) {
          return false;
        }
        break;
      }

      // Legacy exception handling.
      case Opcode::catch_:
      case Opcode::catch_all: {
        const bool is_catch = step.handler == static_cast<uint8_t>(Opcode::catch_);
        const uint32_t tag = is_catch ? u32() : 0;
        if (frame->kind != Opcode::try_ && frame->kind != Opcode::catch_) [[unlikely]] {
          return fail(place(), ErrorKind::malformed, "END opcode expected: catch without a try");
        }
        if (is_catch && tag >= module_.tags.size()) [[unlikely]] {
          return unknown(place(), "tag", tag);
        }
        if (!close()) {
          return false;
        }
        frame->kind = static_cast<Opcode>(step.handler);
        frame->is_unreachable = false;
        if (is_catch && !push_all(TypeList(module_.types[module_.tags[tag].type]->parameters))) {
          return false;
        }
        break;
      }
      case Opcode::delegate: {
        const uint32_t depth = u32();
        if (frame->kind != Opcode::try_) [[unlikely]] {
          return fail(place(), ErrorKind::malformed, "END opcode expected: delegate without a try");
        }
        if (!close()) {
          return false;
        }
        const TypeList results = frame->results;
        leave();
        Frame* handler = nullptr;
        if (!target(depth, handler) || !push_all(results)) {
          return false;
        }
        break;
      }
      case Opcode::throw_: {
        const uint32_t tag = u32();
        if (tag >= module_.tags.size()) [[unlikely]] {
          return unknown(place(), "tag", tag);
        }
        if (!pop_all(TypeList(module_.types[module_.tags[tag].type]->parameters))) {
          return false;
        }
        set_unreachable();
        break;
      }
      case Opcode::rethrow: {
        Frame* handler = nullptr;
        if (!target(u32(), handler)) {
          return false;
        }
        if (handler->kind != Opcode::catch_ && handler->kind != Opcode::catch_all) [[unlikely]] {
          return fail(place(), ErrorKind::invalid, "invalid rethrow label: it is not that of a catch");
        }
        set_unreachable();
        break;
      }

      // Branches.
      case Opcode::unreachable:
        set_unreachable();
        break;
      case Opcode::br: {
        Frame* label = nullptr;
        if (!target(u32(), label) || !pop_all(label->label())) {
          return false;
        }
        set_unreachable();
        break;
      }
      case Opcode::br_if: {
        Frame* label = nullptr;
        if (!target(u32(), label) || !pop(ValueType::i32)) {
          return false;
        }
        const TypeList types = label->label();
        if (!pop_all(types) || !push_all(types)) {
          return false;
        }
        break;
      }
      case Opcode::br_table: {
        const uint32_t count = u32();
        if (count > in.remaining()) [[unlikely]] {  // every label has a byte at least
          return fail(place(), ErrorKind::malformed, "unexpected end of section or function: a br_table's labels");
        }
        if (count > kMaximumLabelTable) [[unlikely]] {
          return fail(place(), ErrorKind::limit,
                      fmt::format("a br_table of {} labels, at most {}", count, kMaximumLabelTable));
        }
        if (!pop(ValueType::i32)) {
          return false;
        }
        ValueType* const height = top;
        const Frame* previous = nullptr;
        uint32_t arity = 0;
        for (uint32_t i = 0; i <= count; ++i) {
          Frame* label = nullptr;
          if (!target(u32(), label)) {
            return false;
          }
          if (label == previous) {
            continue;
          }
          const TypeList types = label->label();
          if (previous != nullptr && types.count != arity) [[unlikely]] {
            return fail(place(), ErrorKind::invalid,
                        "type mismatch: br_table's labels take different numbers of values");
          }
          previous = label;
          arity = types.count;
          if (!pop_all(types)) {
            return false;
          }
          top = height;
        }
        set_unreachable();
        break;
      }
      case Opcode::return_:
        if (!pop_all(TypeList(function_type.results))) {
          return false;
        }
        set_unreachable();
        break;

      // Calls.
      case Opcode::call:
      case Opcode::return_call:
      case Opcode::call_indirect:
      case Opcode::return_call_indirect: {
        const FunctionType* type = nullptr;
        const uint32_t index = u32();
        if (step.handler == static_cast<uint8_t>(Opcode::call) ||
            step.handler == static_cast<uint8_t>(Opcode::return_call)) {
          if (index >= module_.functions.size()) [[unlikely]] {
            return unknown(place(), "function", index);
          }
          type = &module_.function_type(index);
        } else {
          const uint32_t table = u32();
          if (index >= module_.types.size()) [[unlikely]] {
            return unknown(place(), "type", index);
          }
          if (table >= module_.tables.size()) [[unlikely]] {
            return unknown(place(), "table", table);
          }
          if (module_.tables[table].type.element != ValueType::funcref) [[unlikely]] {
            return fail(place(), ErrorKind::invalid,
                        fmt::format("type mismatch: an indirect call needs a table of funcref, table {} is of {}",
                                    table, to_string(module_.tables[table].type.element)));
          }
          if (!pop(ValueType::i32)) {
            return false;
          }
          type = module_.types[index].get();
        }
        if (!pop_all(TypeList(type->parameters))) {
          return false;
        }
        if (step.handler == static_cast<uint8_t>(Opcode::call) ||
            step.handler == static_cast<uint8_t>(Opcode::call_indirect)) {
          if (!push_all(TypeList(type->results))) {
            return false;
          }
          break;
        }
        if (type->results != function_type.results) [[unlikely]] {
          return fail(place(), ErrorKind::invalid,
                      fmt::format("type mismatch: a tail call of {} in a function of type {}", to_string(*type),
                                  to_string(function_type)));
        }
        set_unreachable();
        break;
      }

      // Parametric instructions.
      case Opcode::drop: {
        ValueType type;
        if (!pop_any(type)) {
          return false;
        }
        break;
      }
      case Opcode::select: {
        ValueType second;
        ValueType first;
        if (!pop(ValueType::i32) || !pop_any(second) || !pop_any(first)) {
          return false;
        }
        if (is_reference(first) || is_reference(second)) [[unlikely]] {
          return fail(place(), ErrorKind::invalid, "type mismatch: select of references needs a type annotation");
        }
        if (first != second && first != ValueType::bottom && second != ValueType::bottom) [[unlikely]] {
          return fail(place(), ErrorKind::invalid,
                      fmt::format("type mismatch: select of [{}] and [{}]", to_string(first), to_string(second)));
        }
        replace(first == ValueType::bottom ? second : first);
        break;
      }
      case Opcode::select_typed: {
        const uint32_t count = u32();
        if (count != 1) [[unlikely]] {
          return fail(place(), ErrorKind::invalid,
                      "invalid result arity: select with a type annotation has one result");
        }
        const uint8_t type_byte = in.u8();
        if (!is_value_type(type_byte)) [[unlikely]] {
          return bad_type(place(), type_byte);
        }
        const auto type = static_cast<ValueType>(type_byte);
        if (!pop(ValueType::i32) || !pop(type) || !pop(type)) {
          return false;
        }
        replace(type);
        break;
      }

      // References and tables.
      case Opcode::ref_null: {
        const uint8_t type_byte = in.u8();
        const auto type = static_cast<ValueType>(type_byte);
        if (!is_reference(type)) [[unlikely]] {
          return bad_type(place(), type_byte);
        }
        if (!push(type)) {
          return false;
        }
        break;
      }
      case Opcode::ref_is_null: {
        ValueType type;
        if (!pop_any(type)) {
          return false;
        }
        if (type != ValueType::bottom && !is_reference(type)) [[unlikely]] {
          return fail(place(), ErrorKind::invalid,
                      fmt::format("type mismatch: expected a reference, found [{}]", to_string(type)));
        }
        replace(ValueType::i32);
        break;
      }
      case Opcode::ref_func: {
        const uint32_t index = u32();
        if (index >= module_.functions.size()) [[unlikely]] {
          return unknown(place(), "function", index);
        }
        if (!module_.declared_functions.contains(index)) [[unlikely]] {
          return fail(
              place(), ErrorKind::invalid,
              fmt::format("undeclared function reference: function {} is in no export, element segment or global",
                          index));
        }
        if (!push(ValueType::funcref)) {
          return false;
        }
        note_moved_reference();
        break;
      }
      case Opcode::table_get:
      case Opcode::table_set: {
        const uint32_t table = u32();
        if (table >= module_.tables.size()) [[unlikely]] {
          return unknown(place(), "table", table);
        }
        const ValueType element = module_.tables[table].type.element;
        note_moved_reference();
        if (step.handler == static_cast<uint8_t>(Opcode::table_set)) {
          if (!pop(element) || !pop(ValueType::i32)) {
            return false;
          }
          break;
        }
        if (!pop(ValueType::i32)) {
          return false;
        }
        replace(element);
        break;
      }

      case Opcode::memory_size:
      case Opcode::memory_grow:
        if (in.u8() != 0) [[unlikely]] {
          return fail(place(), ErrorKind::malformed,
                      "zero byte expected: multi-memory is not implemented by this build");
        }
        if (!has_memory) [[unlikely]] {
          return unknown(place(), "memory", 0);
        }
        if (step.handler == static_cast<uint8_t>(Opcode::memory_grow)) {
          if (!pop(ValueType::i32)) {
            return false;
          }
          replace(ValueType::i32);
        } else if (!push(ValueType::i32)) {
          return false;
        }
        break;

      default: {
        const std::span<const PrefixedStep> steps = prefixed_steps(byte);
        if (steps.empty()) [[unlikely]] {
          return bad_opcode(place(), byte);
        }
        const uint32_t code = u32();
        if (code >= steps.size() || !steps[code].exists) [[unlikely]] {
          return bad_opcode(place(), byte);
        }
        const PrefixedStep& prefixed = steps[code];
        Signature signature = prefixed.signature;

        // Immediates. Every index is checked here, whether the signature depends on it or not.
        const auto memory_zero = [&]() -> bool {
          if (in.u8() != 0) {
            return fail(place(), ErrorKind::malformed,
                        "zero byte expected: multi-memory is not implemented by this build");
          }
          return has_memory || unknown(place(), "memory", 0);
        };
        const auto known_data = [&](uint32_t index) -> bool {
          if (index >= module_.data.size()) {
            return unknown(place(), "data segment", index);
          }
          return module_.has_data_count || fail(place(), ErrorKind::malformed, "data count section required");
        };
        const auto known_element = [&](uint32_t index) -> bool {
          return index < module_.elements.size() || unknown(place(), "elem segment", index);
        };
        const auto known_table = [&](uint32_t index) -> bool {
          return index < module_.tables.size() || unknown(place(), "table", index);
        };
        // sandbox: code takes lanes from memory by their index.
        const auto known_lane = [&](uint32_t count) -> bool {
          if (count == 0) {
            return true;
          }
          const uint32_t lane = in.u8();
          return lane < count || fail(place(), ErrorKind::invalid,
                                      fmt::format("invalid lane index {}: {} has {} to choose from", lane,
                                                  row(prefixed.opcode).name, count));
        };
        switch (prefixed.immediate) {
          case Immediate::none:
            break;
          case Immediate::zero_byte:
            if (in.u8() != 0) [[unlikely]] {
              return fail(place(), ErrorKind::malformed, "zero byte expected");
            }
            break;
          case Immediate::memarg8:
          case Immediate::memarg16:
          case Immediate::memarg32:
          case Immediate::memarg64:
          case Immediate::memarg128:
          case Immediate::memarg8_lane:
          case Immediate::memarg16_lane:
          case Immediate::memarg32_lane:
          case Immediate::memarg64_lane: {
            const uint32_t alignment = u32();
            u32();  // offset
            if (byte == kVectorPrefix) {
              if (alignment > prefixed.alignment) [[unlikely]] {
                return fail(place(), ErrorKind::invalid, "alignment must not be larger than natural");
              }
            } else if (alignment != prefixed.alignment) [[unlikely]] {
              return fail(place(), ErrorKind::invalid,
                          alignment > prefixed.alignment
                              ? "atomic alignment must be natural: alignment must not be larger than natural"
                              : "atomic alignment must be natural");
            }
            if (!has_memory) [[unlikely]] {
              return unknown(place(), "memory", 0);
            }
            if (!known_lane(lane_count(prefixed.immediate))) {
              return false;
            }
            break;
          }
          case Immediate::v128:
            in.u64_fixed();
            in.u64_fixed();
            break;
          case Immediate::shuffle:
            for (int i = 0; i < 16; ++i) {
              if (!known_lane(32)) {
                return false;
              }
            }
            break;
          case Immediate::lane2:
          case Immediate::lane4:
          case Immediate::lane8:
          case Immediate::lane16:
            if (!known_lane(lane_count(prefixed.immediate))) {
              return false;
            }
            break;
          case Immediate::memory:
            if (!memory_zero()) {
              return false;
            }
            break;
          case Immediate::memory_memory:
            if (!memory_zero() || !memory_zero()) {
              return false;
            }
            break;
          case Immediate::data: {
            const uint32_t data = u32();
            if (!known_data(data)) {
              return false;
            }
            if (facts_ != nullptr) {
              facts_->dropped_data[data] = true;
            }
            break;
          }
          case Immediate::data_memory: {
            const uint32_t data = u32();
            if (!memory_zero() || !known_data(data)) {
              return false;
            }
            if (facts_ != nullptr) {
              facts_->copied_data[data] = true;
            }
            break;
          }
          case Immediate::element:
            if (!known_element(u32())) {
              return false;
            }
            break;
          case Immediate::element_table: {
            const uint32_t element = u32();
            const uint32_t table = u32();
            if (!known_table(table) || !known_element(element)) {
              return false;
            }
            if (module_.elements[element].type != module_.tables[table].type.element) [[unlikely]] {
              return fail(place(), ErrorKind::invalid,
                          fmt::format("type mismatch: table.init of a table of {} from a segment of {}",
                                      to_string(module_.tables[table].type.element),
                                      to_string(module_.elements[element].type)));
            }
            note_moved_reference();
            break;
          }
          case Immediate::table_table: {
            const uint32_t destination = u32();
            const uint32_t source = u32();
            if (!known_table(destination) || !known_table(source)) {
              return false;
            }
            if (module_.tables[destination].type.element != module_.tables[source].type.element) [[unlikely]] {
              return fail(place(), ErrorKind::invalid,
                          fmt::format("type mismatch: table.copy from a table of {} to one of {}",
                                      to_string(module_.tables[source].type.element),
                                      to_string(module_.tables[destination].type.element)));
            }
            note_moved_reference();
            break;
          }
          case Immediate::table: {
            const uint32_t table = u32();
            if (!known_table(table)) {
              return false;
            }
            const ValueType element = module_.tables[table].type.element;
            if (prefixed.opcode != Opcode::table_size) {
              note_moved_reference();
            }
            if (prefixed.opcode == Opcode::table_grow) {
              signature = {{element, ValueType::i32}, 2, ValueType::i32};
            } else if (prefixed.opcode == Opcode::table_fill) {
              signature = {{ValueType::i32, element, ValueType::i32}, 3, ValueType::bottom};
            }
            break;
          }
          default:
            return bad_opcode(place(), byte);  // no row has another kind
        }

        for (uint32_t i = signature.operand_count; i != 0; --i) {
          if (!pop(signature.operands[i - 1])) {
            return false;
          }
        }
        if (signature.result != ValueType::bottom && !push(signature.result)) {
          return false;
        }
        break;
      }
    }
  }
  left = 0;
  return fail(place(), ErrorKind::malformed, "unexpected end of section or function: END opcode expected");
}

// ---------------------------------------------------------------------------------------------------------------------
// Failures

struct Undecodable {
  const char* words;
  size_t at;
};

/// The first place where a body is not in the binary format, types apart. Only looked for when it is refused anyway.
std::optional<Undecodable> find_malformed(Bytes body, size_t origin) {
  Reader in(body, origin);
  const auto zero_byte = [&] {
    if (in.peek() != 0) {
      in.fail("zero byte expected");
    }
    in.u8();
  };
  for (uint32_t groups = in.u32(); groups != 0 && in.ok(); --groups) {
    in.u32();
    in.u8();
  }
  for (size_t depth = 1; depth != 0 && in.ok();) {
    const uint8_t byte = in.u8();
    const OpcodeRow* const found = find_row(byte, in);
    if (!in.ok()) {
      break;
    }
    if (found == nullptr) {
      return std::nullopt;  // where it ends is not known; what is invalid stands before it
    }
    switch (found->immediate) {
      case Immediate::none:
        depth -= found->opcode == Opcode::end ? 1 : 0;
        break;
      case Immediate::zero_byte:
      case Immediate::memory:
        zero_byte();
        break;
      case Immediate::memory_memory:
        zero_byte();
        zero_byte();
        break;
      case Immediate::block_type:
        in.s33();
        ++depth;
        break;
      case Immediate::label:
        in.u32();
        depth -= found->opcode == Opcode::delegate ? 1 : 0;
        break;
      case Immediate::function:
      case Immediate::local:
      case Immediate::global:
      case Immediate::table:
      case Immediate::tag:
      case Immediate::data:
      case Immediate::element:
        in.u32();
        break;
      case Immediate::memarg8:
      case Immediate::memarg16:
      case Immediate::memarg32:
      case Immediate::memarg64:
      case Immediate::memarg128:
      case Immediate::type_table:
      case Immediate::element_table:
      case Immediate::table_table:
        in.u32();
        in.u32();
        break;
      case Immediate::memarg8_lane:
      case Immediate::memarg16_lane:
      case Immediate::memarg32_lane:
      case Immediate::memarg64_lane:
        in.u32();
        in.u32();
        in.u8();
        break;
      case Immediate::data_memory:
        in.u32();
        zero_byte();
        break;
      case Immediate::label_table: {
        const uint32_t count = in.u32();
        for (uint64_t i = 0; i <= count && in.ok(); ++i) {
          in.u32();
        }
        break;
      }
      case Immediate::value_types:
        in.skip(in.u32());
        break;
      case Immediate::heap_type:
        in.u8();
        break;
      case Immediate::i32:
        in.s32();
        break;
      case Immediate::i64:
        in.s64();
        break;
      case Immediate::f32:
        in.u32_fixed();
        break;
      case Immediate::f64:
        in.u64_fixed();
        break;
      case Immediate::v128:
      case Immediate::shuffle:
        in.u64_fixed();
        in.u64_fixed();
        break;
      case Immediate::lane2:
      case Immediate::lane4:
      case Immediate::lane8:
      case Immediate::lane16:
        in.u8();
        break;
    }
  }
  if (!in.ok()) {
    return Undecodable{in.message(), in.failed_at()};
  }
  return std::nullopt;
}

bool BodyValidator::fail(Place place, ErrorKind kind, std::string_view words) {
  // What was read as zero because nothing could be read is not the failure; and a body that cannot be decoded is
  // malformed, whatever is invalid in it.
  if (place.read_failure != nullptr) {
    kind = ErrorKind::malformed;
    words = place.read_failure;
    place.at = place.read_failed_at;
  } else if (kind == ErrorKind::invalid) {
    if (const auto undecodable = find_malformed(body_, module_.functions[function_].body_offset)) {
      kind = ErrorKind::malformed;
      words = undecodable->words;
      place.at = undecodable->at;
    }
  }
  const std::string name = module_.function_name(function_);
  const std::string function =
      name == fmt::format("function[{}]", function_) ? std::string() : fmt::format(" \"{}\"", name);
  error_ = {kind,
            fmt::format("{}: function {}{} at offset {:#x}: {}", module_.name, function_, function, place.at, words)};
  return false;
}

bool BodyValidator::unknown(Place place, const char* what, uint32_t index) {
  return fail(place, ErrorKind::invalid, fmt::format("unknown {} {}: {}", what, index, instruction_at(place.at)));
}

bool BodyValidator::mismatch(Place place, TypeList expected, const ValueType* top, const Frame& frame) {
  if (frame.is_unreachable && top == frame.base) {  // not of the types, but of room: see pop_slowly
    return too_many_operands(place);
  }
  constexpr size_t kShown = 8;
  const auto list = [](const ValueType* begin, const ValueType* end) {
    std::string text;
    for (const ValueType* type = begin; type != end; ++type) {
      text += fmt::format("{}{}", type == begin ? "" : ", ", to_string(*type));
    }
    return text;
  };
  const auto height = static_cast<size_t>(top - frame.base);
  const size_t shown = std::min(height, expected.count == 0 ? kShown : 1);
  return fail(place, ErrorKind::invalid,
              fmt::format("type mismatch: expected [{}], found [{}{}] at {}",
                          list(expected.types, expected.types + expected.count),
                          expected.count == 0 && shown < height ? "..., " : "", list(top - shown, top),
                          instruction_at(place.at)));
}

bool BodyValidator::bad_type(Place place, uint8_t byte) {
  if (const char* const proposal = proposal_of_type(byte)) {
    return fail(
        place, ErrorKind::unsupported,
        fmt::format("type {:#04x} belongs to the {} proposal, which this build does not implement", byte, proposal));
  }
  return fail(place, ErrorKind::malformed, fmt::format("malformed value type {:#04x}", byte));
}

bool BodyValidator::bad_opcode(Place place, uint8_t byte) {
  if (const char* const proposal = proposal_of_opcode(byte)) {
    return fail(
        place, ErrorKind::unsupported,
        fmt::format("opcode {:#04x} belongs to the {} proposal, which this build does not implement", byte, proposal));
  }
  return fail(place, ErrorKind::malformed, fmt::format("illegal opcode {}", instruction_at(place.at)));
}

bool BodyValidator::too_many_operands(Place place) {
  return fail(place, ErrorKind::limit, fmt::format("too many operands on the stack: at most {}", kMaximumLocals));
}

/// The instruction's name, or its first byte when it has none.
std::string BodyValidator::instruction_at(size_t offset) const {
  Reader in(body_.subspan(offset - module_.functions[function_].body_offset));
  const uint8_t byte = in.u8();
  const OpcodeRow* const found = find_row(byte, in);
  return found != nullptr ? std::string(found->name) : fmt::format("{:#04x}", byte);
}

}  // namespace

Result<> validate_function(const Module& module, uint32_t function, Bytes body, BodyFacts* facts) {
  static thread_local State state;
  BodyValidator validator(module, function, body, state, facts);
  const bool is_valid = validator.run();
  state.trim();
  if (!is_valid) [[unlikely]] {
    return std::unexpected(validator.take_error());
  }
  return {};
}

}  // namespace tenon::wasm
