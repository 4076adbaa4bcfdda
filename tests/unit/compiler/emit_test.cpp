// What must be so in the code that is emitted, whatever LLVM's passes make of it: what the convention of calls asks
// for, and what no test of a guest's results would see.
#include "compiler/emit.h"

#include <gtest/gtest.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <set>

#include "compiler/pipeline.h"
#include "compiler/target.h"
#include "unit/wasm/module_builder.h"

namespace tenon::compiler {
namespace {

using namespace wasm::testing;
using wasm::Opcode;
using wasm::ValueType;

constexpr auto kI32 = ValueType::i32;
constexpr auto kI64 = ValueType::i64;
constexpr auto kF32 = ValueType::f32;
constexpr auto kF64 = ValueType::f64;

constexpr int kNoBlockType = 0x40;

const char* triple(abi::Architecture architecture) {
  return architecture == abi::Architecture::aarch64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
}

/// A module's functions as LLVM has them after the passes of a level.
class Emitted {
 public:
  explicit Emitted(const ModuleBuilder& builder, EmitOptions options = {}, unsigned level = 2) {
    auto decoded = wasm::decode_and_validate(base::FileBytes::own(builder.build()), "test.wasm");
    if (!decoded) {
      ADD_FAILURE() << decoded.error().message;
      return;
    }
    module_ = *decoded;
    auto target = choose_target(triple(options.architecture), "generic");
    if (!target) {
      ADD_FAILURE() << target.error().message;
      return;
    }
    machine_ = make_machine(*target, level);
    plan_ = std::make_unique<ModulePlan>(*module_, options);
    code_ = std::make_unique<llvm::Module>("test", context_);
    code_->setTargetTriple(target->triple);
    code_->setDataLayout(machine_->createDataLayout());
    code_->setPICLevel(llvm::PICLevel::BigPIC);
    result_ =
        emit_functions(*code_, *plan_, module_->imported_functions, static_cast<uint32_t>(module_->functions.size()));
    if (result_) {
      std::string broken;
      llvm::raw_string_ostream stream(broken);
      EXPECT_FALSE(llvm::verifyModule(*code_, &stream)) << broken;
      optimize(*code_, *machine_, level);
    }
  }

  [[nodiscard]] const Result<>& result() const { return result_; }
  [[nodiscard]] const ModulePlan& plan() const { return *plan_; }
  [[nodiscard]] llvm::Module& code() { return *code_; }
  [[nodiscard]] llvm::Function& function(uint32_t index) { return *code_->getFunction(plan_->symbol(index)); }

  /// The instructions of one class in a function.
  template <class Instruction>
  [[nodiscard]] std::vector<Instruction*> all(uint32_t index) {
    std::vector<Instruction*> found;
    for (llvm::Instruction& instruction : llvm::instructions(function(index))) {
      if (auto* const wanted = llvm::dyn_cast<Instruction>(&instruction)) {
        found.push_back(wanted);
      }
    }
    return found;
  }
  [[nodiscard]] size_t count(uint32_t index, unsigned opcode) {
    size_t found = 0;
    for (const llvm::Instruction& instruction : llvm::instructions(function(index))) {
      found += instruction.getOpcode() == opcode ? 1 : 0;
    }
    return found;
  }
  [[nodiscard]] std::vector<llvm::LoadInst*> volatile_loads(uint32_t index) {
    std::vector<llvm::LoadInst*> found = all<llvm::LoadInst>(index);
    std::erase_if(found, [](const llvm::LoadInst* load) { return !load->isVolatile(); });
    return found;
  }

  /// Uses up the module.
  [[nodiscard]] std::string assembly() {
    llvm::SmallVector<char, 0> text;
    llvm::raw_svector_ostream stream(text);
    llvm::legacy::PassManager passes;
    EXPECT_FALSE(machine_->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile));
    passes.run(*code_);
    return std::string(text.data(), text.size());
  }
  [[nodiscard]] std::set<std::string> undefined_symbols() {
    auto object = generate_code(*code_, *machine_);
    EXPECT_TRUE(object);
    auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(
        llvm::MemoryBufferRef(llvm::StringRef(object->data(), object->size()), "object")));
    std::set<std::string> names;
    for (const llvm::object::SymbolRef& symbol : file->symbols()) {
      const llvm::StringRef name = llvm::cantFail(symbol.getName());
      if ((llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined) != 0 && !name.empty()) {
        names.insert(name.str());
      }
    }
    return names;
  }

