// The binary format and what is checked without looking at function bodies.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "unit/wasm/module_builder.h"

namespace tenon::wasm {
namespace {

using namespace testing;
using ModuleReference = std::shared_ptr<const Module>;

Result<ModuleReference> load(const ByteVector& module) {
  return decode_and_validate(base::FileBytes::own(module), "test.wasm");
}

ModuleReference expect_module(const ByteVector& module) {
  auto result = load(module);
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return std::make_shared<Module>();
  }
  return *result;
}

template <class T>
std::vector<T> list(const auto& table) {
  return {table.begin(), table.end()};
}

void expect_error(const ByteVector& module, ErrorKind kind, std::string_view words) {
  const auto result = load(module);
  ASSERT_FALSE(result) << "accepted; expected: " << words;
  EXPECT_EQ(result.error().kind, kind) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  EXPECT_TRUE(result.error().message.starts_with("test.wasm: ")) << result.error().message;
  EXPECT_NE(result.error().message.find(" at offset 0x"), std::string::npos) << result.error().message;
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos) << result.error().message;
}

ByteVector with_sections(std::initializer_list<ByteVector> sections) {
  ByteVector module = header();
  for (const ByteVector& section : sections) {
    append(module, section);
  }
  return module;
}

const ByteVector kEmptyTypes = section(kType, {0});

// ---------------------------------------------------------------------------------------------------------------------
// The frame: header and sections

TEST(Decode, HeaderAloneIsAModule) {
  const auto module = expect_module(header());
  EXPECT_TRUE(module->sections.empty());
  EXPECT_EQ(module->name, "test.wasm");
}

TEST(Decode, HeaderIsChecked) {
  expect_error({}, ErrorKind::malformed, "unexpected end");
  expect_error({0x00, 'a', 's'}, ErrorKind::malformed, "unexpected end");
  expect_error({'\x7f', 'E', 'L', 'F', 1, 0, 0, 0}, ErrorKind::malformed, "magic header not detected");
  expect_error({0x00, 'a', 's', 'm', 1, 0}, ErrorKind::malformed, "unexpected end");
  expect_error({0x00, 'a', 's', 'm', 2, 0, 0, 0}, ErrorKind::malformed, "unknown binary version");
  // A component has the same magic.
  expect_error({0x00, 'a', 's', 'm', 0x0d, 0, 1, 0}, ErrorKind::malformed, "0d 00 01 00");
}

TEST(Decode, SectionsAreRecordedWhereTheyStand) {
  const auto module = expect_module(with_sections({kEmptyTypes, custom_section("note", {1, 2, 3})}));
  ASSERT_EQ(module->sections.size(), 2U);
  EXPECT_EQ(module->sections[0].id, kType);
  EXPECT_EQ(module->sections[0].offset, 10U);
  EXPECT_EQ(module->sections[0].size, 1U);
  EXPECT_EQ(module->sections[1].id, kCustom);
  ASSERT_EQ(module->custom_sections.size(), 1U);
  EXPECT_EQ(module->custom_sections[0].name, "note");
  EXPECT_EQ(module->custom_sections[0].size, 3U);
  EXPECT_EQ(module->bytes()[module->custom_sections[0].offset], 1);
}

TEST(Decode, SectionOrderIsTheSpecifications) {
  const ByteVector note = custom_section("n", {});
  expect_module(with_sections({note, kEmptyTypes, note, section(kImport, {0}), section(kFunction, {0}),
                               section(kTable, {0}), section(kMemory, {0}), section(kTag, {0}), section(kGlobal, {0}),
                               section(kExport, {0}), section(kElement, {0}), section(kDataCount, {0}),
                               section(kCode, {0}), section(kData, {0}), note}));
  expect_error(with_sections({kEmptyTypes, kEmptyTypes}), ErrorKind::malformed,
               "unexpected content after last section");
  expect_error(with_sections({section(kImport, {0}), kEmptyTypes}), ErrorKind::malformed,
               "unexpected content after last section");
  expect_error(with_sections({section(kGlobal, {0}), section(kTag, {0})}), ErrorKind::malformed,
               "unexpected content after last section");
  expect_error(with_sections({section(kCode, {0}), section(kDataCount, {0})}), ErrorKind::malformed,
               "unexpected content after last section");
}

TEST(Decode, SectionFramesAreChecked) {
  expect_error(with_sections({section(14, {0})}), ErrorKind::malformed, "malformed section id 14");
  expect_error(with_sections({{kType}}), ErrorKind::malformed, "unexpected end");
  expect_error(with_sections({{kType, 2, 0}}), ErrorKind::malformed, "length out of bounds");
  expect_error(with_sections({section(kType, {0, 0})}), ErrorKind::malformed, "section size mismatch");
  expect_error(with_sections({section(kCode, {0, 0})}), ErrorKind::malformed, "section size mismatch");
  expect_error(with_sections({section(kData, {0, 0})}), ErrorKind::malformed, "section size mismatch");
  expect_error(with_sections({{kType, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0}}), ErrorKind::malformed,
               "integer representation too long");
}

TEST(Decode, NamesAreUtf8) {
  expect_error(with_sections({section(kCustom, {1, 0xff})}), ErrorKind::malformed, "malformed UTF-8 encoding");
  expect_error(with_sections({section(kCustom, {})}), ErrorKind::malformed, "unexpected end");
  ModuleBuilder builder;
  builder.type({}, {});
  builder.add(kImport, bytes(2, 0xc0, 0x80, "x", 0, 0));
  expect_error(builder.build(), ErrorKind::malformed, "malformed UTF-8 encoding");
}

