// Validation of function bodies: the table of instructions as a whole, then every rule that is not in the table.
#include "wasm/validate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/wasm/module_builder.h"

namespace tenon::wasm {
namespace {

using namespace testing;

constexpr auto i32 = ValueType::i32;
constexpr auto i64 = ValueType::i64;
constexpr auto f32 = ValueType::f32;
constexpr auto f64 = ValueType::f64;
constexpr auto v128 = ValueType::v128;
constexpr auto funcref = ValueType::funcref;
constexpr auto externref = ValueType::externref;
constexpr int kEmptyBlock = 0x40;

using Types = std::vector<ValueType>;

// What the functions under test find in their module. The type of the function under test is the last one.
enum : uint8_t { kNothing, kTakesI32, kGivesI32, kGivesTwo, kTakesTwoGivesTwo, kTakesFuncref, kTypeUnderTest };

ModuleBuilder environment(const Types& parameters, const Types& results) {
  ModuleBuilder builder;
  builder.type({}, {});
  builder.type({i32}, {});
  builder.type({}, {i32});
  builder.type({}, {i32, i64});
  builder.type({i32, i64}, {i64, i32});
  builder.type({funcref}, {});
  builder.type(parameters, results);
  builder.import_function("env", "nothing", kNothing);                     // function 0
  builder.import_function("env", "takes_i32", kTakesI32);                  // function 1
  builder.import_function("env", "gives_two", kGivesTwo);                  // function 2, declared by nobody
  builder.add(kTable, {0x70, 0, 1});                                       // table 0: funcref
  builder.add(kTable, {0x6f, 0, 1});                                       // table 1: externref
  builder.add(kTable, {0x6f, 0, 1});                                       // table 2: externref
  builder.add(kMemory, {0, 1});                                            // memory 0, not shared
  builder.add(kTag, {0, kTakesI32});                                       // tag 0
  builder.add(kGlobal, bytes(i32, 1, Opcode::i32_const, 0, Opcode::end));  // global 0, mutable
  builder.add(kGlobal, bytes(f64, 0, Opcode::f64_const, ByteVector(8), Opcode::end));
  builder.add(kElement, bytes(3, 0, 1, 0));       // segment 0: declares function 0
  builder.add(kElement, bytes(5, externref, 0));  // segment 1
  builder.content(kDataCount, {1});
  builder.add(kData, {1, 0});  // segment 0
  return builder;
}

struct Body {
  Types parameters;
  Types results;
  ByteVector code;
  ByteVector locals = {0x00};
};

Result<> validate(const Body& body) {
  ModuleBuilder builder = environment(body.parameters, body.results);
  builder.function(kTypeUnderTest, body.code, body.locals);
  auto result = decode_and_validate(base::FileBytes::own(builder.build()), "test.wasm");
  return result ? Result<>() : std::unexpected(result.error());
}

void expect_valid(const Body& body) {
  const auto result = validate(body);
  EXPECT_TRUE(result) << result.error().message;
}

void expect_error(const Body& body, ErrorKind kind, std::string_view words) {
  const auto result = validate(body);
  ASSERT_FALSE(result) << "accepted; expected: " << words;
  EXPECT_EQ(result.error().kind, kind) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  EXPECT_TRUE(result.error().message.starts_with("test.wasm: function 3 at offset 0x")) << result.error().message;
}

void expect_invalid(const Body& body, std::string_view words) {
  expect_error(body, ErrorKind::invalid, words);
}
void expect_mismatch(const Body& body) {
  expect_invalid(body, "type mismatch");
}

/// An instruction that gives one value of `type`.
ByteVector constant(ValueType type) {
  switch (type) {
    case i32:
      return bytes(Opcode::i32_const, 1);
    case i64:
      return bytes(Opcode::i64_const, 1);
    case f32:
      return bytes(Opcode::f32_const, ByteVector(4));
    case f64:
      return bytes(Opcode::f64_const, ByteVector(8));
    case v128:
      return bytes(Opcode::v128_const, ByteVector(16));
    default:
      return bytes(Opcode::ref_null, type);
  }
}

ByteVector block(Opcode opcode, const ByteVector& code) {
  return bytes(opcode, kEmptyBlock, code, Opcode::end);
}
ByteVector block(Opcode opcode, ValueType result, const ByteVector& code) {
  return bytes(opcode, result, code, Opcode::end);
}

// ---------------------------------------------------------------------------------------------------------------------
// The table

/// Immediates that are right in the environment.
ByteVector immediates(const OpcodeRow& row) {
  switch (row.immediate) {
    case Immediate::none:
      return {};
    case Immediate::memarg8:
      return {0, 0};
    case Immediate::memarg16:
      return {1, 0};
    case Immediate::memarg32:
      return {2, 0};
    case Immediate::memarg64:
      return {3, 0};
    case Immediate::memarg128:
      return {4, 0};
    case Immediate::memarg8_lane:
      return {0, 0, 15};
    case Immediate::memarg16_lane:
      return {1, 0, 7};
    case Immediate::memarg32_lane:
      return {2, 0, 3};
    case Immediate::memarg64_lane:
      return {3, 0, 1};
    case Immediate::lane2:
    case Immediate::lane4:
    case Immediate::lane8:
    case Immediate::lane16:
      return {static_cast<uint8_t>(lane_count(row.immediate) - 1)};
    case Immediate::v128:
      return ByteVector(16);
    case Immediate::shuffle:
      return ByteVector(16, 31);
    case Immediate::zero_byte:
    case Immediate::memory:
    case Immediate::data:
    case Immediate::element:
    case Immediate::table:
    case Immediate::i32:
    case Immediate::i64:
      return {0};
    case Immediate::memory_memory:
    case Immediate::data_memory:
      return {0, 0};
    case Immediate::element_table:
      return {0, 0};
    case Immediate::table_table:
      return {1, 2};
    case Immediate::f32:
      return ByteVector(4);
    case Immediate::f64:
      return ByteVector(8);
    default:
      ADD_FAILURE() << "no immediates for " << row.name;
      return {};
  }
}

ValueType type_of(char letter) {
  return letter == 'i' ? i32 : letter == 'I' ? i64 : letter == 'f' ? f32 : letter == 'F' ? f64 : v128;
}

TEST(Validate, EveryInstructionHasTheSignatureOfItsRow) {
  for (const OpcodeRow& row : kOpcodes) {
    if (row.signature == nullptr) {
      continue;
    }
    SCOPED_TRACE(row.name);
    const std::string_view signature = row.signature;
    const std::string_view operands = signature.substr(0, signature.find('_'));
    Types results;
    for (const char letter : signature.substr(operands.size() + 1)) {
      results.push_back(type_of(letter));
    }
    const ByteVector instruction = bytes(row.opcode, immediates(row));
    // `wrong` says which operand is of another type.
    const auto code = [&](size_t wrong) {
      ByteVector result;
      for (size_t i = 0; i < operands.size(); ++i) {
        const ValueType type = type_of(operands[i]);
        append(result, constant(i != wrong ? type : type == f32 ? i64 : f32));
      }
      return bytes(result, instruction);
    };
    expect_valid({{}, results, code(operands.size())});
    for (size_t i = 0; i < operands.size(); ++i) {
      expect_mismatch({{}, results, code(i)});
    }
    if (!operands.empty()) {
      expect_mismatch({{}, results, instruction});
      expect_valid({{}, results, bytes(Opcode::unreachable, instruction)});
    }
    if (!results.empty()) {
      expect_mismatch({{}, {results[0] == f32 ? i64 : f32}, code(operands.size())});
      expect_mismatch({{}, {}, code(operands.size())});
    }
  }
}

TEST(Validate, AlignmentIsAtMostNaturalAndOfAtomicsExactlyNatural) {
  for (const OpcodeRow& row : kOpcodes) {
    const ByteVector natural = row.immediate >= Immediate::memarg8 && row.immediate <= Immediate::memarg64_lane
                                   ? immediates(row)
                                   : ByteVector();
    if (natural.empty()) {
      continue;
    }
    SCOPED_TRACE(row.name);
    const bool is_atomic = row.prefix == 0xfe;
    const auto with_alignment = [&](int alignment) {
      ByteVector immediate = natural;
      immediate[0] = static_cast<uint8_t>(alignment);
      return Body{{}, {}, bytes(Opcode::unreachable, row.opcode, immediate, Opcode::unreachable)};
    };
    expect_valid(with_alignment(natural[0]));
    expect_invalid(with_alignment(natural[0] + 1), "alignment must not be larger than natural");
    if (natural[0] > 0 && is_atomic) {
      expect_invalid(with_alignment(natural[0] - 1), "atomic alignment must be natural");
    } else if (natural[0] > 0) {
      expect_valid(with_alignment(natural[0] - 1));
    }
  }
}

TEST(Validate, LanesAreThoseOfTheVector) {
  for (const OpcodeRow& row : kOpcodes) {
    if (row.immediate != Immediate::shuffle && lane_count(row.immediate) == 0) {
      continue;
    }
    SCOPED_TRACE(row.name);
    const auto with_lane = [&](int lane) {
      ByteVector immediate = immediates(row);
      immediate.back() = static_cast<uint8_t>(lane);
      return Body{{}, {}, bytes(Opcode::unreachable, row.opcode, immediate, Opcode::unreachable)};
    };
    const int count = row.immediate == Immediate::shuffle ? 32 : static_cast<int>(lane_count(row.immediate));
    expect_valid(with_lane(0));
    expect_valid(with_lane(count - 1));
    expect_invalid(with_lane(count),
                   fmt::format("invalid lane index {}: {} has {} to choose from", count, row.name, count));
    expect_invalid(with_lane(255), "invalid lane index 255");
  }
}

TEST(Validate, VectorsThatAreCutShortAreMalformed) {
  for (const Opcode opcode : {Opcode::v128_const, Opcode::i8x16_shuffle}) {
    expect_error({{}, {}, bytes(Opcode::unreachable, opcode, ByteVector(7))}, ErrorKind::malformed, "unexpected end");
  }
}

TEST(Validate, InstructionsOfOtherProposalsAreNamed) {
  expect_error({{}, {}, {0x1f, kEmptyBlock, 0}}, ErrorKind::unsupported, "exnref");
  expect_error({{}, {}, {0x0a}}, ErrorKind::unsupported, "exnref");
  expect_error({{}, {}, {0xfb, 0}}, ErrorKind::unsupported, "garbage collection");
  expect_error({{}, {}, {0x14, 0}}, ErrorKind::unsupported, "typed function references");
  expect_error({{}, {}, {0xd0, 0x6e}}, ErrorKind::unsupported, "garbage collection");
  expect_error({{}, {}, {0xff}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0x27}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0xfc, 0x12}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0xfd, 0x9a, 0x01}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0xfd, 0x94, 0x02}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0xfe, 0x04}}, ErrorKind::malformed, "illegal opcode");
  expect_error({{}, {}, {0xfe, 0x4f}}, ErrorKind::malformed, "illegal opcode");
}

