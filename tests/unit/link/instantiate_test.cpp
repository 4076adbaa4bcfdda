// Plain modules, linked by module name as the specification says.
#include <gtest/gtest.h>

#include "link/evaluate.h"
#include "link/program.h"
#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::bytes;
using testing::ByteVector;
using testing::signed_leb;
using testing::unsigned_leb;
using wasm::Opcode;
using wasm::ValueType;
using wasm::testing::ModuleBuilder;

class InstantiateTest : public ::testing::Test {
 protected:
  InstantiateTest() : program_(*Program::create(engine_, {})) {}

  Result<Dso*> instantiate(const ModuleBuilder& builder, const std::string& name = "module") {
    auto module = engine_.load(base::FileBytes::own(builder.build()), name);
    EXPECT_TRUE(module) << module.error().message;
    return program_->instantiate(*module, name);
  }
  Dso& make(const ModuleBuilder& builder, const std::string& name = "module") {
    auto dso = instantiate(builder, name);
    EXPECT_TRUE(dso) << dso.error().message;
    program_->register_instance(name, **dso);
    return **dso;
  }
  uint64_t global(Dso& dso, const char* name) {
    const auto found = program_->global(dso, name);
    EXPECT_TRUE(found);
    return found->cell->bits;
  }

  Engine engine_;
  std::unique_ptr<Program> program_;
};

ByteVector constant(int32_t value) {
  return bytes(Opcode::i32_const, signed_leb(value));
}

TEST_F(InstantiateTest, DataThatWouldNotFitBehindItsBaseIsRefused) {
  ModuleBuilder env;
  env.add(wasm::testing::kGlobal, bytes(ValueType::i32, 0, constant(-4096), Opcode::end));
  env.add(wasm::testing::kExport, bytes("__memory_base", 0x03, 0x00));
  make(env, "env");
  const auto library = [](uint32_t memory_size) {
    ModuleBuilder module;
    const ByteVector memory_info = bytes(unsigned_leb(memory_size), 0, 0, 0);
    module.front(wasm::testing::custom_section("dylink.0", bytes(1, wasm::testing::sized(memory_info))));
    module.add(wasm::testing::kImport, bytes("env", "__memory_base", 0x03, ValueType::i32, 0));
    return module;
  };
  EXPECT_TRUE(instantiate(library(4096)));
  const auto refused = instantiate(library(4097));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unlinkable);
}

TEST_F(InstantiateTest, EvaluatesConstantExpressions) {
  ModuleBuilder exporter;
  exporter.add(wasm::testing::kGlobal, bytes(ValueType::i32, 0, constant(40), Opcode::end));
  exporter.add(wasm::testing::kExport, bytes("forty", 0x03, 0x00));
  make(exporter, "m");

  ModuleBuilder module;
  module.add(wasm::testing::kImport, bytes("m", "forty", 0x03, ValueType::i32, 0));
  const ByteVector forty = bytes(Opcode::global_get, 0x00);
  const auto add = [&](const char* name, ValueType type, const ByteVector& expression) {
    const uint32_t index = 1 + module.add(wasm::testing::kGlobal, bytes(type, 0, expression, Opcode::end));
    module.add(wasm::testing::kExport, bytes(name, 0x03, unsigned_leb(index)));
  };
  add("imported", ValueType::i32, forty);
  add("sum", ValueType::i32, bytes(forty, constant(2), Opcode::i32_add));
  add("difference", ValueType::i32, bytes(constant(2), forty, Opcode::i32_sub));
  add("product", ValueType::i32, bytes(forty, forty, forty, Opcode::i32_mul, Opcode::i32_mul));
  add("wrapped", ValueType::i32, bytes(constant(INT32_MAX), constant(1), Opcode::i32_add));
  const auto wide = [](int64_t value) { return bytes(Opcode::i64_const, signed_leb(value)); };
  add("wide", ValueType::i64, bytes(wide(INT64_MAX), wide(1), Opcode::i64_add));
  add("wide_product", ValueType::i64, bytes(wide(-3), wide(int64_t{1} << 40), Opcode::i64_mul));
  add("wide_difference", ValueType::i64, bytes(wide(1), wide(2), Opcode::i64_sub));
  add("null", ValueType::funcref, bytes(Opcode::ref_null, ValueType::funcref));
  Dso& dso = make(module);
  EXPECT_EQ(global(dso, "imported"), 40);
  EXPECT_EQ(global(dso, "sum"), 42);
  EXPECT_EQ(static_cast<int32_t>(global(dso, "difference")), -38);
  EXPECT_EQ(global(dso, "product"), 64000);
  EXPECT_EQ(static_cast<int32_t>(global(dso, "wrapped")), INT32_MIN);
  EXPECT_EQ(static_cast<int64_t>(global(dso, "wide")), INT64_MIN);
  EXPECT_EQ(static_cast<int64_t>(global(dso, "wide_product")), -3 * (int64_t{1} << 40));
  EXPECT_EQ(global(dso, "wide_difference"), UINT64_MAX);
  EXPECT_EQ(global(dso, "null"), 0);
}

TEST_F(InstantiateTest, MutableGlobalsAreOneCell) {
  ModuleBuilder exporter;
  exporter.add(wasm::testing::kGlobal, bytes(ValueType::i32, 1, constant(1), Opcode::end));
  exporter.add(wasm::testing::kExport, bytes("g", 0x03, 0x00));
  Dso& first = make(exporter, "m");
  ModuleBuilder middle;
  middle.add(wasm::testing::kImport, bytes("m", "g", 0x03, ValueType::i32, 1));
  middle.add(wasm::testing::kExport, bytes("handed_on", 0x03, 0x00));
  make(middle, "n");
  ModuleBuilder last;
  const uint32_t type = last.type({}, {});
  last.add(wasm::testing::kImport, bytes("n", "handed_on", 0x03, ValueType::i32, 1));
  last.add(wasm::testing::kExport,
           bytes("set", 0x00, unsigned_leb(last.function(type, bytes(constant(5), Opcode::global_set, 0x00)))));
  Dso& user = make(last);
  ASSERT_TRUE(program_->call(user, "set", {}));
  EXPECT_EQ(global(first, "g"), 5);
}

