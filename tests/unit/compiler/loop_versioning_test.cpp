// Second copies of loops: which loops get one, what it is good for, and that nothing but the time tells.
#include "compiler/loop_versioning.h"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <random>

#include "compiler/pipeline.h"
#include "compiler/target.h"
#include "unit/compiler/loop_check.h"

namespace tenon::compiler {
namespace {

using testing::GuestMemory;
using testing::NativeModule;
using namespace wasm::testing;
using testing::Outcome;
using wasm::Opcode;
using wasm::ValueType;

/// The function `f` of a module in the emitter's words.
class Code {
 public:
  explicit Code(const std::string& text) {
    llvm::SMDiagnostic error;
    module_ = llvm::parseAssemblyString(text, error, context_);
    if (module_ == nullptr) {
      ADD_FAILURE() << error.getMessage().str() << " in line " << error.getLineNo();
      module_ = std::make_unique<llvm::Module>("empty", context_);
    }
  }

  /// Runs the pass alone.
  Code& version() {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    llvm::PassBuilder builder;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SimplifyCFGPass());  // loops of one block are
    add_loop_versioning(passes);
    passes.run(function(), functions);
    verify();
    return *this;
  }

  /// Runs everything.
  Code& optimize() {
    const auto target = choose_target("x86_64", "x86-64-v3");
    EXPECT_TRUE(target);
    const std::unique_ptr<llvm::TargetMachine> machine = make_machine(*target, 2);
    module_->setTargetTriple(target->triple);
    module_->setDataLayout(machine->createDataLayout());
    function().addFnAttr("target-cpu", target->cpu);
    compiler::optimize(*module_, *machine, 2);
    verify();
    return *this;
  }

  template <class Predicate>
  [[nodiscard]] long count(Predicate predicate) {
    long result = 0;
    for (llvm::BasicBlock& block : function()) {
      result += llvm::count_if(block, predicate);
    }
    return result;
  }
  [[nodiscard]] long exact_accesses() {
    return count([](llvm::Instruction& instruction) { return instruction.isVolatile(); });
  }
  /// Of linear memory: those of the instance are not of bytes or aligned.
  [[nodiscard]] long ordinary_accesses() {
    return count([](llvm::Instruction& instruction) {
      return llvm::isa<llvm::LoadInst, llvm::StoreInst>(instruction) && !instruction.isVolatile() &&
             llvm::getLoadStoreAlignment(&instruction) == llvm::Align(1);
    });
  }
  [[nodiscard]] long vector_stores() {
    return count([](llvm::Instruction& instruction) {
      const auto* const store = llvm::dyn_cast<llvm::StoreInst>(&instruction);
      return store != nullptr && store->getValueOperand()->getType()->isVectorTy();
    });
  }
  [[nodiscard]] bool has_copy() { return ordinary_accesses() > 0; }

 private:
  llvm::Function& function() { return *module_->getFunction("f"); }
  void verify() {
    std::string message;
    llvm::raw_string_ostream out(message);
    EXPECT_FALSE(llvm::verifyModule(*module_, &out)) << message;
  }

  llvm::LLVMContext context_;
  std::unique_ptr<llvm::Module> module_;
};

/// A loop that goes round %n times, %i times so far, with `body` in it.
std::string loop(const std::string& body, const std::string& step = "1") {
  return R"(
declare void @other(ptr)
declare i32 @__gxx_personality_v0(...)
define void @f(ptr %instance, i32 %n, i32 %a, i32 %b, i32 %c) personality ptr @__gxx_personality_v0 {
entry:
  %base = load ptr, ptr %instance, align 8, !invariant.load !0, !tenon.memory_base !0
  br label %round
round:
  %i = phi i32 [ 0, %entry ], [ %next, %latch ]
  %four = shl i32 %i, 2
  %from = add i32 %a, %four
  %to = add i32 %b, %four
  %from64 = zext i32 %from to i64
  %to64 = zext i32 %to to i64
  %source = getelementptr i8, ptr %base, i64 %from64
  %target = getelementptr i8, ptr %base, i64 %to64
)" + body +
         R"(
  br label %latch
latch:
  %next = add i32 %i, )" +
         step + R"(
  %again = icmp ne i32 %next, %n
  br i1 %again, label %round, label %end
end:
  ret void
}
!0 = !{}
)";
}

constexpr const char* kCopy = R"(
  %value = load volatile i32, ptr %source, align 1, !tenon.access !0
  store volatile i32 %value, ptr %target, align 1, !tenon.access !0
)";

