// Interrupting compiled code that runs.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "compiler/compile_file.h"
#include "link/engine.h"
#include "link/program.h"
#include "runtime/thread.h"
#include "runtime/trap.h"
#include "unit/link/library.h"

namespace tenon::compiler {
namespace {

using link::CallOutcome;
using link::testing::bytes;
using link::testing::Library;
using link::testing::make_main;
using link::testing::TemporaryDirectory;
using link::testing::unsigned_leb;
using wasm::Opcode;

link::EngineOptions compiled_only() {
  link::EngineOptions options;
  options.images.mode = aot::Mode::automatic;
  return options;
}

class InterruptTest : public ::testing::Test {
 protected:
  /// A program whose function `run` calls env.hook once and then does `body`, compiled.
  void make(const wasm::testing::ByteVector& body) {
    Library main = make_main({});
    const uint32_t hook = main.import_function("hook", main.gives_i32);
    main.export_function(
        "run", main.module.function(main.gives_i32, bytes(Opcode::call, unsigned_leb(hook), Opcode::drop, body)));
    const std::string path = directory_.write("main.wasm", main.build());
    const auto compiled = compile_file(path, path + std::string(aot::kImageSuffix), {});
    ASSERT_TRUE(compiled) << compiled.error().message;
    program_ = *link::Program::create(engine_, {});
    const runtime::HostFunctionDefinition definition{"hook", "_i", &InterruptTest::on_hook};
    ASSERT_TRUE(program_->add_host_module("env", std::span(&definition, 1), this));
    const auto loaded = program_->load_main(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_NE(program_->main()->executable().native(), nullptr);
  }

  static bool on_hook(void* environment, runtime::HostCall& call) {
    auto& test = *static_cast<InterruptTest*>(environment);
    call.set_u32(0);
    test.runner_ = pthread_self();
    test.thread_.store(&runtime::Thread::of(call.thread()), std::memory_order_release);
    return true;
  }

  /// Calls `run` and interrupts it once it has called the hook.
  CallOutcome run_interrupted() {
    std::thread interrupter([this] {
      runtime::Thread* thread = nullptr;
      while ((thread = thread_.load(std::memory_order_acquire)) == nullptr) {
        std::this_thread::yield();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      runtime::interrupt(*thread, runner_);
    });
    auto outcome = program_->call(*program_->main(), "run", {});
    interrupter.join();
    if (runtime::Thread* const thread = thread_.exchange(nullptr)) {
      thread->interrupt.store(0);
    }
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : CallOutcome{};
  }

  void expect_interrupted(const CallOutcome& outcome) {
    ASSERT_EQ(outcome.kind, CallOutcome::Kind::trap);
    EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::interrupted);
    ASSERT_FALSE(outcome.trap.backtrace.empty());
    EXPECT_EQ(outcome.trap.backtrace.back().function, "run");
  }

  TemporaryDirectory directory_;
  link::Engine engine_{compiled_only()};
  std::unique_ptr<link::Program> program_;
  pthread_t runner_{};
  std::atomic<runtime::Thread*> thread_{nullptr};
};

constexpr uint8_t kVoid = 0x40;

TEST_F(InterruptTest, EndlessLoopWithoutCalls) {
  make(bytes(Opcode::loop, kVoid, Opcode::br, 0, Opcode::end, Opcode::i32_const, 0));
  // Wherever it is hit, the program can be used again.
  for (int i = 0; i < 20; ++i) {
    expect_interrupted(run_interrupted());
  }
}

TEST_F(InterruptTest, EndlessLoopThatCallsTheHost) {
  constexpr uint8_t kHook = 0;
  make(bytes(Opcode::loop, kVoid, Opcode::call, kHook, Opcode::drop, Opcode::br, 0, Opcode::end, Opcode::i32_const, 0));
  for (int i = 0; i < 20; ++i) {
    expect_interrupted(run_interrupted());
  }
}

TEST_F(InterruptTest, WhoIsNotAskedGoesOn) {
  // The signal without the request: somebody else's.
  make(bytes(Opcode::i32_const, 42));
  const auto outcome = program_->call(*program_->main(), "run", {});
  runtime::Thread* const thread = thread_.load();
  ASSERT_NE(thread, nullptr);
  runtime::interrupt(*thread, pthread_self());  // not in guest code: nothing happens yet
  thread->interrupt.store(0);
  pthread_kill(pthread_self(), runtime::kInterruptSignal);
  const auto again = program_->call(*program_->main(), "run", {});
  ASSERT_TRUE(outcome && again);
  EXPECT_EQ(again->kind, CallOutcome::Kind::returned);
  EXPECT_EQ(again->results.at(0).i32, 42);
}

}  // namespace
}  // namespace tenon::compiler