TEST_F(InstantiateTest, ImportsMustMatch) {
  ModuleBuilder exporter;
  const uint32_t type = exporter.type({}, {});
  exporter.add(wasm::testing::kExport, bytes("f", 0x00, unsigned_leb(exporter.function(type, {}))));
  exporter.add(wasm::testing::kMemory, bytes(0x01, 0x01, 0x02));
  exporter.add(wasm::testing::kExport, bytes("mem", 0x02, 0x00));
  exporter.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x0a));
  exporter.add(wasm::testing::kExport, bytes("tab", 0x01, 0x00));
  exporter.add(wasm::testing::kGlobal, bytes(ValueType::i32, 0, constant(1), Opcode::end));
  exporter.add(wasm::testing::kExport, bytes("glob", 0x03, 0x00));
  make(exporter, "m");
  const auto outcome = [&](const ByteVector& import) {
    ModuleBuilder module;
    (void)module.type({}, {});
    (void)module.type({ValueType::i32}, {});
    module.add(wasm::testing::kImport, import);
    const auto dso = instantiate(module);
    if (dso) {
      return std::string("ok");
    }
    EXPECT_EQ(dso.error().kind, ErrorKind::unlinkable);
    return dso.error().message.contains("incompatible import type") ? std::string("incompatible")
           : dso.error().message.contains("unknown import")         ? std::string("unknown")
                                                                    : dso.error().message;
  };
  EXPECT_EQ(outcome(bytes("m", "f", 0x00, 0x00)), "ok");
  EXPECT_EQ(outcome(bytes("m", "f", 0x00, 0x01)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "g", 0x00, 0x00)), "unknown");
  EXPECT_EQ(outcome(bytes("n", "f", 0x00, 0x00)), "unknown");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x00, 0x00)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x02, 0x00, 0x01)), "ok");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x02, 0x01, 0x01, 0x02)), "ok");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x02, 0x01, 0x01, 0x01)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x02, 0x00, 0x02)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "mem", 0x02, 0x03, 0x01, 0x02)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "tab", 0x01, 0x70, 0x00, 0x0a)), "ok");
  EXPECT_EQ(outcome(bytes("m", "tab", 0x01, 0x70, 0x01, 0x0a, 0x0a)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "tab", 0x01, 0x6f, 0x00, 0x0a)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "glob", 0x03, ValueType::i32, 0)), "ok");
  EXPECT_EQ(outcome(bytes("m", "glob", 0x03, ValueType::i32, 1)), "incompatible");
  EXPECT_EQ(outcome(bytes("m", "glob", 0x03, ValueType::i64, 0)), "incompatible");
}

TEST_F(InstantiateTest, AModuleThatFailedStaysForThoseWhoHoldItsFunctions) {
  ModuleBuilder exporter;
  const uint32_t type = exporter.type({}, {ValueType::i32});
  exporter.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x02));
  exporter.add(wasm::testing::kExport, bytes("tab", 0x01, 0x00));
  exporter.add(wasm::testing::kExport,
               bytes("call", 0x00,
                     unsigned_leb(exporter.function(
                         type, bytes(constant(0), Opcode::call_indirect, unsigned_leb(type), 0x00)))));
  Dso& table = make(exporter, "m");

  ModuleBuilder module;
  const uint32_t gives = module.type({}, {ValueType::i32});
  module.add(wasm::testing::kImport, bytes("m", "tab", 0x01, 0x70, 0x00, 0x02));
  module.add(wasm::testing::kMemory, bytes(0x00, 0x00));
  const uint32_t function = module.function(gives, constant(77));
  module.add(wasm::testing::kElement, bytes(0x00, constant(0), Opcode::end, 0x01, unsigned_leb(function)));
  module.add(wasm::testing::kData, bytes(0x00, constant(0), Opcode::end, 0x01, 0x00));
  const auto failed = instantiate(module);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::trap);
  EXPECT_NE(failed.error().message.find("out of bounds memory access"), std::string::npos) << failed.error().message;
  const auto outcome = program_->call(table, "call", {});
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->kind, CallOutcome::Kind::returned);
  EXPECT_EQ(outcome->results[0].i32, 77);
}

TEST_F(InstantiateTest, AFailureBeforeThatLeavesNoNumberBehind) {
  ModuleBuilder wrong;
  wrong.add(wasm::testing::kImport, bytes("m", "glob", 0x03, ValueType::i32, 0));
  for (int i = 0; i < 20000; ++i) {
    ASSERT_FALSE(instantiate(wrong));
  }
  EXPECT_TRUE(instantiate(ModuleBuilder()));
}

TEST_F(InstantiateTest, CallsAreChecked) {
  ModuleBuilder module;
  const uint32_t type = module.type({ValueType::i32}, {});
  module.add(wasm::testing::kExport, bytes("f", 0x00, unsigned_leb(module.function(type, {}))));
  Dso& dso = make(module);
  EXPECT_FALSE(program_->call(dso, "g", {}));
  EXPECT_FALSE(program_->call(dso, "f", {}));
  const abi::Cell argument{.bits = 1};
  EXPECT_TRUE(program_->call(dso, "f", std::span(&argument, 1)));
  EXPECT_FALSE(program_->global(dso, "f"));
}

}  // namespace
}  // namespace tenon::link