 private:
  llvm::LLVMContext context_;
  std::shared_ptr<const wasm::Module> module_;
  std::unique_ptr<ModulePlan> plan_;
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<llvm::Module> code_;
  Result<> result_;
};

ModuleBuilder with_memory() {
  ModuleBuilder builder;
  builder.add(kMemory, {0x00, 0x01});
  return builder;
}

ByteVector load32() {
  return bytes(Opcode::i32_load, 2, 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory

TEST(Emit, AnAccessThatMayTrapIsNeverRemoved) {
  ModuleBuilder builder = with_memory();
  const uint32_t type = builder.type({kI32}, {});
  builder.function(type,
                   bytes(Opcode::local_get, 0, load32(), Opcode::drop, Opcode::local_get, 0, load32(), Opcode::drop));
  Emitted emitted(builder);
  const auto loads = emitted.volatile_loads(0);
  ASSERT_EQ(loads.size(), 2);
  EXPECT_EQ(loads[0]->getAlign(), llvm::Align(1));
  EXPECT_NE(loads[0]->getMetadata("tenon.access"), nullptr);
}

TEST(Emit, TheMemorysBaseIsLoadedOnce) {
  ModuleBuilder builder = with_memory();
  const uint32_t type = builder.type({kI32}, {kI32});
  builder.function(type, bytes(Opcode::local_get, 0, load32(), load32(), load32()));
  builder.function(type, bytes(Opcode::local_get, 0));
  Emitted emitted(builder, {}, 0);
  const auto bases = [&](uint32_t function) {
    return std::ranges::count_if(emitted.all<llvm::LoadInst>(function), [](const llvm::LoadInst* load) {
      return load->getMetadata("tenon.memory_base") != nullptr;
    });
  };
  EXPECT_EQ(bases(0), 1);
  EXPECT_EQ(bases(1), 0);  // it has no access
}

TEST(Emit, AnOffsetIntoTheModulesDataIsPartOfTheAccess) {
  constexpr uint32_t kSize = 4096;
  ModuleBuilder builder = with_memory();
  builder.front(custom_section("dylink.0", bytes(1, sized(bytes(unsigned_leb(kSize), 0, 0, 0)))));
  builder.add(kImport, bytes("env", "__memory_base", 0x03, kI32, 0));
  const uint32_t type = builder.type({}, {kI32});
  for (const uint32_t offset : {kSize - 1, kSize}) {
    builder.function(type, bytes(Opcode::global_get, 0, Opcode::i32_const, signed_leb(static_cast<int32_t>(offset)),
                                 Opcode::i32_add, load32()));
  }
  const std::string assembly = Emitted(builder).assembly();
  EXPECT_NE(assembly.find("\tmovl\t4095("), std::string::npos) << assembly;
  EXPECT_EQ(assembly.find("\tmovl\t4096("), std::string::npos) << "that sum may wrap around:\n" << assembly;
}

TEST(Emit, OnlyExplicitChecksCompare) {
  ModuleBuilder builder = with_memory();
  const uint32_t type = builder.type({kI32}, {kI32});
  builder.function(type, bytes(Opcode::local_get, 0, load32()));
  EXPECT_EQ(Emitted(builder).count(0, llvm::Instruction::ICmp), 0);
  Emitted checked(builder, {.code = {.checks = abi::BoundsChecks::explicit_checks}});
  EXPECT_EQ(checked.count(0, llvm::Instruction::ICmp), 1);
  EXPECT_EQ(checked.all<llvm::UnreachableInst>(0).size(), 1);
}

TEST(Emit, AtomicAccessesCheckTheirAlignmentOnly) {
  ModuleBuilder builder;
  builder.add(kMemory, {0x03, 0x01, 0x01});
  const uint32_t type = builder.type({kI32}, {kI64});
  builder.function(type, bytes(Opcode::local_get, 0, Opcode::i64_atomic_load, 3, 0));
  Emitted emitted(builder);
  const auto loads = emitted.volatile_loads(0);
  ASSERT_EQ(loads.size(), 1);
  EXPECT_EQ(loads[0]->getOrdering(), llvm::AtomicOrdering::SequentiallyConsistent);
  EXPECT_EQ(emitted.count(0, llvm::Instruction::ICmp), 1);
}

TEST(Emit, AGlobalIsWrittenWhereTheGuestWritesIt) {
  ModuleBuilder builder = with_memory();
  builder.add(kGlobal, bytes(kI32, 0x01, Opcode::i32_const, 0, Opcode::end));
  const uint32_t type = builder.type({kI32}, {});
  builder.function(type, bytes(Opcode::i32_const, 1, Opcode::global_set, 0, Opcode::local_get, 0, load32(),
                               Opcode::drop, Opcode::i32_const, 2, Opcode::global_set, 0));
  EXPECT_EQ(Emitted(builder).all<llvm::StoreInst>(0).size(), 2);
}

// ---------------------------------------------------------------------------------------------------------------------
// Calls

TEST(Emit, OnlyWhatWasOutsideOfATableIsComparedWithItsSizeOfNow) {
  ModuleBuilder builder;
  builder.add(kTable, bytes(ValueType::funcref, 0x00, 1));
  const uint32_t type = builder.type({kI32}, {});
  const ByteVector call = bytes(Opcode::local_get, 0, Opcode::local_get, 0, Opcode::call_indirect, 0, 0);
  builder.function(type, bytes(call, call));
  Emitted emitted(builder);
  const std::vector<llvm::LoadInst*> loads = emitted.all<llvm::LoadInst>(0);
  const auto count_of = [&](auto is_one) {
    return std::ranges::count_if(
        loads, [&](const llvm::LoadInst* load) { return load->getType()->isIntegerTy(64) && is_one(*load); });
  };
  EXPECT_EQ(count_of([](const llvm::LoadInst& load) { return load.isAtomic(); }), 2)
      << "the table may have grown during the first call";
  EXPECT_EQ(count_of([](const llvm::LoadInst& load) { return load.hasMetadata(llvm::LLVMContext::MD_invariant_load); }),
            1);
}

TEST(Emit, ACallThroughAnImportGivesItsSlot) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({kI32, kF64}, {kI64});
  const uint32_t imported = builder.import_function("env", "f", type);
  const uint32_t caller =
      builder.function(type, bytes(Opcode::local_get, 0, Opcode::local_get, 1, Opcode::call, unsigned_leb(imported)));
  Emitted emitted(builder);
  size_t found = 0;
  for (const llvm::CallInst* const call : emitted.all<llvm::CallInst>(caller)) {
    if (call->paramHasAttr(0, llvm::Attribute::Nest)) {
      ++found;
      EXPECT_EQ(call->arg_size(), 4);  // slot, instance, and the two
      EXPECT_TRUE(call->getType()->isIntegerTy(64));
      EXPECT_TRUE(llvm::isa<llvm::LoadInst>(call->getCalledOperand()));
      EXPECT_TRUE(llvm::isa<llvm::LoadInst>(call->getArgOperand(1)));
    }
  }
  EXPECT_EQ(found, 1);
}

TEST(Emit, ArgumentsAndResultsWithoutRegistersOverflow) {
  const std::vector<ValueType> many(7, kI32);
  for (const auto architecture : {abi::Architecture::x86_64, abi::Architecture::aarch64}) {
    ModuleBuilder builder;
    const uint32_t type = builder.type(many, {kI32, kI64, kF32});
    ByteVector arguments;
    for (int n = 0; n < 7; ++n) {
      append(arguments, bytes(Opcode::local_get, n));
    }
    const uint32_t recursive = builder.function(type, bytes(arguments, Opcode::call, 0));
    Emitted emitted(builder, {.architecture = architecture}, 0);
    const bool is_arm = architecture == abi::Architecture::aarch64;
    EXPECT_EQ(emitted.function(recursive).arg_size(), is_arm ? 8 : 6);
    EXPECT_TRUE(emitted.function(recursive).getReturnType()->isIntegerTy(32));
    // The parameters to their locals; two arguments before the call, if they have no register; two results.
    EXPECT_EQ(emitted.all<llvm::StoreInst>(recursive).size(), is_arm ? 7 + 2 : 7 + 2 + 2);
  }
}

TEST(Emit, ATailCallOfAnySignatureIsAJump) {
  for (const auto architecture : {abi::Architecture::x86_64, abi::Architecture::aarch64}) {
    ModuleBuilder builder;
    const uint32_t few = builder.type({}, {kF32});
    const uint32_t many = builder.type(std::vector<ValueType>(20, kI64), {kF32});
    const uint32_t last = builder.function(many, bytes(Opcode::f32_const, 0, 0, 0, 0));
    const uint32_t tail =
        builder.function(few, bytes(repeat(20, bytes(Opcode::i64_const, 1)), Opcode::return_call, unsigned_leb(last)));
    Emitted emitted(builder, {.architecture = architecture});
    const auto calls = emitted.all<llvm::CallInst>(tail);
    ASSERT_EQ(calls.size(), 1);
    EXPECT_TRUE(calls[0]->isMustTailCall());
    EXPECT_TRUE(emitted.function(tail).getArg(0)->hasNestAttr());
    const std::string text = emitted.assembly();
    const std::string jump =
        (architecture == abi::Architecture::aarch64 ? "b\t\"" : "jmp\t\"") + emitted.plan().symbol(last) + '"';
    EXPECT_NE(text.find(jump), std::string::npos) << text;
  }
}

TEST(Emit, ACallOfAFunctionWithTailCallsHasItsOwnType) {
  // Called before and after it is defined.
  ModuleBuilder builder;
  const uint32_t type = builder.type({kF32}, {kF32});
  const ByteVector caller = bytes(Opcode::local_get, 0, Opcode::call, 1);
  const uint32_t before = builder.function(type, caller);
  builder.function(type, bytes(Opcode::local_get, 0, Opcode::return_call, 1));
  const uint32_t after = builder.function(type, caller);
  Emitted emitted(builder);
  for (const uint32_t index : {before, after}) {
    size_t found = 0;
    for (const llvm::CallInst* const call : emitted.all<llvm::CallInst>(index)) {
      if (call->getCalledOperand() == &emitted.function(1)) {
        ++found;
        EXPECT_TRUE(call->getType()->isFloatTy());
        EXPECT_EQ(call->arg_size(), 2);
      }
    }
    EXPECT_EQ(found, 1);
  }
}

TEST(Emit, ARunawayRecursionKeepsItsFrames) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {});
  builder.function(type, bytes(Opcode::call, 0));
  Emitted emitted(builder);
  const std::string text = emitted.assembly();
  EXPECT_NE(text.find("callq\t\"function[0]\""), std::string::npos) << text;
}