TEST(Decode, CountsCannotAskForMoreThanTheBytesHold) {
  const ByteVector many = {0xff, 0xff, 0xff, 0xff, 0x0f};
  for (const uint8_t id : {kType, kImport, kFunction, kTable, kMemory, kTag, kGlobal, kExport, kElement, kData}) {
    expect_error(with_sections({section(id, many)}), ErrorKind::malformed, "unexpected end");
  }
  // The same inside: parameters of a type, elements of a segment.
  expect_error(with_sections({section(kType, bytes(1, 0x60, many))}), ErrorKind::malformed, "unexpected end");
  expect_error(with_sections({section(kElement, bytes(1, 1, 0, many))}), ErrorKind::malformed, "unexpected end");
}

TEST(Decode, LimitsOfTheEngine) {
  ModuleBuilder parameters;
  parameters.type(std::vector(1001, ValueType::i32), {});
  expect_error(parameters.build(), ErrorKind::limit, "parameters");
  ModuleBuilder results;
  results.type({}, std::vector(1001, ValueType::i32));
  expect_error(results.build(), ErrorKind::limit, "results");
  ModuleBuilder most;
  most.type(std::vector(1000, ValueType::i32), std::vector(1000, ValueType::i64));
  EXPECT_EQ(expect_module(most.build())->types[0]->parameters.size(), 1000U);
  expect_error(with_sections({section(kTable, bytes(unsigned_leb(100'001), repeat(100'001, {0x70, 0, 0})))}),
               ErrorKind::limit, "tables");
  expect_error(with_sections({section(kDataCount, unsigned_leb(100'001))}), ErrorKind::limit, "data segments");
  ModuleBuilder function;
  function.function(function.type({}, {}), ByteVector(7'654'321, 0x01));
  expect_error(function.build(), ErrorKind::limit, "function body");
}

// ---------------------------------------------------------------------------------------------------------------------
// Types

TEST(Decode, FunctionTypes) {
  ModuleBuilder builder;
  builder.type({ValueType::i32, ValueType::f64, ValueType::externref}, {ValueType::i64});
  builder.type({}, {ValueType::f32, ValueType::funcref});
  const auto module = expect_module(builder.build());
  ASSERT_EQ(module->types.size(), 2U);
  EXPECT_EQ(to_string(*module->types[0]), "(i32, f64, externref) -> i64");
  EXPECT_EQ(to_string(*module->types[1]), "() -> (f32, funcref)");
}

TEST(Decode, TypesOfOtherProposalsAreNamed) {
  const auto with_parameter = [](int byte) { return with_sections({section(kType, bytes(1, 0x60, 1, byte, 0))}); };
  expect_error(with_parameter(0x69), ErrorKind::unsupported, "exnref");
  expect_error(with_parameter(0x6e), ErrorKind::unsupported, "garbage collection");
  expect_error(with_parameter(0x64), ErrorKind::unsupported, "typed function references");
  expect_error(with_parameter(0x40), ErrorKind::malformed, "malformed value type");
  expect_error(with_sections({section(kType, {1, 0x5f, 0})}), ErrorKind::unsupported, "garbage collection");
  expect_error(with_sections({section(kType, {1, 0x61, 0, 0})}), ErrorKind::malformed, "malformed type form");
}

TEST(Intern, EqualTypesAreOneWhileTheyLive) {
  ModuleBuilder builder;
  builder.type({ValueType::i32}, {ValueType::externref, ValueType::i64});
  builder.type({ValueType::i32}, {ValueType::externref, ValueType::i64});
  builder.type({ValueType::i32, ValueType::externref}, {ValueType::i64});
  auto first = expect_module(builder.build());
  auto second = expect_module(builder.build());
  EXPECT_EQ(first->types[0], first->types[1]);
  EXPECT_EQ(first->types[0], second->types[0]);
  EXPECT_NE(first->types[0], first->types[2]);
  const std::weak_ptr<const FunctionType> observed = first->types[0];
  first.reset();
  EXPECT_FALSE(observed.expired());
  second.reset();
  EXPECT_TRUE(observed.expired());
  EXPECT_EQ(*intern({{ValueType::i32}, {}}), (FunctionType{{ValueType::i32}, {}}));
}

TEST(Intern, ThreadsSeeOneType) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 20'000; ++j) {
        const auto left = intern({{ValueType::f32}, {ValueType::f32}});
        const auto right = intern({{ValueType::f32}, {ValueType::f32}});
        ASSERT_EQ(left, right);
      }
    });
  }
  std::ranges::for_each(threads, &std::thread::join);
}

// ---------------------------------------------------------------------------------------------------------------------
// Imports and definitions