// ---------------------------------------------------------------------------------------------------------------------
// The frame of a body

TEST(Validate, MessageNamesPlaceAndTypes) {
  ModuleBuilder builder = environment({}, {i32});
  const uint32_t function = builder.function(kTypeUnderTest, bytes(constant(i32), constant(i64), Opcode::i32_add));
  builder.add(kExport, bytes("foo", 0, static_cast<int>(function)));
  const ByteVector module = builder.build();
  const auto result = decode_and_validate(base::FileBytes::own(module), "dir/test.wasm");
  ASSERT_FALSE(result);
  const auto decoded = decode(base::FileBytes::own(module), "dir/test.wasm");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(result.error().message,
            fmt::format("dir/test.wasm: function 3 \"foo\" at offset {:#x}: type mismatch: expected [i32], found [i64] "
                        "at i32.add",
                        (*decoded)->functions[3].body_offset + 5));
}

TEST(Validate, BodiesEndWithTheirOwnEnd) {
  const auto with_body = [](const ByteVector& body) {
    return bytes(header(), section(kType, {1, 0x60, 0, 0}), section(kFunction, {1, 0}),
                 section(kCode, bytes(1, sized(body))));
  };
  const auto error = [&](const ByteVector& body) {
    const auto result = decode_and_validate(base::FileBytes::own(with_body(body)), "test.wasm");
    return result ? std::string("valid")
                  : fmt::format("{} {}", result.error().kind == ErrorKind::malformed, result.error().message);
  };
  EXPECT_EQ(error({0, 0x0b}), "valid");
  for (const ByteVector& body : std::vector<ByteVector>{
           {}, {0}, {0, 0x01}, {0, 0x02, 0x40, 0x0b}, {1}, {1, 1}, {0, 0x41}, {0, 0x43, 0, 0}, {0, 0x0c}}) {
    EXPECT_TRUE(error(body).starts_with("true ") && error(body).find("unexpected end") != std::string::npos)
        << error(body);
  }
  EXPECT_NE(error({0, 0x0b, 0x0b}).find("END opcode expected"), std::string::npos);
}

