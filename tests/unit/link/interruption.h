// Programs that one thread runs and another interrupts, or asks what it is in the middle of.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "link/engine.h"
#include "link/program.h"
#include "runtime/interruption.h"
#include "runtime/thread.h"
#include "runtime/trap.h"
#include "runtime/wait.h"
#include "unit/link/library.h"

namespace tenon::link::testing {

constexpr uint8_t kVoid = 0x40;

/// Counts its answers and looks for the instance of a DSO among what a thread that answers may still use.
class InstanceQuestion final : public runtime::Question {
 public:
  explicit InstanceQuestion(const Dso& dso) : dso_(dso.index) {}

  // Words of other frames are among them, which the address sanitizer does not let anyone read.
  __attribute__((no_sanitize("address"))) void answer(runtime::Thread& thread,
                                                      const runtime::LiveWords& words) override {
    const auto instance = reinterpret_cast<uintptr_t>(thread.instances[dso_]);
    bool found = false;
    for (size_t n = 0; n < words.register_count; ++n) {
      found |= words.registers[n] == instance;
    }
    for (const uintptr_t* word = words.stack; word < words.stack_end; ++word) {
      found |= *word == instance;
    }
    in_words_ = found;
    in_frames_ = false;
    for (const abi::Frame* frame = thread.frames; frame < thread.stack_end(); ++frame) {
      in_frames_ = in_frames_ || reinterpret_cast<uintptr_t>(frame->caller_instance) == instance;
    }
    answers_.fetch_add(1, std::memory_order_release);
  }

  [[nodiscard]] int answers() const { return answers_.load(std::memory_order_acquire); }
  [[nodiscard]] bool in_words() const { return in_words_; }    ///< of registers and the native stack
  [[nodiscard]] bool in_frames() const { return in_frames_; }  ///< of the interpreter

 private:
  uint32_t dso_;
  bool in_words_ = false;
  bool in_frames_ = false;
  std::atomic<int> answers_{0};
};

class InterruptionTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kHook = 0;

  explicit InterruptionTest(const EngineOptions& options) : engine_(options) {}

  /// A main module whose first function is env.hook, which has to be called once before anything is asked.
  static Library make_hooked(std::vector<std::string> needed = {}) {
    Library main = make_main(std::move(needed));
    (void)main.import_function("hook", main.gives_i32);
    return main;
  }
  /// Code that calls the hook.
  static ByteVector call_hook() { return bytes(Opcode::call, unsigned_leb(kHook), Opcode::drop); }

  /// Makes an image of a file, or does not.
  virtual void prepare(const std::string& path) { (void)path; }