TEST(Decode, ImportsOfEveryKind) {
  ModuleBuilder builder;
  builder.type({ValueType::i32}, {});
  builder.add(kImport, bytes("env", "f", 0, 0));
  builder.add(kImport, bytes("env", "__indirect_function_table", 1, 0x70, 0, 2));
  builder.add(kImport, bytes("env", "memory", 2, 3, 1, 16));
  builder.add(kImport, bytes("GOT.mem", "x", 3, ValueType::i32, 1));
  builder.add(kImport, bytes("env", "__cpp_exception", 4, 0, 0));
  builder.add(kImport, bytes("env", "g", 0, 0));
  const auto module = expect_module(builder.build());
  ASSERT_EQ(module->imports.size(), 6U);
  EXPECT_EQ(module->imports[3].module, "GOT.mem");
  EXPECT_EQ(module->imports[3].name, "x");
  EXPECT_EQ(module->imports[3].kind, ExternKind::global);
  EXPECT_EQ(module->imports[3].index, 0U);
  EXPECT_EQ(module->imports[5].index, 1U);
  EXPECT_EQ(module->imported_functions, 2U);
  EXPECT_EQ(module->imported_tables, 1U);
  EXPECT_EQ(module->imported_memories, 1U);
  EXPECT_EQ(module->imported_globals, 1U);
  EXPECT_EQ(module->imported_tags, 1U);
  EXPECT_EQ(module->tables[0].type.limits, (Limits{2, std::nullopt}));
  EXPECT_EQ(module->memories[0].type.limits, (Limits{1, 16}));
  EXPECT_TRUE(module->memories[0].type.shared);
  EXPECT_TRUE(module->globals[0].type.is_mutable);
}

TEST(Decode, ImportsAreChecked) {
  const auto with_import = [](const ByteVector& description) {
    ModuleBuilder builder;
    builder.type({}, {ValueType::i32});
    builder.add(kImport, bytes("m", "n", description));
    return builder.build();
  };
  expect_error(with_import({5, 0}), ErrorKind::malformed, "malformed import kind");
  expect_error(with_import({0, 1}), ErrorKind::invalid, "unknown type 1");
  expect_error(with_import({1, 0x7f, 0, 0}), ErrorKind::malformed, "malformed reference type");
  expect_error(with_import({3, 0x7f, 2}), ErrorKind::malformed, "malformed mutability");
  expect_error(with_import({4, 1, 0}), ErrorKind::malformed, "malformed tag attribute");
  expect_error(with_import({4, 0, 0}), ErrorKind::invalid, "non-empty tag result type");
}

TEST(Decode, FunctionsAndBodiesGoTogether) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {});
  builder.import_function("env", "f", type);
  EXPECT_EQ(builder.function(type, {}), 1U);
  builder.function(type, bytes(Opcode::nop));
  const auto module = expect_module(builder.build());
  ASSERT_EQ(module->functions.size(), 3U);
  EXPECT_EQ(module->functions[1].body_size, 2U);
  EXPECT_EQ(module->functions[2].body_size, 3U);
  EXPECT_EQ(module->bytes()[module->functions[2].body_offset + 1], 0x01);
  EXPECT_EQ(module->function_type(1), FunctionType{});
  EXPECT_TRUE(module->is_imported_function(0));
  EXPECT_FALSE(module->is_imported_function(1));

  const ByteVector types = section(kType, {1, 0x60, 0, 0});
  const ByteVector declared = section(kFunction, {1, 0});
  constexpr auto kWords = "function and code section have inconsistent lengths";
  expect_error(with_sections({types, declared}), ErrorKind::malformed, kWords);
  expect_error(with_sections({types, declared, section(kCode, {0})}), ErrorKind::malformed, kWords);
  expect_error(with_sections({types, section(kCode, {1, 2, 0, 0x0b})}), ErrorKind::malformed, kWords);
  expect_error(with_sections({types, declared, section(kCode, {1, 3, 0, 0x0b})}), ErrorKind::malformed,
               "unexpected end");
  expect_error(with_sections({types, section(kFunction, {1, 1})}), ErrorKind::invalid, "unknown type 1");
}

TEST(Decode, DecodeAloneDoesNotLookAtBodies) {
  ModuleBuilder builder;
  builder.function(builder.type({}, {}), bytes(Opcode::i32_add));
  const ByteVector module = builder.build();
  EXPECT_TRUE(decode(base::FileBytes::own(module), "test.wasm"));
  expect_error(module, ErrorKind::invalid, "type mismatch");
}

TEST(Decode, Tables) {
  ModuleBuilder builder;
  builder.add(kTable, {0x70, 0, 3});
  builder.add(kTable, {0x6f, 1, 0, 5});
  const auto module = expect_module(builder.build());
  EXPECT_EQ(module->tables[1].type.element, ValueType::externref);
  EXPECT_EQ(module->tables[1].type.limits, (Limits{0, 5}));

  const auto with_table = [](const ByteVector& table) { return with_sections({section(kTable, bytes(1, table))}); };
  expect_module(with_table(bytes(0x70, 1, unsigned_leb(UINT32_MAX), unsigned_leb(UINT32_MAX))));
  expect_error(with_table({0x70, 1, 2, 1}), ErrorKind::invalid, "size minimum must not be greater than maximum");
  expect_error(with_table({0x70, 4, 0}), ErrorKind::unsupported, "memory64");
  expect_error(with_table({0x70, 3, 0, 1}), ErrorKind::malformed, "integer too large");
  expect_error(with_table({0x40, 0, 0x70, 0, 0}), ErrorKind::unsupported, "typed function references");
  expect_error(with_table({0x6e, 0, 0}), ErrorKind::unsupported, "garbage collection");
}