TEST(Validate, WhatCannotBeDecodedIsMalformedWhateverIsInvalidBeforeIt) {
  expect_error({{}, {}, bytes(Opcode::i32_add, Opcode::i32_const, ByteVector(6, 0x80))}, ErrorKind::malformed,
               "integer representation too long");
  expect_error({{}, {}, bytes(Opcode::i32_add, Opcode::block, kEmptyBlock)}, ErrorKind::malformed, "unexpected end");
  expect_mismatch({{}, {}, bytes(Opcode::i32_add, 0xff)});
}

TEST(Validate, NumbersAreOfTheirWidth) {
  const ByteVector longest = {0x80, 0x80, 0x80, 0x80, 0x00};
  expect_valid({{i32}, {}, bytes(Opcode::local_get, longest, Opcode::drop)});
  expect_error({{i32}, {}, bytes(Opcode::local_get, 0x80, 0x80, 0x80, 0x80, 0x10, Opcode::drop)}, ErrorKind::malformed,
               "integer too large");
  expect_error({{i32}, {}, bytes(Opcode::local_get, ByteVector(5, 0x80), 0, Opcode::drop)}, ErrorKind::malformed,
               "integer representation too long");
  expect_error({{}, {}, bytes(Opcode::i32_const, 0xff, 0xff, 0xff, 0xff, 0x0f, Opcode::drop)}, ErrorKind::malformed,
               "integer too large");
  expect_valid({{}, {}, bytes(Opcode::i64_const, ByteVector(9, 0xff), 0x7f, Opcode::drop)});
  expect_error({{}, {}, bytes(Opcode::i64_const, ByteVector(9, 0xff), 0x01, Opcode::drop)}, ErrorKind::malformed,
               "integer too large");
}