  void load(const ByteVector& main) {
    const std::string path = directory_.write("main.wasm", main);
    prepare(path);
    program_ = *Program::create(engine_, {});
    const runtime::HostFunctionDefinition definition{"hook", "_i", &InterruptionTest::on_hook};
    ASSERT_TRUE(program_->add_host_module("env", std::span(&definition, 1), this));
    const auto loaded = program_->load_main(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  /// A program whose function `run` calls the hook and then does `body`, which leaves an i32.
  void load_body(const ByteVector& body, const ByteVector& locals = {0x00}) {
    Library main = make_hooked();
    main.export_function("run", main.module.function(main.gives_i32, bytes(call_hook(), body), locals));
    load(main.build());
  }

  static bool on_hook(void* environment, runtime::HostCall& call) {
    auto& test = *static_cast<InterruptionTest*>(environment);
    call.set_u32(0);
    test.thread_.store(&runtime::Thread::of(call.thread()), std::memory_order_release);
    return true;
  }

  /// Calls `run`, and once it has called the hook, `act` again and again in another thread until that says that it is
  /// done or `run` comes back. Ends the whole program when neither happens.
  CallOutcome run_while(const std::function<bool(runtime::Thread& thread, pthread_t runner)>& act) {
    std::atomic<bool> is_over = false;
    const pthread_t runner = pthread_self();
    std::thread other([&] {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
      bool is_done = false;
      while (!is_over) {
        runtime::Thread* const thread = thread_.load(std::memory_order_acquire);
        if (thread != nullptr && !is_done) {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          is_done = act(*thread, runner);
        }
        if (std::chrono::steady_clock::now() > deadline) {
          std::fputs("the guest did not do what it was asked to\n", stderr);
          std::abort();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    auto outcome = program_->call(*program_->main(), "run", {});
    is_over = true;
    other.join();
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : CallOutcome{};
  }

  CallOutcome run_interrupted() {
    const CallOutcome outcome = run_while([this](runtime::Thread& thread, pthread_t runner) {
      runtime::interrupt(thread, runner);
      ++interruptions_;
      return false;  // once more, in case it was in the middle of something
    });
    if (runtime::Thread* const thread = thread_.exchange(nullptr)) {
      runtime::withdraw_interrupt(*thread);
      EXPECT_EQ(thread->interrupt.load(), 0U);
    }
    return outcome;
  }
  /// `function`: where it was interrupted; empty for any.
  void expect_interrupted(const std::string& function = {}) {
    const CallOutcome outcome = run_interrupted();
    ASSERT_EQ(outcome.kind, CallOutcome::Kind::trap);
    EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::interrupted);
    ASSERT_FALSE(outcome.trap.backtrace.empty());
    EXPECT_EQ(outcome.trap.backtrace.back().function, "run");
    if (!function.empty()) {
      EXPECT_EQ(outcome.trap.backtrace.front().function, function);
    }
  }
  /// Wherever it is hit, the program can be used again.
  void expect_interrupted_always() {
    for (int i = 0; i < 20; ++i) {
      expect_interrupted();
    }
  }

  /// Asks `question` of a running program until it is answered, and has `answered` end the program.
  CallOutcome run_asked(InstanceQuestion& question, const std::function<void()>& answered) {
    bool is_asked = false;
    return run_while([&](runtime::Thread& thread, pthread_t runner) {
      if (is_asked && !runtime::withdraw(thread, question)) {
        while (question.answers() == 0) {
          std::this_thread::yield();  // it has just begun
        }
        answered();
        return true;
      }
      runtime::ask(thread, runner, question);
      is_asked = true;
      return false;
    });
  }
  void expect_returns(const CallOutcome& outcome, int32_t value) {
    ASSERT_EQ(outcome.kind, CallOutcome::Kind::returned) << runtime::to_string(outcome.trap);
    EXPECT_EQ(outcome.results.at(0).i32, value);
  }

  /// A main module whose `run` waits until the first word of its memory, which is shared, is not 0 and gives what
  /// memory.atomic.wait32 does.
  static ByteVector waiting_main() {
    wasm::testing::ModuleBuilder main;
    const uint32_t gives_i32 = main.type({}, {ValueType::i32});
    (void)main.import_function("env", "hook", gives_i32);
    main.add(wasm::testing::kMemory, bytes(0x03, 1, 1));
    const ByteVector wait = bytes(Opcode::i32_const, 0, Opcode::i32_const, 0, Opcode::i64_const, signed_leb(-1),
                                  Opcode::memory_atomic_wait32, 0x02, 0x00);
    const uint32_t run = main.function(gives_i32, bytes(call_hook(), wait));
    main.add(wasm::testing::kExport, bytes("run", 0x00, unsigned_leb(run)));
    main.add(wasm::testing::kExport, bytes("memory", 0x02, 0x00));
    return main.build();
  }

  /// A main module whose `run` reads the first word of its data until that is not 0, then gives 42.
  static ByteVector polling_main() {
    Library main = make_main({});
    (void)main.import_function("hook", main.gives_i32);
    main.memory_size = 4;
    main.memory_alignment = 2;
    constexpr uint32_t kMemoryBase = 0;
    const ByteVector poll = bytes(Opcode::loop, kVoid, Opcode::global_get, kMemoryBase, Opcode::i32_atomic_load, 0x02,
                                  0x00, Opcode::i32_eqz, Opcode::br_if, 0, Opcode::end, Opcode::i32_const, 42);
    main.export_function("run", main.module.function(main.gives_i32, bytes(call_hook(), poll)));
    return main.build();
  }
  /// Ends the loop of polling_main(), or begins it again.
  void set_flag(uint32_t value) {
    auto* const flag = reinterpret_cast<uint32_t*>(program_->memory(program_->link_map()[0].memory_base, 4));
    std::atomic_ref(*flag).store(value);
  }

  TemporaryDirectory directory_;
  Engine engine_;
  std::unique_ptr<Program> program_;
  int interruptions_ = 0;  ///< that were sent
  std::atomic<runtime::Thread*> thread_{nullptr};
};

}  // namespace tenon::link::testing