TEST(Decode, Memories) {
  const auto with_memory = [](const ByteVector& memory) { return with_sections({section(kMemory, bytes(1, memory))}); };
  const ByteVector most = unsigned_leb(65536);
  const ByteVector too_many = unsigned_leb(65537);
  EXPECT_EQ(expect_module(with_memory(bytes(1, most, most)))->memories[0].type.limits, (Limits{65536, 65536}));
  EXPECT_TRUE(expect_module(with_memory({3, 1, 1}))->memories[0].type.shared);
  expect_error(with_memory(bytes(0, too_many)), ErrorKind::invalid, "memory size must be at most 65536 pages (4GiB)");
  expect_error(with_memory(bytes(1, 0, too_many)), ErrorKind::invalid,
               "memory size must be at most 65536 pages (4GiB)");
  expect_error(with_memory({1, 2, 1}), ErrorKind::invalid, "size minimum must not be greater than maximum");
  expect_error(with_memory({2, 1}), ErrorKind::malformed, "shared memory must have maximum");
  expect_error(with_memory({4, 1}), ErrorKind::unsupported, "memory64");
  expect_error(with_memory({7, 1, 1}), ErrorKind::unsupported, "memory64");
  expect_error(with_memory({8, 1}), ErrorKind::malformed, "integer too large");
  expect_error(with_sections({section(kMemory, {2, 0, 0, 0, 0})}), ErrorKind::invalid, "multiple memories");
  ModuleBuilder imported;
  imported.add(kImport, bytes("env", "memory", 2, 0, 1));
  imported.add(kMemory, {0, 1});
  expect_error(imported.build(), ErrorKind::invalid, "multi-memory");
}

TEST(Decode, Tags) {
  ModuleBuilder builder;
  builder.type({ValueType::i32}, {});
  builder.type({}, {ValueType::i32});
  builder.add(kTag, {0, 0});
  EXPECT_EQ(expect_module(builder.build())->tags[0].type, 0U);
  builder.add(kTag, {0, 1});
  expect_error(builder.build(), ErrorKind::invalid, "non-empty tag result type");
}

// ---------------------------------------------------------------------------------------------------------------------
// Constant expressions

ByteVector with_global(ValueType type, const ByteVector& initial) {
  ModuleBuilder builder;
  builder.type({}, {});
  builder.import_function("env", "f", 0);
  builder.add(kImport, bytes("env", "__memory_base", 3, ValueType::i32, 0));
  builder.add(kImport, bytes("env", "__stack_pointer", 3, ValueType::i32, 1));
  builder.add(kGlobal, bytes(ValueType::i64, 0, Opcode::i64_const, 7, Opcode::end));
  builder.add(kGlobal, bytes(type, 0, initial, Opcode::end));
  return builder.build();
}