// ---------------------------------------------------------------------------------------------------------------------
// The stack

bool reads_stack_pointer(Emitted& emitted, uint32_t function) {
  return std::ranges::any_of(emitted.all<llvm::IntrinsicInst>(function), [](const llvm::IntrinsicInst* call) {
    return call->getIntrinsicID() == llvm::Intrinsic::read_register;
  });
}

TEST(Emit, OnlyFunctionsThatCallCheckTheStack) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({kI32}, {kI32});
  const uint32_t traps = builder.function(type, bytes(Opcode::local_get, 0, Opcode::local_get, 0, Opcode::i32_div_u));
  const uint32_t calls = builder.function(type, bytes(Opcode::local_get, 0, Opcode::call, 0));
  Emitted emitted(builder);
  EXPECT_FALSE(reads_stack_pointer(emitted, traps));
  EXPECT_TRUE(reads_stack_pointer(emitted, calls));
  EXPECT_EQ(emitted.function(calls).getFnAttributeAsParsedInteger("tenon-frame"), abi::kUncheckedFrame);
}

TEST(Emit, AFunctionWithALargeFrameChecksForIt) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {kI32});
  builder.function(type, bytes(Opcode::local_get, 0), bytes(1, unsigned_leb(5000), kI32));
  Emitted emitted(builder);
  EXPECT_TRUE(reads_stack_pointer(emitted, 0));
  EXPECT_GE(emitted.function(0).getFnAttributeAsParsedInteger("tenon-frame"), 5000U * 8);
}