TEST(Validate, Locals) {
  const ByteVector groups = bytes(3, 2, i64, 0, f32, 1, funcref);
  expect_valid({{i32}, {funcref}, bytes(Opcode::local_get, 2, Opcode::local_set, 1, Opcode::local_get, 3), groups});
  expect_invalid({{i32}, {}, bytes(Opcode::local_get, 4, Opcode::drop), groups}, "unknown local 4");
  expect_mismatch({{i32}, {}, bytes(Opcode::local_get, 0, Opcode::local_set, 1), groups});
  expect_mismatch({{i32}, {}, bytes(Opcode::local_get, 0, Opcode::local_tee, 1, Opcode::drop), groups});
  expect_valid({{i32}, {i32}, bytes(Opcode::local_get, 0, Opcode::local_tee, 0)});
  expect_error({{}, {}, {}, {1, 1, 0x41}}, ErrorKind::malformed, "malformed value type");
  expect_valid({{}, {}, {}, bytes(1, unsigned_leb(kMaximumLocals), i32)});
  expect_error({{i32}, {}, {}, bytes(1, unsigned_leb(kMaximumLocals), i32)}, ErrorKind::limit, "too many locals");
  expect_error({{}, {}, {}, bytes(2, unsigned_leb(UINT32_MAX), i32, 1, i32)}, ErrorKind::malformed, "too many locals");
}

TEST(Validate, LocalsOfOneFunctionAreNotThoseOfTheNext) {
  ModuleBuilder builder = environment({}, {});
  builder.function(kTypeUnderTest, {}, bytes(1, 3, f64));
  builder.function(kTypeUnderTest, bytes(Opcode::local_get, 0, Opcode::drop));
  const auto result = decode_and_validate(base::FileBytes::own(builder.build()), "test.wasm");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("function 4"), std::string::npos);
}

TEST(Validate, OperandsHaveALimit) {
  const auto nested = [](size_t pushes, const ByteVector& last) {
    return Body{{}, {}, bytes(repeat(pushes, constant(i32)), last, Opcode::unreachable)};
  };
  expect_valid(nested(kMaximumLocals, {}));
  expect_error(nested(kMaximumLocals, constant(i32)), ErrorKind::limit, "too many operands");
  expect_error(nested(kMaximumLocals, bytes(Opcode::call, 2)), ErrorKind::limit, "too many operands");
  expect_error(nested(kMaximumLocals, bytes(Opcode::local_get, 0)), ErrorKind::invalid, "unknown local");
  // Unreachable code takes nothing and still gives.
  const ByteVector full = bytes(Opcode::unreachable, repeat(kMaximumLocals, constant(i32)));
  expect_valid({{}, {}, bytes(full, Opcode::i32_add, Opcode::unreachable)});
  expect_error({{},
                {},
                bytes(full, Opcode::block, kEmptyBlock, Opcode::unreachable, Opcode::i32_add, Opcode::drop, Opcode::end,
                      Opcode::unreachable)},
               ErrorKind::limit, "too many operands");
}