TEST(ConstantExpression, IsKeptAsInstructions) {
  // A copy: the expression lies in the module.
  const auto initial = [](ValueType type, const ByteVector& code) {
    const auto module = expect_module(with_global(type, code));
    const auto& expression = module->globals[3].initial;
    return std::vector(expression.begin(), expression.end());
  };
  auto expression = initial(ValueType::i32, bytes(Opcode::i32_const, signed_leb(-2)));
  ASSERT_EQ(expression.size(), 1U);
  EXPECT_EQ(expression[0].opcode, 0x41);
  EXPECT_EQ(expression[0].immediate, 0xfffffffeU);
  expression = initial(ValueType::i64, bytes(Opcode::i64_const, signed_leb(-2)));
  EXPECT_EQ(expression[0].immediate, ~uint64_t{1});
  expression = initial(ValueType::f32, bytes(Opcode::f32_const, 0, 0, 0xc0, 0x7f));
  EXPECT_EQ(expression[0].immediate, 0x7fc00000U);
  expression = initial(ValueType::f64, bytes(Opcode::f64_const, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(expression[0].immediate, 0x0807060504030201U);
  expression = initial(ValueType::funcref, bytes(Opcode::ref_func, 0));
  EXPECT_EQ(expression[0].opcode, 0xd2);
  expression = initial(ValueType::externref, bytes(Opcode::ref_null, ValueType::externref));
  EXPECT_EQ(expression[0].opcode, 0xd0);
  expression = initial(ValueType::i32, bytes(Opcode::global_get, 0, Opcode::i32_const, 8, Opcode::i32_add));
  ASSERT_EQ(expression.size(), 3U);
  EXPECT_EQ(expression[0].opcode, 0x23);
  EXPECT_EQ(expression[1].immediate, 8U);
  EXPECT_EQ(expression[2].opcode, 0x6a);
}

TEST(ConstantExpression, IsValidated) {
  const auto i32_one = bytes(Opcode::i32_const, 1);
  const auto i64_one = bytes(Opcode::i64_const, 1);
  const auto refuse = [](ValueType type, const ByteVector& code, ErrorKind kind, std::string_view words) {
    expect_error(with_global(type, code), kind, words);
  };
  refuse(ValueType::i32, {}, ErrorKind::invalid, "type mismatch");
  refuse(ValueType::i32, bytes(i32_one, i32_one), ErrorKind::invalid, "type mismatch");
  refuse(ValueType::i32, i64_one, ErrorKind::invalid, "type mismatch: expected [i32], found [i64]");
  refuse(ValueType::i32, bytes(i32_one, Opcode::i32_add), ErrorKind::invalid, "type mismatch");
  refuse(ValueType::i32, bytes(i32_one, i64_one, Opcode::i32_add), ErrorKind::invalid, "type mismatch");
  refuse(ValueType::i32, bytes(Opcode::global_get, 1), ErrorKind::invalid, "constant expression required");
  refuse(ValueType::i64, bytes(Opcode::global_get, 2), ErrorKind::invalid, "unknown global 2");
  refuse(ValueType::i32, bytes(Opcode::global_get, 9), ErrorKind::invalid, "unknown global 9");
  refuse(ValueType::funcref, bytes(Opcode::ref_func, 1), ErrorKind::invalid, "unknown function 1");
  refuse(ValueType::i32, bytes(i32_one, Opcode::i32_eqz), ErrorKind::invalid, "constant expression required");
  refuse(ValueType::i32, bytes(Opcode::nop, i32_one), ErrorKind::invalid, "constant expression required");
  refuse(ValueType::i32, bytes(0x06 + 0xf8), ErrorKind::invalid, "constant expression required");
  const auto vector = bytes(Opcode::v128_const, ByteVector(16));
  refuse(ValueType::i32, vector, ErrorKind::invalid, "type mismatch: expected [i32], found [v128]");
  refuse(ValueType::v128, i64_one, ErrorKind::invalid, "type mismatch: expected [v128], found [i64]");
  refuse(ValueType::v128, bytes(vector, vector), ErrorKind::invalid, "type mismatch");
  refuse(ValueType::v128, bytes(vector, Opcode::v128_not), ErrorKind::invalid, "constant expression required");
  refuse(ValueType::v128, bytes(i32_one, Opcode::i8x16_splat), ErrorKind::invalid, "constant expression required");
  refuse(ValueType::i32, bytes(0xfb, 0x00), ErrorKind::unsupported, "garbage collection");
  refuse(ValueType::i32, bytes(0xff), ErrorKind::malformed, "illegal opcode");
  expect_error(with_sections({section(kGlobal, bytes(1, ValueType::i32, 0, i32_one))}), ErrorKind::malformed,
               "unexpected end");
}

// ---------------------------------------------------------------------------------------------------------------------
// Exports and start

TEST(Decode, ExportsAreFoundByName) {
  ModuleBuilder builder;
  builder.function(builder.type({}, {}), {});
  builder.add(kMemory, {0, 1});
  builder.add(kExport, bytes("run", 0, 0));
  builder.add(kExport, bytes("memory", 2, 0));
  builder.add(kExport, bytes("", 0, 0));
  const auto module = expect_module(builder.build());
  ASSERT_NE(module->find_export("memory"), nullptr);
  EXPECT_EQ(module->find_export("memory")->kind, ExternKind::memory);
  EXPECT_EQ(module->find_export(""), &module->exports[2]);
  EXPECT_EQ(module->find_export("missing"), nullptr);
  EXPECT_TRUE(module->declared_functions.contains(0));
}

TEST(Decode, ExportsAreChecked) {
  const auto with_export = [](const ByteVector& entry) {
    ModuleBuilder builder;
    builder.function(builder.type({}, {}), {});
    builder.add(kExport, bytes("a", 0, 0));
    builder.add(kExport, entry);
    return builder.build();
  };
  expect_error(with_export(bytes("a", 0, 0)), ErrorKind::invalid, "duplicate export name \"a\"");
  expect_error(with_export(bytes("b", 0, 1)), ErrorKind::invalid, "unknown function 1");
  expect_error(with_export(bytes("b", 1, 0)), ErrorKind::invalid, "unknown table 0");
  expect_error(with_export(bytes("b", 2, 0)), ErrorKind::invalid, "unknown memory 0");
  expect_error(with_export(bytes("b", 3, 0)), ErrorKind::invalid, "unknown global 0");
  expect_error(with_export(bytes("b", 4, 0)), ErrorKind::invalid, "unknown tag 0");
  expect_error(with_export(bytes("b", 5, 0)), ErrorKind::malformed, "malformed export kind");
}

TEST(Decode, StartFunctionTakesAndGivesNothing) {
  ModuleBuilder builder;
  builder.function(builder.type({}, {}), {});
  builder.function(builder.type({ValueType::i32}, {}), {});
  builder.content(kStart, {0});
  EXPECT_EQ(expect_module(builder.build())->start, 0U);
  builder.content(kStart, {1});
  expect_error(builder.build(), ErrorKind::invalid, "start function");
  builder.content(kStart, {2});
  expect_error(builder.build(), ErrorKind::invalid, "unknown function 2");
}

// ---------------------------------------------------------------------------------------------------------------------
// Segments

ByteVector with_element(const ByteVector& segment) {
  ModuleBuilder builder;
  builder.type({}, {});
  builder.import_function("env", "f", 0);
  builder.add(kImport, bytes("env", "base", 3, ValueType::i32, 0));
  builder.add(kImport, bytes("env", "callback", 3, ValueType::funcref, 0));
  builder.function(0, {});
  builder.add(kTable, {0x70, 0, 4});
  builder.add(kTable, {0x6f, 0, 4});
  builder.add(kElement, segment);
  return builder.build();
}

TEST(Decode, ElementSegmentsOfEveryKind) {
  ModuleReference module;  // has what the last segment looks at
  const auto segment = [&](const ByteVector& bytes) {
    module = expect_module(with_element(bytes));
    return module->elements.empty() ? ElementSegment{} : module->elements[0];
  };
  const ByteVector at_base = bytes(Opcode::global_get, 0, Opcode::end);
  const ByteVector function_1 = bytes(Opcode::ref_func, 1, Opcode::end);
  const ByteVector null = bytes(Opcode::ref_null, ValueType::funcref, Opcode::end);
  using Functions = std::vector<uint32_t>;

  auto found = segment(bytes(0, at_base, 2, 0, 1));
  EXPECT_EQ(found.mode, SegmentMode::active);
  EXPECT_EQ(list<uint32_t>(found.functions), (Functions{0, 1}));
  EXPECT_EQ(found.offset.size(), 1U);
  found = segment(bytes(1, 0, 1, 1));
  EXPECT_EQ(found.mode, SegmentMode::passive);
  EXPECT_EQ(list<uint32_t>(found.functions), (Functions{1}));
  found = segment(bytes(2, 0, at_base, 0, 1, 1));
  EXPECT_EQ(found.mode, SegmentMode::active);
  found = segment(bytes(3, 0, 1, 1));
  EXPECT_EQ(found.mode, SegmentMode::declarative);
  found = segment(bytes(4, at_base, 2, function_1, null));
  EXPECT_EQ(list<uint32_t>(found.functions), (Functions{1, kNoIndex}));
  EXPECT_TRUE(found.expressions.empty());
  found = segment(bytes(5, ValueType::externref, 1, Opcode::ref_null, ValueType::externref, Opcode::end));
  EXPECT_EQ(found.mode, SegmentMode::passive);
  EXPECT_EQ(found.type, ValueType::externref);
  EXPECT_EQ(list<uint32_t>(found.functions), (Functions{kNoIndex}));
  found = segment(bytes(6, 1, at_base, ValueType::externref, 1, Opcode::ref_null, ValueType::externref, Opcode::end));
  EXPECT_EQ(found.table, 1U);
  found = segment(bytes(7, ValueType::funcref, 1, function_1));
  EXPECT_EQ(found.mode, SegmentMode::declarative);
  EXPECT_EQ(found.size(), 1U);
}

TEST(Decode, ElementsThatNeedExpressionsKeepThoseBeforeThem) {
  const auto module = expect_module(with_element(
      bytes(5, ValueType::funcref, 4, Opcode::ref_func, 1, Opcode::end, Opcode::ref_null, ValueType::funcref,
            Opcode::end, Opcode::global_get, 1, Opcode::end, Opcode::ref_func, 0, Opcode::end)));
  const ElementSegment& segment = module->elements[0];
  EXPECT_TRUE(segment.functions.empty());
  ASSERT_EQ(segment.expressions.size(), 4U);
  EXPECT_EQ(segment.size(), 4U);
  EXPECT_EQ(segment.expressions[0][0].opcode, 0xd2);
  EXPECT_EQ(segment.expressions[0][0].immediate, 1U);
  EXPECT_EQ(segment.expressions[1][0].opcode, 0xd0);
  EXPECT_EQ(segment.expressions[2][0].opcode, 0x23);
  EXPECT_EQ(segment.expressions[3][0].immediate, 0U);
}

TEST(Decode, ElementSegmentsAreChecked) {
  const ByteVector zero = bytes(Opcode::i32_const, 0, Opcode::end);
  expect_error(with_element(bytes(8)), ErrorKind::malformed, "malformed elements segment kind");
  expect_error(with_element(bytes(1, 1, 0)), ErrorKind::malformed, "malformed element kind");
  expect_error(with_element(bytes(2, 2, zero, 0, 0)), ErrorKind::invalid, "unknown table 2");
  expect_error(with_element(bytes(2, 1, zero, 0, 0)), ErrorKind::invalid, "type mismatch");
  expect_error(with_element(bytes(0, Opcode::i64_const, 0, Opcode::end, 0)), ErrorKind::invalid, "type mismatch");
  expect_error(with_element(bytes(0, zero, 1, 2)), ErrorKind::invalid, "unknown function 2");
  expect_error(with_element(bytes(5, ValueType::i32, 0)), ErrorKind::malformed, "malformed reference type");
  expect_error(with_element(bytes(5, ValueType::externref, 1, Opcode::ref_func, 0, Opcode::end)), ErrorKind::invalid,
               "type mismatch");
  ModuleBuilder no_table;
  no_table.add(kElement, bytes(0, zero, 0));
  expect_error(no_table.build(), ErrorKind::invalid, "unknown table 0");
}

TEST(Decode, DataSegments) {
  ModuleBuilder builder;
  builder.add(kMemory, {0, 1});
  builder.content(kDataCount, {3});
  builder.add(kData, bytes(0, Opcode::i32_const, 5, Opcode::end, 3, 'a', 'b', 'c'));
  builder.add(kData, bytes(1, 2, 'd', 'e'));
  builder.add(kData, bytes(2, 0, Opcode::i32_const, 9, Opcode::end, 0));
  const auto module = expect_module(builder.build());
  ASSERT_EQ(module->data.size(), 3U);
  EXPECT_TRUE(module->has_data_count);
  EXPECT_EQ(module->data[0].mode, SegmentMode::active);
  EXPECT_EQ(module->data[0].offset[0].immediate, 5U);
  EXPECT_EQ(module->data[1].mode, SegmentMode::passive);
  EXPECT_EQ(module->data[1].size, 2U);
  EXPECT_EQ(module->bytes()[module->data[1].bytes_offset], 'd');
  EXPECT_EQ(module->data[2].size, 0U);
}

TEST(Decode, DataSegmentsAreChecked) {
  const auto with_data = [](const ByteVector& segment, const ByteVector& count) {
    ModuleBuilder builder;
    builder.add(kMemory, {0, 1});
    if (!count.empty()) {
      builder.content(kDataCount, count);
    }
    if (!segment.empty()) {
      builder.add(kData, segment);
    }
    return builder.build();
  };
  const ByteVector zero = bytes(Opcode::i32_const, 0, Opcode::end);
  constexpr auto kCountWords = "data count and data section have inconsistent lengths";
  expect_error(with_data({1, 0}, {2}), ErrorKind::malformed, kCountWords);
  expect_error(with_data({1, 0}, {0}), ErrorKind::malformed, kCountWords);
  expect_error(with_data({}, {1}), ErrorKind::malformed, kCountWords);
  expect_module(with_data({}, {0}));
  expect_error(with_data({3, 0}, {}), ErrorKind::malformed, "malformed data segment kind");
  expect_error(with_data({1, 2, 'x'}, {}), ErrorKind::malformed, "unexpected end");
  expect_error(with_data(bytes(2, 1, zero, 0), {}), ErrorKind::invalid, "unknown memory 1");
  expect_error(with_data(bytes(0, Opcode::i64_const, 0, Opcode::end, 0), {}), ErrorKind::invalid, "type mismatch");
  expect_error(with_sections({section(kData, bytes(1, 0, zero, 0))}), ErrorKind::invalid, "unknown memory 0");
}

// ---------------------------------------------------------------------------------------------------------------------
// dylink.0

ByteVector subsection(int id, const ByteVector& content) {
  return bytes(id, sized(content));
}

TEST(Dylink, EverySubsection) {
  const ByteVector dylink =
      custom_section("dylink.0", bytes(subsection(1, bytes(unsigned_leb(1000), 4, 12, 1)), subsection(6, {0xff, 0xff}),
                                       subsection(2, bytes(2, "libc.so", "libm.so")),
                                       subsection(3, bytes(2, "errno", unsigned_leb(kSymbolTls), "weak", 1)),
                                       subsection(4, bytes(1, "env", "maybe", kSymbolBindingWeak | kSymbolUndefined)),
                                       subsection(5, bytes(1, "$ORIGIN/lib"))));
  const auto module = expect_module(with_sections({dylink, kEmptyTypes}));
  ASSERT_TRUE(module->dylink);
  EXPECT_EQ(module->dylink->memory_size, 1000U);
  EXPECT_EQ(module->dylink->memory_alignment, 4U);
  EXPECT_EQ(module->dylink->table_size, 12U);
  EXPECT_EQ(module->dylink->table_alignment, 1U);
  EXPECT_EQ(list<std::string>(module->dylink->needed), (std::vector<std::string>{"libc.so", "libm.so"}));
  EXPECT_EQ(module->dylink->flags_of_export(SymbolName("errno")), kSymbolTls);
  EXPECT_EQ(module->dylink->flags_of_export(SymbolName("weak")), kSymbolBindingWeak);
  EXPECT_EQ(module->dylink->flags_of_export(SymbolName("other")), 0U);
  ASSERT_EQ(module->dylink->import_flags.size(), 1U);
  EXPECT_EQ(module->dylink->import_flags[0].name, "maybe");
  EXPECT_EQ(module->dylink->import_flags[0].flags, 0x11U);
  EXPECT_EQ(list<std::string>(module->dylink->runtime_path), (std::vector<std::string>{"$ORIGIN/lib"}));
  EXPECT_EQ(module->custom_sections[0].name, "dylink.0");
  EXPECT_FALSE(expect_module(header())->dylink);
}

TEST(Dylink, MustBeTheFirstSection) {
  const ByteVector dylink = custom_section("dylink.0", {});
  expect_error(with_sections({kEmptyTypes, dylink}), ErrorKind::malformed, "dylink.0 must be the first section");
  expect_error(with_sections({dylink, dylink}), ErrorKind::malformed, "dylink.0 must be the first section");
  expect_error(with_sections({custom_section("name", {}), dylink}), ErrorKind::malformed,
               "dylink.0 must be the first section");
}

TEST(Dylink, IsChecked) {
  const auto refuse = [](const ByteVector& content, ErrorKind kind, std::string_view words) {
    expect_error(with_sections({custom_section("dylink.0", content)}), kind, words);
  };
  refuse({1}, ErrorKind::malformed, "unexpected end");
  refuse({1, 4, 0, 0}, ErrorKind::malformed, "unexpected end");
  refuse(subsection(1, {0, 0, 0}), ErrorKind::malformed, "unexpected end");
  refuse(subsection(1, {0, 0, 0, 0, 0}), ErrorKind::malformed, "section size mismatch");
  refuse(subsection(1, {0, 17, 0, 0}), ErrorKind::limit, "2^17");
  refuse(subsection(1, {0, 0, 0, 32}), ErrorKind::limit, "2^32");
  refuse(subsection(2, {0xff, 0xff, 0xff, 0xff, 0x0f}), ErrorKind::malformed, "unexpected end");
  refuse(subsection(2, {1, 1, 0xff}), ErrorKind::malformed, "malformed UTF-8 encoding");
}

// ---------------------------------------------------------------------------------------------------------------------
// Names of functions

TEST(FunctionName, ComesFromTheNameSectionThenExportsThenImports) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {});
  builder.import_function("env", "imported", type);
  builder.function(type, {});
  builder.function(type, {});
  builder.function(type, {});
  builder.add(kExport, bytes("exported", 0, 1));
  builder.add(kExport, bytes("also exported", 0, 2));
  builder.back(custom_section(
      "name", bytes(subsection(0, bytes("module")), subsection(1, bytes(2, 2, "named", 9, "no such function")))));
  const auto module = expect_module(builder.build());
  EXPECT_EQ(module->function_name(0), "imported");
  EXPECT_EQ(module->function_name(1), "exported");
  EXPECT_EQ(module->function_name(2), "named");
  EXPECT_EQ(module->function_name(3), "function[3]");
}