TEST(Emit, TheGuestsStackIsCheckedWhenAskedFor) {
  ModuleBuilder builder;
  builder.add(kImport, bytes("env", "__stack_pointer", 0x03, kI32, 0x01));
  const uint32_t type = builder.type({kI32}, {});
  builder.function(type, bytes(Opcode::local_get, 0, Opcode::global_set, 0));
  EXPECT_EQ(Emitted(builder).count(0, llvm::Instruction::ICmp), 0);
  EXPECT_EQ(Emitted(builder, {.code = {.check_stack = true}}).count(0, llvm::Instruction::ICmp), 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers

TEST(Emit, ArithmeticThatOnlyQuietsANaNIsDone) {
  const ByteVector one = bytes(Opcode::f32_const, 0x00, 0x00, 0x80, 0x3f);
  const ByteVector zero = bytes(Opcode::f32_const, 0x00, 0x00, 0x00, 0x00);
  const ByteVector minus_zero = bytes(Opcode::f32_const, 0x00, 0x00, 0x00, 0x80);
  const ByteVector a = bytes(Opcode::local_get, 0);
  const std::pair<ByteVector, unsigned> cases[] = {
      {bytes(a, one, Opcode::f32_mul), llvm::Instruction::FMul},
      {bytes(a, one, Opcode::f32_div), llvm::Instruction::FDiv},
      {bytes(a, zero, Opcode::f32_sub), llvm::Instruction::FSub},
      {bytes(minus_zero, a, Opcode::f32_sub), llvm::Instruction::FSub},
      {bytes(a, minus_zero, Opcode::f32_add), llvm::Instruction::FAdd},
      {bytes(one, Opcode::local_set, 1, a, Opcode::local_get, 1, Opcode::f32_mul), llvm::Instruction::FMul},
      // A local starts as zero.
      {bytes(a, Opcode::local_get, 1, Opcode::f32_sub), llvm::Instruction::FSub},
      {bytes(a, one, one, a, Opcode::i32_reinterpret_f32, Opcode::select, Opcode::f32_mul), llvm::Instruction::FMul},
      {bytes(a, Opcode::block, kF32, one, Opcode::end, Opcode::f32_mul), llvm::Instruction::FMul},
      {bytes(a, Opcode::f64_promote_f32, Opcode::f64_neg, Opcode::f32_demote_f64), llvm::Instruction::FPTrunc},
      {bytes(a, Opcode::f64_promote_f32, Opcode::local_tee, 2, Opcode::drop, Opcode::local_get, 2,
             Opcode::f32_demote_f64),
       llvm::Instruction::FPTrunc},
  };
  for (const auto& [code, opcode] : cases) {
    ModuleBuilder builder;
    builder.function(builder.type({kF32}, {kF32}), code, bytes(2, 1, kF32, 1, kF64));
    for (const unsigned level : {1U, 2U, 3U}) {
      EXPECT_EQ(Emitted(builder, {}, level).count(0, opcode), 1) << llvm::Instruction::getOpcodeName(opcode);
    }
  }
}

TEST(Emit, WhatHasNoInstructionIsAHelper) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({kF64}, {kF64});
  for (const Opcode opcode : {Opcode::f64_ceil, Opcode::f64_floor, Opcode::f64_trunc, Opcode::f64_nearest}) {
    builder.function(type, bytes(Opcode::local_get, 0, opcode));
  }
  Emitted emitted(builder, {.has_rounding = false});
  EXPECT_EQ(emitted.undefined_symbols(), std::set<std::string>());
}

TEST(Emit, NothingIsLeftUndefined) {
  for (const auto architecture : {abi::Architecture::x86_64, abi::Architecture::aarch64}) {
    ModuleBuilder builder = with_memory();
    const std::pair<ValueType, std::vector<Opcode>> unary[] = {
        {kI32, {Opcode::i32_clz, Opcode::i32_ctz, Opcode::i32_popcnt}},
        {kI64, {Opcode::i64_clz, Opcode::i64_ctz, Opcode::i64_popcnt}},
        {kF32, {Opcode::f32_sqrt, Opcode::f32_abs}},
        {kF64, {Opcode::f64_sqrt, Opcode::f64_abs}},
    };
    for (const auto& [type, opcodes] : unary) {
      for (const Opcode opcode : opcodes) {
        builder.function(builder.type({type}, {type}), bytes(Opcode::local_get, 0, opcode));
      }
    }
    const std::pair<ValueType, std::vector<Opcode>> binary[] = {
        {kI32, {Opcode::i32_div_s, Opcode::i32_rem_u, Opcode::i32_rotl}},
        {kI64, {Opcode::i64_div_u, Opcode::i64_rem_s, Opcode::i64_mul}},
        {kF32, {Opcode::f32_div, Opcode::f32_min, Opcode::f32_copysign}},
        {kF64, {Opcode::f64_div, Opcode::f64_max, Opcode::f64_copysign}},
    };
    for (const auto& [type, opcodes] : binary) {
      for (const Opcode opcode : opcodes) {
        builder.function(builder.type({type, type}, {type}), bytes(Opcode::local_get, 0, Opcode::local_get, 1, opcode));
      }
    }
    const std::tuple<ValueType, ValueType, Opcode> conversions[] = {
        {kF64, kI64, Opcode::i64_trunc_sat_f64_u}, {kF32, kI64, Opcode::i64_trunc_sat_f32_s},
        {kF64, kI64, Opcode::i64_trunc_f64_u},     {kI64, kF32, Opcode::f32_convert_i64_u},
        {kI64, kF64, Opcode::f64_convert_i64_u},
    };
    for (const auto& [from, to, opcode] : conversions) {
      builder.function(builder.type({from}, {to}), bytes(Opcode::local_get, 0, opcode));
    }
    // A loop that clears memory, which LLVM knows a function for.
    const uint32_t clear = builder.type({kI32, kI32}, {});
    builder.function(
        clear, bytes(Opcode::loop, kNoBlockType, Opcode::local_get, 0, Opcode::i32_const, 0, Opcode::i32_store8, 0, 0,
                     Opcode::local_get, 0, Opcode::i32_const, 1, Opcode::i32_add, Opcode::local_tee, 0,
                     Opcode::local_get, 1, Opcode::i32_ne, Opcode::br_if, 0, Opcode::end));
    Emitted emitted(builder, {.architecture = architecture}, 3);
    EXPECT_EQ(emitted.undefined_symbols(), std::set<std::string>());
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Exceptions

/// Function 0 is imported, so that it may throw; tag 0 has an i32.
ModuleBuilder with_tag() {
  ModuleBuilder builder;
  const uint32_t nothing = builder.type({}, {});
  builder.import_function("env", "f", nothing);
  builder.add(kTag, bytes(0x00, unsigned_leb(builder.type({kI32}, {}))));
  return builder;
}

TEST(Emit, ACallInATryHasALandingPad) {
  ModuleBuilder builder = with_tag();
  const uint32_t caller = builder.function(0, bytes(Opcode::call, 0, Opcode::try_, kNoBlockType, Opcode::call, 0,
                                                    Opcode::catch_, 0, Opcode::drop, Opcode::call, 0, Opcode::end));
  Emitted emitted(builder);
  EXPECT_EQ(emitted.all<llvm::InvokeInst>(caller).size(), 1);
  EXPECT_EQ(emitted.all<llvm::LandingPadInst>(caller).size(), 1);
  ASSERT_TRUE(emitted.function(caller).hasPersonalityFn());
  EXPECT_EQ(emitted.function(caller).getPersonalityFn()->getName(), "__gxx_personality_v0");
  EXPECT_EQ(emitted.undefined_symbols(), std::set<std::string>{"__gxx_personality_v0"});
}

TEST(Emit, ATryWhoseBodyThrowsNothingIsNoTry) {
  ModuleBuilder builder = with_tag();
  const uint32_t function = builder.function(
      0, bytes(Opcode::try_, kNoBlockType, Opcode::nop, Opcode::catch_all, Opcode::call, 0, Opcode::end));
  Emitted emitted(builder);
  EXPECT_FALSE(emitted.function(function).hasPersonalityFn());
  EXPECT_TRUE(emitted.all<llvm::CallInst>(function).empty());
}

TEST(Emit, DelegatingToTheCallerPassesByTheTriesAround) {
  ModuleBuilder builder = with_tag();
  const uint32_t function = builder.function(
      0, bytes(Opcode::try_, kNoBlockType,                                        //
               Opcode::try_, kNoBlockType, Opcode::call, 0, Opcode::delegate, 1,  // not the try, but what is around it
               Opcode::catch_all, Opcode::end));
  Emitted emitted(builder);
  EXPECT_EQ(emitted.all<llvm::InvokeInst>(function).size(), 1);
  size_t thrown = 0;
  for (const llvm::CallInst* const call : emitted.all<llvm::CallInst>(function)) {
    thrown += call->hasFnAttr(llvm::Attribute::NoReturn) && !call->hasFnAttr(llvm::Attribute::NoUnwind) ? 1 : 0;
  }
  EXPECT_EQ(thrown, 1);
}

TEST(Emit, ANestedTryGoesOnAtTheNextWithoutThrowing) {
  ModuleBuilder builder = with_tag();
  const uint32_t function = builder.function(
      0, bytes(Opcode::try_, kNoBlockType,                                                                 //
               Opcode::try_, kNoBlockType, Opcode::call, 0, Opcode::catch_, 0, Opcode::drop, Opcode::end,  //
               Opcode::catch_all, Opcode::end));
  Emitted emitted(builder);
  for (const llvm::CallInst* const call : emitted.all<llvm::CallInst>(function)) {
    EXPECT_TRUE(!call->hasFnAttr(llvm::Attribute::NoReturn) || call->hasFnAttr(llvm::Attribute::NoUnwind));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The rest

TEST(Emit, InstructionsHaveTheirPlaceInTheModule) {
  ModuleBuilder builder = with_memory();
  builder.function(builder.type({kI32}, {kI32}), bytes(Opcode::nop, Opcode::local_get, 0, load32()));
  const ByteVector module = builder.build();
  Emitted emitted(builder);
  const auto loads = emitted.volatile_loads(0);
  ASSERT_EQ(loads.size(), 1);
  const unsigned offset = loads[0]->getDebugLoc().getLine();
  ASSERT_LT(offset, module.size());
  EXPECT_EQ(module[offset], wasm::row(Opcode::i32_load).code);
}

TEST(Emit, SymbolsAreUniqueAndMeanNothingElse) {
  ModuleBuilder builder;
  const uint32_t type = builder.type({}, {});
  const char* const names[] = {"same",      "same", "memcpy", "__gxx_personality_v0", "a@b", "", "same.1", "llvm.trap",
                               "llvm.trap", ".Lx",  "$d"};
  ByteVector list = unsigned_leb(std::size(names));
  for (uint32_t index = 0; index < std::size(names); ++index) {
    append(list, bytes(unsigned_leb(builder.function(type, {})), names[index]));
  }
  builder.back(custom_section("name", bytes(1, sized(list))));
  Emitted emitted(builder);
  std::set<std::string> symbols;
  for (uint32_t index = 0; index < std::size(names); ++index) {
    const std::string& symbol = emitted.plan().symbol(index);
    EXPECT_TRUE(symbols.insert(symbol).second) << symbol;
    EXPECT_EQ(symbol.find('@'), std::string::npos);
    EXPECT_FALSE(symbol.starts_with("llvm.") || symbol.starts_with(".L") || symbol.starts_with("$"));
    EXPECT_FALSE(emitted.function(index).isDeclaration());
  }
  EXPECT_TRUE(symbols.contains("same"));
  EXPECT_FALSE(symbols.contains("memcpy"));
  EXPECT_FALSE(symbols.contains("__gxx_personality_v0"));
}

TEST(Emit, ASmallBodyThatAsksForTooMuchIsRefused) {
  // Two bytes pass a thousand values.
  ModuleBuilder builder;
  const std::vector<ValueType> many(1000, kI64);
  const uint32_t type = builder.type(many, many);
  ByteVector arguments;
  for (int n = 0; n < 1000; ++n) {
    append(arguments, bytes(Opcode::local_get, unsigned_leb(static_cast<uint64_t>(n))));
  }
  builder.function(type, bytes(arguments, repeat(5000, bytes(Opcode::call, 0))));
  const Emitted emitted(builder, {}, 0);
  ASSERT_FALSE(emitted.result());
  EXPECT_EQ(emitted.result().error().kind, ErrorKind::limit);
}

}  // namespace
}  // namespace tenon::compiler