TEST(Validate, BlocksNestDeeply) {
  constexpr size_t kDepth = 100'000;
  expect_valid({{},
                {},
                bytes(repeat(kDepth, bytes(Opcode::block, kEmptyBlock)), bytes(Opcode::br, unsigned_leb(kDepth)),
                      repeat(kDepth, bytes(Opcode::end)))});
  expect_invalid({{},
                  {},
                  bytes(repeat(kDepth, bytes(Opcode::block, kEmptyBlock)), bytes(Opcode::br, unsigned_leb(kDepth + 1)),
                        repeat(kDepth, bytes(Opcode::end)))},
                 "unknown label");
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks

TEST(Validate, Blocks) {
  expect_valid({{}, {i32}, block(Opcode::block, i32, constant(i32))});
  expect_mismatch({{}, {i32}, block(Opcode::block, i32, {})});
  expect_mismatch({{}, {i32}, block(Opcode::block, i32, bytes(constant(i32), constant(i32)))});
  expect_mismatch({{}, {}, block(Opcode::block, constant(i32))});
  // A block does not reach the operands outside of it.
  expect_mismatch({{}, {i32}, bytes(constant(i32), block(Opcode::block, i32, bytes(Opcode::i32_eqz)))});
  // Multi-value: by type index, with parameters.
  const ByteVector both = bytes(constant(i32), constant(i64));
  expect_valid({{}, {i32, i64}, bytes(Opcode::block, kGivesTwo, both, Opcode::end)});
  const ByteVector swap = bytes(Opcode::local_set, 1, Opcode::local_set, 0, Opcode::local_get, 1, Opcode::local_get, 0);
  expect_valid({{i32, i64}, {i64, i32}, bytes(both, Opcode::block, kTakesTwoGivesTwo, swap, Opcode::end)});
  expect_mismatch({{}, {i64, i32}, bytes(constant(i64), constant(i32), Opcode::block, kTakesTwoGivesTwo, Opcode::end)});
  expect_invalid({{}, {}, bytes(Opcode::block, 7, Opcode::end)}, "unknown type 7");
  expect_error({{}, {}, bytes(Opcode::block, 0x41, Opcode::end)}, ErrorKind::malformed, "malformed value type");
}

TEST(Validate, Loops) {
  // A branch to a loop takes its parameters, not its results.
  expect_valid({{}, {}, block(Opcode::loop, bytes(Opcode::br, 0))});
  expect_valid({{}, {i32}, block(Opcode::loop, i32, bytes(constant(i32), Opcode::br_if, 0, constant(i32)))});
  const ByteVector both = bytes(constant(i32), constant(i64));
  expect_valid({{}, {i64, i32}, bytes(both, Opcode::loop, kTakesTwoGivesTwo, Opcode::br, 0, Opcode::end)});
  expect_mismatch(
      {{}, {i64, i32}, bytes(both, Opcode::loop, kTakesTwoGivesTwo, Opcode::drop, Opcode::br, 0, Opcode::end)});
}

TEST(Validate, Conditionals) {
  const auto conditional = [](const ByteVector& then, const ByteVector& otherwise) {
    return bytes(constant(i32), Opcode::if_, i32, then, Opcode::else_, otherwise, Opcode::end);
  };
  expect_valid({{}, {i32}, conditional(constant(i32), constant(i32))});
  expect_mismatch({{}, {i32}, conditional(constant(i64), constant(i32))});
  expect_mismatch({{}, {i32}, conditional(constant(i32), constant(i64))});
  expect_mismatch({{}, {i32}, conditional(constant(i32), {})});
  expect_valid({{}, {i32}, conditional(bytes(Opcode::unreachable), constant(i32))});
  expect_mismatch({{}, {i32}, conditional(bytes(Opcode::unreachable), {})});  // else is reachable again
  expect_mismatch({{}, {i32}, bytes(constant(i32), Opcode::if_, i32, constant(i32), Opcode::end)});
  expect_mismatch({{}, {}, bytes(constant(i64), Opcode::if_, kEmptyBlock, Opcode::end)});
  expect_error({{}, {}, bytes(Opcode::else_)}, ErrorKind::malformed, "else without an if");
  expect_error({{}, {i32}, bytes(conditional(constant(i32), bytes(constant(i32), Opcode::else_, constant(i32))))},
               ErrorKind::malformed, "else without an if");
}

TEST(Validate, Branches) {
  expect_valid({{}, {i32}, block(Opcode::block, i32, bytes(constant(i32), Opcode::br, 0))});
  expect_mismatch({{}, {i32}, block(Opcode::block, i32, bytes(Opcode::br, 0))});
  expect_valid({{}, {i32}, bytes(constant(i32), Opcode::br, 0)});
  expect_invalid({{}, {}, bytes(Opcode::br, 1)}, "unknown label 1");
  expect_valid({{}, {i32}, block(Opcode::block, i32, bytes(constant(i32), constant(i32), Opcode::br_if, 0))});
  expect_mismatch({{}, {i32}, block(Opcode::block, i32, bytes(constant(i32), constant(f32), Opcode::br_if, 0))});
  expect_mismatch({{}, {i32}, block(Opcode::block, i32, bytes(constant(f32), constant(i32), Opcode::br_if, 0))});
  // After br_if in unreachable code the label's types are known.
  expect_mismatch(
      {{},
       {},
       bytes(Opcode::block, i32, Opcode::unreachable, Opcode::br_if, 0, Opcode::i64_eqz, Opcode::end, Opcode::drop)});
  expect_valid({{}, {i32}, bytes(constant(i32), Opcode::return_)});
  expect_mismatch({{}, {i32}, bytes(constant(i64), Opcode::return_)});
}

TEST(Validate, BranchTables) {
  // The index is in front; labels: 0 the inner block, 1 the outer one, 2 the function.
  const auto table = [](const ByteVector& inner, const ByteVector& outer, const ByteVector& code) {
    return bytes(Opcode::block, outer, Opcode::block, inner, code, Opcode::end, Opcode::unreachable, Opcode::end,
                 Opcode::unreachable);
  };
  const ByteVector index = constant(i32);
  const ByteVector none = {kEmptyBlock};
  expect_valid({{}, {}, table(none, none, bytes(index, Opcode::br_table, 2, 0, 1, 2))});
  expect_valid({{}, {}, table(none, none, bytes(index, Opcode::br_table, 0, 2))});
  expect_invalid({{}, {}, table(none, none, bytes(index, Opcode::br_table, 2, 0, 3, 1))}, "unknown label 3");
  expect_invalid({{}, {}, table(none, none, bytes(index, Opcode::br_table, 1, 0, 3))}, "unknown label 3");
  expect_mismatch({{}, {}, table(none, none, bytes(constant(i64), Opcode::br_table, 0, 0))});
  expect_valid({{}, {}, table(bytes(i32), bytes(i32), bytes(constant(i32), index, Opcode::br_table, 1, 0, 1))});
  expect_mismatch({{}, {}, table(bytes(i32), none, bytes(constant(i32), index, Opcode::br_table, 1, 0, 1))});
  expect_mismatch({{}, {}, table(bytes(i32), bytes(i64), bytes(constant(i32), index, Opcode::br_table, 1, 0, 1))});
  // In unreachable code labels may disagree on types of operands that are not there, but not on their number.
  expect_valid({{}, {}, table(bytes(i32), bytes(i64), bytes(Opcode::unreachable, Opcode::br_table, 1, 0, 1))});
  expect_mismatch({{}, {}, table(bytes(i32), none, bytes(Opcode::unreachable, Opcode::br_table, 1, 0, 1))});
  expect_error({{}, {}, bytes(index, Opcode::br_table, unsigned_leb(UINT32_MAX), 0)}, ErrorKind::malformed,
               "unexpected end");
  expect_valid({{}, {}, bytes(index, Opcode::br_table, unsigned_leb(65'520), ByteVector(65'521))});
  expect_error({{}, {}, bytes(index, Opcode::br_table, unsigned_leb(65'521), ByteVector(65'522))}, ErrorKind::limit,
               "br_table");
}

TEST(Validate, UnreachableCode) {
  expect_valid({{}, {i32}, bytes(Opcode::unreachable)});
  expect_valid({{}, {i32}, bytes(Opcode::unreachable, Opcode::i32_add)});
  expect_valid({{}, {i32}, bytes(Opcode::unreachable, constant(i32), Opcode::i32_add)});
  expect_mismatch({{}, {i32}, bytes(Opcode::unreachable, constant(i64), Opcode::i32_add)});
  expect_mismatch({{}, {i32}, bytes(Opcode::unreachable, Opcode::i64_add)});
  expect_mismatch({{}, {}, bytes(Opcode::unreachable, constant(i32))});
  expect_valid({{}, {}, bytes(Opcode::unreachable, Opcode::drop, Opcode::drop)});
  expect_valid({{}, {i64}, bytes(Opcode::unreachable, Opcode::select)});
  expect_valid({{}, {i64}, bytes(Opcode::unreachable, constant(i64), constant(i32), Opcode::select)});
  expect_mismatch({{}, {i64}, bytes(Opcode::unreachable, constant(f32), constant(i32), Opcode::select)});
  // It ends with the block.
  expect_mismatch({{}, {i32}, bytes(block(Opcode::block, bytes(Opcode::unreachable)), Opcode::i32_eqz)});
}

// ---------------------------------------------------------------------------------------------------------------------
// Everything else that is not in the table

TEST(Validate, Calls) {
  expect_valid({{}, {}, bytes(Opcode::call, 0)});
  expect_valid({{}, {}, bytes(constant(i32), Opcode::call, 1)});
  expect_mismatch({{}, {}, bytes(constant(i64), Opcode::call, 1)});
  expect_mismatch({{}, {}, bytes(Opcode::call, 1)});
  expect_valid({{}, {i32, i64}, bytes(Opcode::call, 2)});
  expect_mismatch({{}, {i64, i32}, bytes(Opcode::call, 2)});
  expect_invalid({{}, {}, bytes(Opcode::call, 9)}, "unknown function 9");
}

TEST(Validate, IndirectCalls) {
  expect_valid({{}, {i32}, bytes(constant(i32), Opcode::call_indirect, kGivesI32, 0)});
  expect_valid({{}, {}, bytes(constant(i32), constant(i32), Opcode::call_indirect, kTakesI32, 0)});
  expect_mismatch({{}, {i32}, bytes(constant(i64), Opcode::call_indirect, kGivesI32, 0)});
  expect_mismatch({{}, {i32}, bytes(constant(i32), Opcode::call_indirect, kGivesI32, 1)});
  expect_invalid({{}, {}, bytes(constant(i32), Opcode::call_indirect, kNothing, 3)}, "unknown table 3");
  expect_invalid({{}, {}, bytes(constant(i32), Opcode::call_indirect, 7, 0)}, "unknown type 7");
}

TEST(Validate, TailCalls) {
  expect_valid({{}, {i32, i64}, bytes(Opcode::return_call, 2)});
  expect_mismatch({{}, {}, bytes(Opcode::return_call, 2)});
  expect_valid({{}, {}, bytes(constant(i32), Opcode::return_call, 1, constant(i32), Opcode::drop)});
  expect_mismatch({{}, {}, bytes(Opcode::return_call, 1)});
  expect_valid({{}, {i32}, bytes(constant(i32), Opcode::return_call_indirect, kGivesI32, 0)});
  expect_mismatch({{}, {i64}, bytes(constant(i32), Opcode::return_call_indirect, kGivesI32, 0)});
  expect_invalid({{}, {}, bytes(constant(i32), Opcode::return_call_indirect, kNothing, 3)}, "unknown table 3");
}

TEST(Validate, Globals) {
  expect_valid({{}, {i32}, bytes(constant(i32), Opcode::global_set, 0, Opcode::global_get, 0)});
  expect_valid({{}, {f64}, bytes(Opcode::global_get, 1)});
  expect_mismatch({{}, {}, bytes(constant(i64), Opcode::global_set, 0)});
  expect_invalid({{}, {}, bytes(constant(f64), Opcode::global_set, 1)}, "global is immutable");
  expect_invalid({{}, {}, bytes(Opcode::global_get, 2, Opcode::drop)}, "unknown global 2");
}

TEST(Validate, Select) {
  const auto select = [](ValueType first, ValueType second, const ByteVector& instruction) {
    return bytes(constant(first), constant(second), constant(i32), instruction);
  };
  expect_valid({{}, {f64}, select(f64, f64, bytes(Opcode::select))});
  expect_mismatch({{}, {f64}, select(f64, f32, bytes(Opcode::select))});
  expect_mismatch({{}, {funcref}, select(funcref, funcref, bytes(Opcode::select))});
  expect_valid({{}, {funcref}, select(funcref, funcref, bytes(Opcode::select_typed, 1, funcref))});
  expect_mismatch({{}, {funcref}, select(funcref, externref, bytes(Opcode::select_typed, 1, funcref))});
  expect_invalid({{}, {}, select(i32, i32, bytes(Opcode::select_typed, 0))}, "invalid result arity");
  expect_invalid({{}, {}, select(i32, i32, bytes(Opcode::select_typed, 2, i32, i32))}, "invalid result arity");
}

TEST(Validate, References) {
  expect_valid({{}, {externref}, constant(externref)});
  expect_mismatch({{}, {externref}, constant(funcref)});
  expect_valid({{}, {i32}, bytes(constant(funcref), Opcode::ref_is_null)});
  expect_mismatch({{}, {i32}, bytes(constant(i32), Opcode::ref_is_null)});
  expect_valid({{}, {i32}, bytes(Opcode::unreachable, Opcode::ref_is_null)});
  expect_valid({{}, {funcref}, bytes(Opcode::ref_func, 0)});
  expect_invalid({{}, {funcref}, bytes(Opcode::ref_func, 2)}, "undeclared function reference");
  expect_invalid({{}, {funcref}, bytes(Opcode::ref_func, 9)}, "unknown function 9");
  expect_error({{}, {}, bytes(Opcode::ref_null, i32, Opcode::drop)}, ErrorKind::malformed, "malformed value type");
}

TEST(Validate, Tables) {
  expect_valid({{}, {externref}, bytes(constant(i32), Opcode::table_get, 1)});
  expect_mismatch({{}, {funcref}, bytes(constant(i32), Opcode::table_get, 1)});
  expect_valid({{}, {}, bytes(constant(i32), constant(funcref), Opcode::table_set, 0)});
  expect_mismatch({{}, {}, bytes(constant(i32), constant(funcref), Opcode::table_set, 1)});
  expect_valid({{}, {i32}, bytes(constant(externref), constant(i32), Opcode::table_grow, 1)});
  expect_mismatch({{}, {i32}, bytes(constant(funcref), constant(i32), Opcode::table_grow, 1)});
  expect_valid({{}, {}, bytes(constant(i32), constant(externref), constant(i32), Opcode::table_fill, 1)});
  expect_mismatch({{}, {}, bytes(constant(i32), constant(funcref), constant(i32), Opcode::table_fill, 1)});
  const ByteVector three = repeat(3, constant(i32));
  expect_mismatch({{}, {}, bytes(three, Opcode::table_copy, 0, 1)});
  expect_mismatch({{}, {}, bytes(three, Opcode::table_init, 0, 1)});
  expect_valid({{}, {}, bytes(three, Opcode::table_init, 1, 1)});
  expect_invalid({{}, {}, bytes(three, Opcode::table_init, 2, 0)}, "unknown elem segment 2");
  expect_invalid({{}, {}, bytes(three, Opcode::table_copy, 0, 3)}, "unknown table 3");
  expect_invalid({{}, {}, bytes(Opcode::elem_drop, 2)}, "unknown elem segment 2");
  expect_invalid({{}, {i32}, bytes(Opcode::table_size, 3)}, "unknown table 3");
}

TEST(Validate, Memories) {
  const ByteVector three = repeat(3, constant(i32));
  expect_invalid({{}, {}, bytes(three, Opcode::memory_init, 1, 0)}, "unknown data segment 1");
  expect_invalid({{}, {}, bytes(Opcode::data_drop, 1)}, "unknown data segment 1");
  expect_error({{}, {i32}, bytes(Opcode::memory_size, 1)}, ErrorKind::malformed, "zero byte expected");
  expect_error({{}, {}, bytes(three, Opcode::memory_copy, 0, 1)}, ErrorKind::malformed, "zero byte expected");
  expect_error({{}, {}, bytes(three, Opcode::memory_init, 0, 1)}, ErrorKind::malformed, "zero byte expected");
  expect_error({{}, {}, bytes(Opcode::atomic_fence, 1)}, ErrorKind::malformed, "zero byte expected");
}

TEST(Validate, MemoryInstructionsNeedAMemory) {
  for (const OpcodeRow& row : kOpcodes) {
    const bool is_access = row.immediate >= Immediate::memarg8 && row.immediate <= Immediate::memarg64_lane;
    if (!is_access && row.immediate != Immediate::memory && row.immediate != Immediate::memory_memory &&
        row.immediate != Immediate::data_memory) {
      continue;
    }
    ModuleBuilder builder;
    const ByteVector code = bytes(Opcode::unreachable, row.opcode, immediates(row), Opcode::unreachable);
    builder.function(builder.type({}, {}), code);
    const auto result = decode_and_validate(base::FileBytes::own(builder.build()), "test.wasm");
    ASSERT_FALSE(result) << row.name;
    EXPECT_NE(result.error().message.find("unknown memory 0"), std::string::npos) << result.error().message;
  }
}

TEST(Validate, DataSegmentsNeedTheirCount) {
  for (const ByteVector& code : {bytes(Opcode::data_drop, 0), bytes(Opcode::unreachable, Opcode::memory_init, 0, 0)}) {
    ModuleBuilder builder;
    builder.add(kMemory, {0, 1});
    builder.add(kData, {1, 0});
    builder.function(builder.type({}, {}), code);
    const auto result = decode_and_validate(base::FileBytes::own(builder.build()), "test.wasm");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::malformed);
    EXPECT_NE(result.error().message.find("data count section required"), std::string::npos);
  }
}