TEST(FunctionName, SurvivesGarbage) {
  const std::vector<ByteVector> sections = {
      {},
      {1},
      {1, 0x80},
      {1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f},
      {1, 0xff, 0xff, 0xff, 0xff, 0x0f},
      subsection(1, {1, 0, 100, 'x'}),
      subsection(1, {1, 0, 1, 0xff}),
      subsection(1, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80}),
  };
  for (const ByteVector& content : sections) {
    ModuleBuilder builder;
    builder.function(builder.type({}, {}), {});
    builder.back(custom_section("name", content));
    EXPECT_EQ(expect_module(builder.build())->function_name(0), "function[0]");
  }
}

TEST(FunctionName, CannotMoveTheCursor) {
  ModuleBuilder builder;
  builder.function(builder.type({}, {}), {});
  builder.add(kExport, bytes("a\x1b[2J\n", 0, 0));
  EXPECT_EQ(expect_module(builder.build())->function_name(0), "a\\x1b[2J\\x0a");
}

TEST(ExternKind, HasNames) {
  EXPECT_STREQ(to_string(ExternKind::function), "function");
  EXPECT_STREQ(to_string(ExternKind::tag), "tag");
}

// ---------------------------------------------------------------------------------------------------------------------
// Mapped files

class MappedModule : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tenon-decode-XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    ASSERT_GE(descriptor, 0);
    close(descriptor);
    path_ = pattern;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  base::FileBytes map(const ByteVector& module) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(module.data()), static_cast<std::streamsize>(module.size()));
    auto result = base::FileBytes::map(path_);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(base::FileBytes());
  }
  void truncate(size_t size) { std::filesystem::resize_file(path_, size); }

  std::string path_;
};