TEST(LoopVersioning, CopiesALoop) {
  Code code(loop(kCopy));
  code.version();
  EXPECT_EQ(code.exact_accesses(), 2);
  EXPECT_EQ(code.ordinary_accesses(), 2);
}

TEST(LoopVersioning, ReadsTheSizeOnce) {
  Code code(loop(kCopy));
  code.version();
  EXPECT_EQ(code.count([](llvm::Instruction& instruction) { return instruction.isAtomic(); }), 1);
}

TEST(LoopVersioning, CopiesAreVectorized) {
  EXPECT_GT(Code(loop(kCopy)).optimize().vector_stores(), 0);
}

TEST(LoopVersioning, TheOriginalIsKept) {
  Code code(loop(kCopy));
  code.optimize();
  EXPECT_EQ(code.exact_accesses(), 2);
}

TEST(LoopVersioning, StaticOffsetsAreAdded) {
  EXPECT_TRUE(Code(loop(R"(
  %field = getelementptr i8, ptr %source, i64 1000
  store volatile i32 %i, ptr %field, align 1, !tenon.access !0
)"))
                  .version()
                  .has_copy());
}

TEST(LoopVersioning, NotWhereAnAddressIsLoaded) {
  EXPECT_FALSE(Code(loop(R"(
  %value = load volatile i32, ptr %source, align 1, !tenon.access !0
  %value64 = zext i32 %value to i64
  %place = getelementptr i8, ptr %base, i64 %value64
  store volatile i32 %i, ptr %place, align 1, !tenon.access !0
)"))
                   .version()
                   .has_copy());
}

TEST(LoopVersioning, NotWhereAnAddressIsASquare) {
  EXPECT_FALSE(Code(loop(R"(
  %square = mul i32 %i, %i
  %square64 = zext i32 %square to i64
  %place = getelementptr i8, ptr %base, i64 %square64
  store volatile i32 %i, ptr %place, align 1, !tenon.access !0
)"))
                   .version()
                   .has_copy());
}

TEST(LoopVersioning, NotWithACall) {
  EXPECT_FALSE(Code(loop(std::string(kCopy) + "call void @other(ptr %instance)")).version().has_copy());
}

TEST(LoopVersioning, NotWithAnInvoke) {
  EXPECT_FALSE(Code(loop(std::string(kCopy) + R"(
  invoke void @other(ptr %instance) to label %normal unwind label %pad
pad:
  %caught = landingpad { ptr, i32 } catch ptr null
  ret void
normal:
)"))
                   .version()
                   .has_copy());
}

TEST(LoopVersioning, NotWithAFence) {
  EXPECT_FALSE(Code(loop(std::string(kCopy) + "fence seq_cst")).version().has_copy());
}

TEST(LoopVersioning, NotWithAnAtomicAccess) {
  EXPECT_FALSE(
      Code(loop(std::string(kCopy) + "%old = atomicrmw volatile add ptr %base, i32 1 seq_cst")).version().has_copy());
}

TEST(LoopVersioning, NotInAnotherMemory) {
  EXPECT_FALSE(Code(loop(R"(
  %memory = load ptr, ptr %instance, align 8
  %other = getelementptr i8, ptr %memory, i64 %from64
  store volatile i32 %i, ptr %other, align 1, !tenon.access !0
)"))
                   .version()
                   .has_copy());
}

TEST(LoopVersioning, NotWithAStepThatMayOverflow) {
  // Where the counter comes to nobody knows, nor whether it does before it wraps around.
  std::string text = loop(kCopy, "3");
  text.replace(text.find("icmp ne"), 7, "icmp ult");
  EXPECT_FALSE(Code(text).version().has_copy());
}

TEST(LoopVersioning, ConditionalAccessesAreCheckedToo) {
  Code code(loop(R"(
  %odd = and i32 %i, 1
  %is_odd = icmp ne i32 %odd, 0
  br i1 %is_odd, label %then, label %latch
then:
  store volatile i32 %i, ptr %target, align 1, !tenon.access !0
)"));
  EXPECT_TRUE(code.version().has_copy());
}

TEST(LoopVersioning, ExplicitChecksAreGoneFromTheCopy) {
  Code code(loop(R"(
  %member = getelementptr i8, ptr %instance, i64 8
  %memory = load ptr, ptr %member, align 8, !invariant.load !0
  %place = getelementptr i8, ptr %memory, i64 8
  %size = load atomic i64, ptr %place monotonic, align 8
  %reach = add nuw nsw i64 %to64, 4
  %is_outside = icmp ugt i64 %reach, %size
  br i1 %is_outside, label %trap, label %inside
trap:
  call void @other(ptr %instance)
  unreachable
inside:
  store volatile i32 %i, ptr %target, align 1, !tenon.access !0
)"));
  EXPECT_GT(code.optimize().vector_stores(), 0);
  EXPECT_EQ(code.exact_accesses(), 1);
}

TEST(LoopVersioning, RollsUpWhatWasUnrolled) {
  std::string body;
  for (int copy = 0; copy < 3; ++copy) {
    const std::string n = std::to_string(copy);
    body += "%from" + n + " = add i32 %from, " + std::to_string(4 * copy) + "\n%to" + n + " = add i32 %to, " +
            std::to_string(4 * copy) + "\n%wide_from" + n + " = zext i32 %from" + n + " to i64\n%wide_to" + n +
            " = zext i32 %to" + n + " to i64\n%source" + n + " = getelementptr i8, ptr %base, i64 %wide_from" + n +
            "\n%target" + n + " = getelementptr i8, ptr %base, i64 %wide_to" + n + "\n%value" + n +
            " = load volatile i32, ptr %source" + n + ", align 1, !tenon.access !0\n%twice" + n + " = add i32 %value" +
            n + ", %value" + n + "\nstore volatile i32 %twice" + n + ", ptr %target" + n +
            ", align 1, !tenon.access !0\n";
  }
  std::string text = loop(body, "3");
  text.replace(text.find("icmp ne i32 %next, %n"), 21, "icmp ne i32 %next, 300");
  Code code(text);
  code.version();
  EXPECT_EQ(code.exact_accesses(), 6);
  EXPECT_EQ(code.ordinary_accesses(), 2);
}

TEST(LoopVersioning, NestsAreCheckedOnce) {
  Code code(R"(
define void @f(ptr %instance, i32 %n, i32 %a, i32 %b) {
entry:
  %base = load ptr, ptr %instance, align 8, !invariant.load !0, !tenon.memory_base !0
  br label %row
row:
  %i = phi i32 [ 0, %entry ], [ %i.next, %row.end ]
  %row.start = mul i32 %i, 800
  br label %column
column:
  %j = phi i32 [ 0, %row ], [ %j.next, %column ]
  %eight = shl i32 %j, 3
  %inner = add i32 %eight, %row.start
  %to = add i32 %inner, %a
  %to64 = zext i32 %to to i64
  %target = getelementptr i8, ptr %base, i64 %to64
  store volatile i64 7, ptr %target, align 1, !tenon.access !0
  %j.next = add i32 %j, 1
  %j.again = icmp ne i32 %j.next, 100
  br i1 %j.again, label %column, label %row.end
row.end:
  %i.next = add i32 %i, 1
  %i.again = icmp ne i32 %i.next, %n
  br i1 %i.again, label %row, label %end
end:
  ret void
}
!0 = !{}
)");
  code.version();
  EXPECT_EQ(code.ordinary_accesses(), 1);
  // Twice two loops, and the check before all of them.
  EXPECT_EQ(code.count([](llvm::Instruction& instruction) {
    const auto* const branch = llvm::dyn_cast<llvm::BranchInst>(&instruction);
    return branch != nullptr && branch->isConditional();
  }),
            5);
}

// ---------------------------------------------------------------------------------------------------------------------
// What they do

/// for (i = 0; i != n; ++i) { memory[to + step * i] = memory[from + 4 * i] + i; }, of five parameters: n, from, to,
/// step
std::shared_ptr<const wasm::Module> copying_module() {
  ModuleBuilder builder;
  const uint32_t type =
      builder.type(std::vector<ValueType>(NativeModule::kParameters, ValueType::i32), {ValueType::i32});
  builder.add(kMemory, bytes(0x00, 1));
  const auto get = [](uint8_t index) { return bytes(Opcode::local_get, index); };
  const auto body = [&](const ByteVector& step) {
    return bytes(Opcode::block, 0x40, get(5), get(0), Opcode::i32_eq, Opcode::br_if, 0, Opcode::loop, 0x40,  //
                 get(2), get(5), step, Opcode::i32_mul, Opcode::i32_add,                                     //
                 get(1), get(5), Opcode::i32_const, 4, Opcode::i32_mul, Opcode::i32_add,                     //
                 Opcode::i32_load, 0, 0, get(5), Opcode::i32_add, Opcode::i32_store, 0, 0,                   //
                 get(5), Opcode::i32_const, 1, Opcode::i32_add, Opcode::local_tee, 5, get(0), Opcode::i32_ne,
                 Opcode::br_if, 0, Opcode::end, Opcode::end, get(5));
  };
  const ByteVector locals = {1, 1, 0x7f};
  builder.function(type, body(bytes(Opcode::i32_const, 4)), locals);
  builder.function(type, body(bytes(Opcode::i32_const, signed_leb(-4))), locals);
  builder.function(type, body(bytes(Opcode::i32_const, signed_leb(1 << 24))), locals);
  builder.function(type, body(get(3)), locals);
  auto module = wasm::decode_and_validate(base::FileBytes::own(builder.build()), "copying.wasm");
  if (!module) {
    ADD_FAILURE() << module.error().message;
    return nullptr;
  }
  return *module;
}

/// The same by the letter.
Outcome copied(std::vector<uint8_t>& memory, uint32_t n, uint32_t from, uint32_t to, uint32_t step) {
  const auto is_inside = [&](uint32_t address) { return uint64_t{address} + 4 <= memory.size(); };
  uint32_t i = 0;
  for (; i != n; ++i) {
    const uint32_t source = from + 4 * i;
    const uint32_t target = to + step * i;
    // The first of the bytes that cannot be accessed.
    const auto fault = [&](uint64_t address) {
      return Outcome{Outcome::Kind::faulted, std::max<uint64_t>(address, memory.size())};
    };
    if (!is_inside(source)) {
      return fault(source);
    }
    uint32_t value = 0;
    std::memcpy(&value, memory.data() + source, sizeof value);
    value += i;
    if (!is_inside(target)) {
      return fault(target);
    }
    std::memcpy(memory.data() + target, &value, sizeof value);
  }
  return {Outcome::Kind::returned, i};
}

TEST(LoopsOfLinearMemory, DoWhatIsWritten) {
  constexpr uint32_t kSize = 8192;
  const auto module = copying_module();
  ASSERT_NE(module, nullptr);
  CompileOptions options;
  options.threads = 1;
  const NativeModule native(*module, options);
  GuestMemory memory;
  const uint32_t places[] = {
      0,           4,           100,         kSize / 2,  kSize / 2 + 4, kSize / 2 - 2, kSize / 2 + 64,
      kSize - 400, kSize - 397, kSize - 401, kSize - 64, kSize - 4,     kSize - 3,     kSize,
      kSize + 100, 0U - 4,      0U - 100,    0U - 400,   1U << 31};
  const uint32_t steps[] = {4, 0U - 4, 1U << 24, 1};
  for (uint32_t function = 0; function < std::size(steps); ++function) {
    for (const uint32_t n : {0U, 1U, 7U, 32U, 100U, 101U}) {
      for (const uint32_t from : places) {
        for (const uint32_t to : places) {
          memory.reset(kSize, n);
          std::vector<uint8_t> expected = memory.content();
          const Outcome outcome = native.call(function, memory, {n, from, to, steps[function], 0});
          EXPECT_EQ(outcome, copied(expected, n, from, to, steps[function]))
              << function << ": " << n << " from " << from << " to " << to;
          EXPECT_EQ(memory.content(), expected) << function << ": " << n << " from " << from << " to " << to;
        }
      }
    }
  }
}

TEST(LoopsOfLinearMemory, StepsThatAreNotKnown) {
  constexpr uint32_t kSize = 8192;
  constexpr uint32_t kFunction = 3;
  const auto module = copying_module();
  ASSERT_NE(module, nullptr);
  CompileOptions options;
  options.threads = 1;
  const NativeModule native(*module, options);
  GuestMemory memory;
  for (const uint32_t step : {0U, 1U, 3U, 4U, 8U, 400U, 0U - 1, 0U - 4, 0U - 8, 1U << 30, 1U << 31, (1U << 31) + 4}) {
    for (const uint32_t n : {0U, 1U, 20U, 33U}) {
      for (const uint32_t to : {0U, 100U, 4000U, kSize - 4, kSize - 132, kSize - 131}) {
        memory.reset(kSize, n);
        std::vector<uint8_t> expected = memory.content();
        const Outcome outcome = native.call(kFunction, memory, {n, 64, to, step, 0});
        EXPECT_EQ(outcome, copied(expected, n, 64, to, step)) << n << " to " << to << " by " << step;
        EXPECT_EQ(memory.content(), expected) << n << " to " << to << " by " << step;
      }
    }
  }
}

/// tests/fuzz/loops_fuzzer.cpp goes on from here.
TEST(LoopsOfLinearMemory, RandomOnes) {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    std::minstd_rand source(seed + 1);
    const auto below = [&](uint32_t count) { return static_cast<uint32_t>((source() >> 4) % count); };
    const auto checks = seed % 3 == 0 ? abi::BoundsChecks::explicit_checks : abi::BoundsChecks::guard_pages;
    EXPECT_EQ(testing::difference_of_loops(below, 20, 30, checks), std::nullopt) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tenon::compiler