TEST(Validate, LegacyExceptions) {
  const auto attempt = [](const ByteVector& body, const ByteVector& handlers) {
    return bytes(Opcode::try_, i32, body, handlers, Opcode::end);
  };
  const ByteVector one = constant(i32);
  expect_valid({{}, {i32}, attempt(one, {})});
  expect_valid({{}, {i32}, attempt(one, bytes(Opcode::catch_, 0))});  // the tag's value is the result
  expect_valid({{}, {i32}, attempt(one, bytes(Opcode::catch_, 0, Opcode::drop, one, Opcode::catch_all, one))});
  expect_mismatch({{}, {i32}, attempt(one, bytes(Opcode::catch_all))});
  expect_mismatch({{}, {i32}, attempt({}, bytes(Opcode::catch_all, one))});
  expect_mismatch({{}, {i32}, attempt(one, bytes(Opcode::catch_, 0, Opcode::drop))});
  expect_valid({{}, {i32}, attempt(bytes(one, Opcode::throw_, 0), bytes(Opcode::catch_all, one))});
  expect_mismatch({{}, {}, bytes(Opcode::throw_, 0)});
  expect_mismatch({{}, {}, bytes(constant(i64), Opcode::throw_, 0)});
  expect_invalid({{}, {}, bytes(one, Opcode::throw_, 1)}, "unknown tag 1");
  expect_invalid({{}, {i32}, attempt(one, bytes(Opcode::catch_, 1))}, "unknown tag 1");
  expect_error({{}, {i32}, attempt(one, bytes(Opcode::catch_all, one, Opcode::catch_, 0))}, ErrorKind::malformed,
               "catch without a try");
  expect_error({{}, {}, bytes(Opcode::catch_all)}, ErrorKind::malformed, "catch without a try");
  expect_error({{}, {}, block(Opcode::block, bytes(Opcode::catch_all))}, ErrorKind::malformed, "catch without a try");
}

