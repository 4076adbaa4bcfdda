// Interrupting compiled code that runs, and asking it what it is in the middle of.
#include "compiler/compile_file.h"
#include "unit/link/interruption.h"
#include "unit/sanitizer.h"

namespace tenon::compiler {
namespace {

using namespace link::testing;  // NOLINT(google-build-using-namespace)

link::EngineOptions with_images() {
  link::EngineOptions options;
  options.images.mode = aot::Mode::automatic;
  return options;
}

class InterruptTest : public InterruptionTest {
 protected:
  InterruptTest() : InterruptionTest(with_images()) {}

  void SetUp() override { TENON_NEEDS_SIGNALS(); }

  void prepare(const std::string& path) override {
    const auto compiled = compile_file(path, path + std::string(aot::kImageSuffix), {});
    ASSERT_TRUE(compiled) << compiled.error().message;
  }
  void load_compiled(const ByteVector& main) {
    load(main);
    ASSERT_NE(program_->main()->executable().native(), nullptr);
  }
  void load_compiled_body(const ByteVector& body) {
    load_body(body);
    ASSERT_NE(program_->main()->executable().native(), nullptr);
  }
};

TEST_F(InterruptTest, EndlessLoopWithoutCalls) {
  load_compiled_body(bytes(Opcode::loop, kVoid, Opcode::br, 0, Opcode::end, Opcode::i32_const, 0));
  expect_interrupted_always();
}

TEST_F(InterruptTest, EndlessLoopThatCallsTheHost) {
  load_compiled_body(bytes(Opcode::loop, kVoid, call_hook(), Opcode::br, 0, Opcode::end, Opcode::i32_const, 0));
  expect_interrupted_always();
}

TEST_F(InterruptTest, EndlessLoopThatCallsInterpretedCode) {
  Library lib = make_main({});
  lib.define("leaf", 1);
  (void)directory_.write("liblib.so", lib.build());
  Library main = make_hooked({"liblib.so"});
  const uint32_t leaf = main.import_function("leaf", main.gives_i32);
  const ByteVector loop = bytes(Opcode::loop, kVoid, Opcode::call, unsigned_leb(leaf), Opcode::br_if, 0, Opcode::end);
  main.export_function("run", main.module.function(main.gives_i32, bytes(call_hook(), loop, Opcode::i32_const, 0)));
  load_compiled(main.build());
  ASSERT_EQ(program_->main()->needed.at(0)->executable().native(), nullptr);
  expect_interrupted_always();
  EXPECT_LT(interruptions_, 200)
      << "it does not wait until compiled code is hit, which is on its way out most of the time";
}

TEST_F(InterruptTest, WaitingThread) {
  load_compiled(waiting_main());
  expect_interrupted("run");
  expect_interrupted_always();
}

TEST_F(InterruptTest, WhoIsNotAskedGoesOn) {
  // The signal without the request: somebody else's.
  load_compiled_body(bytes(Opcode::i32_const, 42));
  const auto outcome = program_->call(*program_->main(), "run", {});
  runtime::Thread* const thread = thread_.load();
  ASSERT_NE(thread, nullptr);
  runtime::interrupt(*thread, pthread_self());  // not in guest code: nothing happens yet
  runtime::withdraw_interrupt(*thread);
  pthread_kill(pthread_self(), runtime::kInterruptSignal);
  const auto again = program_->call(*program_->main(), "run", {});
  ASSERT_TRUE(outcome && again);
  expect_returns(*again, 42);
}

TEST_F(InterruptTest, RunningThreadAnswersOnce) {
  load_compiled(polling_main());
  for (int i = 0; i < 20; ++i) {
    set_flag(0);
    InstanceQuestion question(*program_->main());
    expect_returns(run_asked(question, [&] { set_flag(1); }), 42);
    thread_ = nullptr;
    EXPECT_EQ(question.answers(), 1);
    EXPECT_TRUE(question.in_words());
  }
}

TEST_F(InterruptTest, WaitingThreadAnswersOnce) {
  load_compiled(waiting_main());
  InstanceQuestion question(*program_->main());
  const auto outcome =
      run_asked(question, [&] { EXPECT_EQ(runtime::notify(program_->main()->memory(0).base, 1), 1U); });
  expect_returns(outcome, 0);
  EXPECT_EQ(question.answers(), 1);
}

}  // namespace
}  // namespace tenon::compiler