// Sections of more than one page each, and data whose headers do not fit in the decoder's first window.
ByteVector large_module() {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {});
  builder.add(kMemory, {0, 1});
  builder.front(custom_section("dylink.0", subsection(1, {8, 0, 0, 0})));
  builder.front(custom_section(std::string(300, 'n').c_str(), ByteVector(5000, 0xee)));
  for (int i = 0; i < 3000; ++i) {
    builder.function(type, repeat(50, bytes(Opcode::i32_const, 1, Opcode::drop)));
  }
  builder.add(kExport, bytes("last", 0, unsigned_leb(2999)));
  builder.add(kData, bytes(1, sized(ByteVector(20'000, 'a'))));
  builder.add(kData, bytes(0, Opcode::i32_const, 0, repeat(1000, bytes(Opcode::i32_const, 1, Opcode::i32_add)),
                           Opcode::end, sized(ByteVector(20'000, 'b'))));
  builder.add(kData, bytes(1, 1, 'c'));
  builder.back(custom_section("name", subsection(1, bytes(1, 0, "first"))));
  return builder.build();
}

TEST_F(MappedModule, IsTheSameAsOneInMemory) {
  const ByteVector bytes = large_module();
  const auto owned = expect_module(bytes);
  const auto result = decode_and_validate(map(bytes), "test.wasm");
  ASSERT_TRUE(result) << result.error().message;
  const Module& mapped = **result;
  EXPECT_TRUE(mapped.storage().is_mapped());
  EXPECT_EQ(mapped.sections.size(), owned->sections.size());
  EXPECT_EQ(mapped.custom_sections[1].name, std::string(300, 'n'));
  EXPECT_EQ(mapped.functions.size(), 3000U);
  ASSERT_EQ(mapped.data.size(), 3U);
  EXPECT_EQ(mapped.data[1].offset.size(), 2001U);
  for (size_t i = 0; i < mapped.data.size(); ++i) {
    EXPECT_EQ(mapped.data[i].bytes_offset, owned->data[i].bytes_offset);
  }
  EXPECT_EQ(mapped.bytes()[mapped.data[2].bytes_offset], 'c');
  EXPECT_EQ(mapped.function_name(0), "first");
}

TEST_F(MappedModule, ReportsTheSameErrors) {
  ByteVector bytes = large_module();
  const auto owned = expect_module(bytes);
  bytes[owned->functions[2500].body_offset + 1] = 0xff;
  const auto in_memory = load(bytes);
  const auto result = decode_and_validate(map(bytes), "test.wasm");
  ASSERT_FALSE(result);
  ASSERT_FALSE(in_memory);
  EXPECT_EQ(result.error().message, in_memory.error().message);
}

TEST_F(MappedModule, TruncationIsAnErrorOfTheModule) {
  const ByteVector bytes = large_module();
  const auto owned = expect_module(bytes);
  // Before every section, in the middle of code and of data: whatever is read next is gone.
  std::vector<size_t> sizes = {0, owned->functions[1500].body_offset, owned->data[1].bytes_offset + 10'000U};
  for (const Section& section : owned->sections) {
    sizes.push_back(section.offset);
  }
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (const size_t offset : sizes) {
    const base::FileBytes file = map(bytes);
    truncate(offset / page * page);  // the rest of a page that is cut could still be read
    const auto result = decode_and_validate(file, "test.wasm");
    ASSERT_FALSE(result) << offset;
    EXPECT_EQ(result.error().kind, ErrorKind::io) << offset << ": " << result.error().message;
    EXPECT_NE(result.error().message.find("truncated"), std::string::npos);
  }
}

TEST_F(MappedModule, TruncationAfterLoadingLeavesNamesAndTypes) {
  const base::FileBytes file = map(large_module());
  const auto result = decode_and_validate(file, "test.wasm");
  ASSERT_TRUE(result);
  truncate(0);
  EXPECT_EQ((*result)->function_name(2999), "last");
  EXPECT_EQ((*result)->function_name(0), "function[0]");
  EXPECT_NE((*result)->find_export("last"), nullptr);
}

}  // namespace
}  // namespace tenon::wasm