TEST(Validate, Rethrow) {
  const auto handler = [](const ByteVector& code) {
    return bytes(Opcode::try_, kEmptyBlock, Opcode::catch_all, code, Opcode::end);
  };
  expect_valid({{}, {}, handler(bytes(Opcode::rethrow, 0))});
  expect_valid({{}, {}, handler(block(Opcode::block, bytes(Opcode::rethrow, 1)))});
  expect_invalid({{}, {}, handler(block(Opcode::block, bytes(Opcode::rethrow, 0)))}, "invalid rethrow label");
  expect_invalid({{}, {}, bytes(Opcode::rethrow, 0)}, "invalid rethrow label");
  expect_invalid({{}, {}, block(Opcode::try_, bytes(Opcode::rethrow, 0))}, "invalid rethrow label");
  expect_invalid({{}, {}, handler(bytes(Opcode::rethrow, 2))}, "unknown label 2");
}

TEST(Validate, Delegate) {
  const auto delegating = [](const ByteVector& code, int depth) {
    return bytes(Opcode::try_, i32, code, Opcode::delegate, depth);
  };
  expect_valid({{}, {i32}, delegating(constant(i32), 0)});  // to the caller
  expect_valid({{}, {i32}, block(Opcode::try_, i32, delegating(constant(i32), 1))});
  expect_invalid({{}, {i32}, delegating(constant(i32), 1)}, "unknown label 1");
  expect_mismatch({{}, {i32}, delegating({}, 0)});
  expect_error({{}, {}, bytes(Opcode::delegate, 0)}, ErrorKind::malformed, "delegate without a try");
  expect_error(
      {{}, {i32}, bytes(Opcode::try_, i32, constant(i32), Opcode::catch_all, constant(i32), Opcode::delegate, 0)},
      ErrorKind::malformed, "delegate without a try");
}

}  // namespace
}  // namespace tenon::wasm
