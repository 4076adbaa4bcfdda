// Threads of one program: the host's that call in, and those that the guest spawns.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "compiler/compile_file.h"
#include "link/time_limit.h"
#include "unit/link/opened.h"
#include "unit/sanitizer.h"

namespace tenon::link {
namespace {

using testing::bytes;
using testing::ByteVector;
using testing::call;
using testing::constant;
using testing::get_global;
using testing::get_local;
using testing::Library;
using testing::unsigned_leb;
using wasm::Opcode;
using wasm::ValueType;
using wasm::testing::kImport;

constexpr uint32_t kAddress = 512;  // in the gap below the stack, which the linker leaves alone

/// What a module may have besides.
enum class Extra : uint8_t {
  none,
  failing_constructor,  ///< that spawns threads, which loop, before it traps
  no_thread_start,
};

/// A PIE whose memory may be shared, with functions of all kinds.
struct ThreadedMain : Library {
  explicit ThreadedMain(bool is_shared = true, Extra extra = Extra::none) {
    const ByteVector memory = is_shared ? bytes("env", "memory", 0x02, 0x03, 0x00, unsigned_leb(65536))
                                        : bytes("env", "memory", 0x02, 0x00, 0x00);
    module.add(kImport, memory);
    import_table();
    import_global("env", "__memory_base", false);
    import_global("env", "__table_base", false);
    const uint32_t stack_pointer = import_global("env", "__stack_pointer");
    const uint32_t takes_i32 = module.type({ValueType::i32}, {ValueType::i32});
    const uint32_t start = module.type({ValueType::i32, ValueType::i32}, {});
    const uint32_t spawn = import_function("thread-spawn", takes_i32, "wasi");
    const uint32_t hook = import_function("hook", gives_i32);
    const uint32_t exit_thread = import_function("__tenon_thread_exit", module.type({ValueType::i32}, {}));
    const uint32_t own = global(constant(0), true);
    export_function("shared_count", module.function(gives_i32, bytes(constant(kAddress), constant(1),
                                                                     Opcode::i32_atomic_rmw_add, 2, 0)));
    export_function("own_count",
                    module.function(gives_i32, bytes(get_global(own), constant(1), Opcode::i32_add, Opcode::global_set,
                                                     unsigned_leb(own), get_global(own))));
    export_function("stack", module.function(gives_i32, get_global(stack_pointer)));
    export_function("loop", module.function(gives_i32, bytes(call(hook), Opcode::drop, endless())));
    export_function("wait",
                    module.function(gives_i32, bytes(call(hook), Opcode::drop, constant(kAddress + 64), constant(0),
                                                     Opcode::i64_const, 0x7f, Opcode::memory_atomic_wait32, 2, 0)));
    export_function("spawn", module.function(takes_i32, bytes(get_local(0), call(spawn))));
    export_function("call_hook", module.function(gives_i32, call(hook)));
    if (extra == Extra::failing_constructor) {
      export_function("__wasm_call_ctors",
                      module.function(nothing, bytes(constant(2), call(spawn), Opcode::drop, constant(2), call(spawn),
                                                     Opcode::drop, Opcode::unreachable)));
    }
    if (extra == Extra::no_thread_start) {
      return;
    }
    export_function("end_thread",
                    module.function(gives_i32, bytes(constant(0), call(exit_thread), Opcode::unreachable)));
    // What a thread does is what it is given: 1 traps, 2 loops, 3 calls the hook, others count.
    export_function(
        "wasi_thread_start",
        module.function(start, bytes(get_local(1), constant(1), Opcode::i32_eq, Opcode::if_, 0x40, Opcode::unreachable,
                                     Opcode::end,                                                   //
                                     get_local(1), constant(2), Opcode::i32_eq, Opcode::if_, 0x40,  //
                                     Opcode::loop, 0x40, Opcode::br, 0, Opcode::end, Opcode::end,   //
                                     get_local(1), constant(3), Opcode::i32_eq, Opcode::if_, 0x40,  //
                                     call(hook), Opcode::drop, Opcode::end,                         //
                                     constant(kAddress), constant(1), Opcode::i32_atomic_rmw_add, 2, 0, Opcode::drop)));
  }

  static ByteVector endless() { return bytes(Opcode::loop, 0x40, Opcode::br, 0, Opcode::end, Opcode::unreachable); }
};

enum class Way : uint8_t { interpreted, compiled };

class ThreadsTest : public ::testing::TestWithParam<Way> {
 protected:
  void make(bool is_shared = true, ProgramOptions options = {}, Extra extra = Extra::none) {
    auto module = load_module(ThreadedMain(is_shared, extra).build(), "main");
    ASSERT_TRUE(module) << module.error().message;
    program_ = *Program::create(engine_, std::move(options));
    const runtime::HostFunctionDefinition hook{"hook", "_i", &ThreadsTest::on_hook};
    ASSERT_TRUE(program_->add_host_module("env", std::span(&hook, 1), this));
    const auto loaded = program_->load_main(*module);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  Result<std::shared_ptr<SharedModule>> load_module(const ByteVector& content, const std::string& name) {
    if (GetParam() == Way::interpreted) {
      return engine_.load(base::FileBytes::own(content), name);
    }
    const std::string path = directory_.write(std::to_string(++files_), content);
    TENON_CHECK(compiler::compile_file(path, path + std::string(aot::kImageSuffix), {}));
    auto file = TENON_TRY(base::FileBytes::map(path));
    ImageSearch images;
    images.path = path;
    auto module = TENON_TRY(engine_.load(file, name, {}, images));
    EXPECT_NE(module->native(), nullptr) << "the image is not used";
    return module;
  }

  static bool on_hook(void* environment, runtime::HostCall& host_call) {
    auto& test = *static_cast<ThreadsTest*>(environment);
    host_call.set_u32(0);
    const auto id = test.program_->this_thread();
    EXPECT_TRUE(id);
    test.last_inside_.store(id.value_or(-1));
    ++test.inside_;
    if (test.exit_code_ != 0) {
      return host_call.exit(test.exit_code_);
    }
    return !test.in_hook_ || test.in_hook_();
  }

  CallOutcome run(const std::string& function, std::vector<abi::Cell> arguments = {}) {
    auto outcome = program_->call(*program_->main(), function, arguments);
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : CallOutcome{};
  }
  uint32_t number(const std::string& function, std::vector<abi::Cell> arguments = {}) {
    const CallOutcome outcome = run(function, std::move(arguments));
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::returned) << runtime::to_string(outcome.trap);
    return outcome.results.empty() ? 0 : outcome.results.front().u32;
  }
  int32_t spawn(uint32_t what) { return static_cast<int32_t>(number("spawn", {{.u64 = what}})); }

  /// Until so many calls are inside of the hook, or were.
  void wait_inside(uint32_t count) {
    while (inside_ < count) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  /// Interrupts until `is_over`: one interruption may come before there is something to interrupt.
  template <class Interrupt>
  static void until(const std::atomic<bool>& is_over, Interrupt interrupt) {
    while (!is_over) {
      interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  static void expect_interrupted(const CallOutcome& outcome) {
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::trap);
    EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::interrupted);
    EXPECT_FALSE(outcome.trap.backtrace.empty());
  }

  static EngineOptions engine_options() {
    EngineOptions options;
    options.images.mode = GetParam() == Way::compiled ? aot::Mode::automatic : aot::Mode::interpret;
    return options;
  }

  testing::TemporaryDirectory directory_;
  int files_ = 0;
  Engine engine_{engine_options()};
  std::atomic<uint32_t> inside_{0};
  std::atomic<int32_t> last_inside_{-1};
  std::function<bool()> in_hook_;
  std::atomic<uint32_t> exit_code_{0};  ///< the hook ends the program with it, unless it is 0
  std::unique_ptr<Program> program_;
};

// Compiled loops are left by signals.
#define LEAVES_LOOPS()               \
  if (GetParam() == Way::compiled) { \
    TENON_NEEDS_SIGNALS();           \
  }                                  \
  static_assert(true)

TEST_P(ThreadsTest, ThreadsOfTheHostShareMemoryAndNothingElse) {
  make();
  constexpr uint32_t kThreads = 8;
  constexpr uint32_t kCalls = 200;
  const uint32_t stack_of_main = number("stack");
  std::vector<uint32_t> own(kThreads);
  std::vector<uint32_t> stacks(kThreads);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (uint32_t round = 0; round < kCalls; ++round) {
        number("shared_count");
        own[i] = number("own_count");
      }
      stacks[i] = number("stack");
      // All are there at once, so that no stack is used again.
      ++inside_;
      wait_inside(kThreads);
      program_->leave();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(number("shared_count"), kThreads * kCalls);
  EXPECT_EQ(own, std::vector<uint32_t>(kThreads, kCalls));
  EXPECT_EQ(number("own_count"), 1U);
  std::set<uint32_t> distinct(stacks.begin(), stacks.end());
  distinct.insert(stack_of_main);
  EXPECT_EQ(distinct.size(), kThreads + 1);
}

TEST_P(ThreadsTest, WhatAThreadOfTheHostHadIsUsedAgain) {
  make();
  std::thread([&] {
    number("own_count");
    program_->leave();
  }).join();
  const uint64_t size = program_->memory_size();
  for (int i = 0; i < 200; ++i) {
    std::thread([&] {
      EXPECT_EQ(number("own_count"), 1U);
      program_->leave();
    }).join();
  }
  EXPECT_EQ(program_->memory_size(), size);
}

TEST_P(ThreadsTest, AProgramWithoutSharedMemoryTakesOneThreadAtATime) {
  make(false);
  std::thread([&] { EXPECT_EQ(number("own_count"), 1U); }).join();
  EXPECT_EQ(number("own_count"), 2U);
  std::string refused;
  in_hook_ = [&] {
    std::thread([&] {
      const auto outcome = program_->call(*program_->main(), "own_count", {});
      refused = outcome ? "" : outcome.error().message;
    }).join();
    return true;
  };
  number("call_hook");
  EXPECT_NE(refused.find("memory is not shared"), std::string::npos) << refused;
}

TEST_P(ThreadsTest, AHostFunctionCallsBackInItsThread) {
  make();
  uint32_t inner = 0;
  in_hook_ = [&] {
    inner = number("own_count");
    return true;
  };
  std::thread([&] {
    number("call_hook");
    EXPECT_EQ(number("own_count"), 2U);
    program_->leave();
  }).join();
  EXPECT_EQ(inner, 1U);
  EXPECT_EQ(number("own_count"), 1U);
}

TEST_P(ThreadsTest, AnInterruptedProgramGoesOnAfterwards) {
  LEAVES_LOOPS();
  make();
  for (const char* const function : {"loop", "wait"}) {
    std::atomic<bool> is_over = false;
    std::thread interrupter([&] { until(is_over, [&] { program_->interrupt(); }); });
    const CallOutcome outcome = run(function);
    is_over = true;
    interrupter.join();
    expect_interrupted(outcome);
  }
  EXPECT_EQ(number("own_count"), 1U);
}

TEST_P(ThreadsTest, OneThreadIsInterruptedAndNoOther) {
  LEAVES_LOOPS();
  make();
  std::atomic<bool> first_is_over = false;
  std::atomic<bool> second_is_over = false;
  std::atomic<int32_t> first_id = -1;
  in_hook_ = [&] {
    int32_t none = -1;
    first_id.compare_exchange_strong(none, program_->this_thread().value_or(-1));
    return true;
  };
  std::thread first([&] {
    expect_interrupted(run("loop"));
    first_is_over = true;
    program_->leave();
  });
  wait_inside(1);
  std::thread second([&] {
    expect_interrupted(run("wait"));
    second_is_over = true;
    program_->leave();
  });
  wait_inside(2);
  until(first_is_over, [&] { EXPECT_TRUE(program_->interrupt(first_id) || first_is_over); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(second_is_over);
  until(second_is_over, [&] { program_->interrupt(last_inside_); });
  first.join();
  second.join();
  EXPECT_FALSE(program_->interrupt(12345));
}

TEST_P(ThreadsTest, ATimeLimitEndsWhatRuns) {
  LEAVES_LOOPS();
  make();
  TimeLimit limit(*program_, std::chrono::milliseconds(30));
  EXPECT_FALSE(limit.is_over());
  expect_interrupted(run("loop"));
  EXPECT_TRUE(limit.is_over());
  expect_interrupted(run("wait"));
}

TEST_P(ThreadsTest, SpawnedThreadsCount) {
  make();
  std::set<int32_t> ids;
  constexpr uint32_t kThreads = 20;
  for (uint32_t i = 0; i < kThreads; ++i) {
    const int32_t id = spawn(16);
    EXPECT_GT(id, 0);
    EXPECT_LE(id, 0x1fffffff);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), kThreads);
  auto* const count = reinterpret_cast<uint32_t*>(program_->memory(kAddress, sizeof(uint32_t)));
  while (std::atomic_ref(*count).load() < kThreads) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_P(ThreadsTest, ATrapInASpawnedThreadEndsTheProgram) {
  LEAVES_LOOPS();
  make();
  in_hook_ = [&] {
    (void)run("spawn", {{.u64 = 1}});  // it may have ended the program before it returns
    return true;
  };
  const CallOutcome outcome = run("loop");
  EXPECT_EQ(outcome.kind, CallOutcome::Kind::trap);
  EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::unreachable);
  ASSERT_EQ(outcome.trap.backtrace.size(), 1U);
  EXPECT_NE(outcome.trap.backtrace.front().function.find("wasi_thread_start"), std::string::npos);
  EXPECT_EQ(run("own_count").trap.kind, runtime::TrapKind::unreachable) << "it has ended";
}

TEST_P(ThreadsTest, AnExitInAThreadOfTheHostEndsTheOthers) {
  LEAVES_LOOPS();
  make();
  constexpr uint32_t kCode = 5;
  std::thread other([&] {
    wait_inside(1);
    exit_code_ = kCode;
    const CallOutcome outcome = run("call_hook");
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::exit);
    EXPECT_EQ(outcome.exit_code, kCode);
    program_->leave();
  });
  const CallOutcome outcome = run("loop");
  other.join();
  EXPECT_EQ(outcome.kind, CallOutcome::Kind::exit);
  EXPECT_EQ(outcome.exit_code, kCode);
}

TEST_P(ThreadsTest, LeavingFromInsideHasNoEffect) {
  make();
  in_hook_ = [&] {
    program_->leave();
    return true;
  };
  std::thread([&] {
    number("own_count");
    number("call_hook");
    EXPECT_EQ(number("own_count"), 2U);
    program_->leave();
    EXPECT_EQ(number("own_count"), 1U);
    program_->leave();
  }).join();
}

TEST_P(ThreadsTest, AThreadThatEndedWithoutLeavingIsNotTakenForALaterOne) {
  make();
  for (int i = 0; i < 8; ++i) {
    std::thread([&] { EXPECT_EQ(number("own_count"), 1U); }).join();
  }
}

TEST_P(ThreadsTest, WhatConstructorsSpawnedEndsWhenLoadingFails) {
  LEAVES_LOOPS();
  make();
  program_ = *Program::create(engine_, {});
  const runtime::HostFunctionDefinition hook{"hook", "_i", &ThreadsTest::on_hook};
  ASSERT_TRUE(program_->add_host_module("env", std::span(&hook, 1), this));
  const auto load = [&](Extra extra) {
    return program_->load_main(*load_module(ThreadedMain(true, extra).build(), "main"));
  };
  const auto failed = load(Extra::failing_constructor);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::trap) << failed.error().message;
  EXPECT_NE(failed.error().message.find("running the constructors of main: trap: unreachable"), std::string::npos)
      << failed.error().message;
  const auto loaded = load(Extra::none);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_GT(spawn(16), 0);
  EXPECT_EQ(number("own_count"), 1U);
}

TEST_P(ThreadsTest, ThreadsDoNotStartInALibraryThatCanGo) {
  constexpr int32_t kNotSupported = -58;
  ProgramOptions options;
  auto library = load_module(ThreadedMain().build(), "libgoes.so");
  ASSERT_TRUE(library);
  options.registered_modules["libgoes.so"] = *library;
  make(true, std::move(options), Extra::no_thread_start);
  EXPECT_EQ(spawn(16), kNotSupported);
  ASSERT_TRUE(program_->open("libgoes.so", {.global = true}));
  EXPECT_EQ(spawn(16), kNotSupported);
  ASSERT_TRUE(program_->open("libgoes.so", {.keep = true}));
  EXPECT_GT(spawn(16), 0);
}

TEST_P(ThreadsTest, AThreadThatEndsInsideOfACallOfTheHostsEndsAlone) {
  make();
  std::atomic<bool> was_exit = false;
  in_hook_ = [&] {
    const auto outcome = program_->call(*program_->main(), "end_thread", {});
    was_exit = outcome && outcome->kind == CallOutcome::Kind::exit;
    return false;
  };
  EXPECT_GT(spawn(3), 0);
  wait_inside(1);
  while (!was_exit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  in_hook_ = nullptr;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(number("own_count"), 1U) << "the program goes on";
  EXPECT_EQ(number("shared_count"), 0U) << "the thread does not";
}

TEST_P(ThreadsTest, WhatIsStillBeingLoadedIsNotEnteredByOthers) {
  // Its start function hands a pointer out, waits in the hook, and traps.
  Library library;
  library.module.add(kImport, bytes("env", "memory", 0x02, 0x03, 0x00, unsigned_leb(65536)));
  library.import_table();
  library.import_global("env", "__memory_base", false);
  const uint32_t table_base = library.import_global("env", "__table_base", false);
  library.table_size = 1;
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  const uint32_t early = library.module.function(library.gives_i32, constant(7));
  const uint32_t start =
      library.module.function(library.nothing, bytes(constant(kAddress), get_global(table_base), Opcode::i32_store, 2,
                                                     0, call(hook), Opcode::drop, Opcode::unreachable));
  library.module.content(wasm::testing::kStart, unsigned_leb(start));
  library.module.add(wasm::testing::kElement,
                     bytes(0x00, get_global(table_base), Opcode::end, 0x01, unsigned_leb(early)));
  auto module = load_module(library.build(), "libearly.so");
  ASSERT_TRUE(module) << module.error().message;
  ProgramOptions options;
  options.registered_modules["libearly.so"] = *module;
  make(true, std::move(options));
  std::string trap;
  in_hook_ = [&] {
    std::thread([&] {
      const uint32_t slot = *reinterpret_cast<const uint32_t*>(program_->memory(kAddress, sizeof(uint32_t)));
      const auto outcome = program_->call_slot(slot, {});
      trap = outcome ? runtime::to_string(outcome->trap) : outcome.error().message;
      program_->leave();
    }).join();
    return true;
  };
  const auto opened = program_->open("libearly.so", {});
  EXPECT_FALSE(opened);
  EXPECT_NE(trap.find("call into libearly.so, which is in the middle of being loaded"), std::string::npos) << trap;
  EXPECT_EQ(number("own_count"), 1U);
}

TEST_P(ThreadsTest, AProgramGoesWithItsThreads) {
  LEAVES_LOOPS();
  make();
  for (int i = 0; i < 4; ++i) {
    EXPECT_GT(spawn(2), 0);
  }
  program_.reset();
}

TEST_P(ThreadsTest, ThreadsThatCannotBeAreRefused) {
  LEAVES_LOOPS();
  constexpr int32_t kAgain = -6;
  constexpr int32_t kNotSupported = -58;
  ProgramOptions options;
  options.maximum_threads = 2;
  make(true, std::move(options));
  EXPECT_GT(spawn(2), 0);
  EXPECT_GT(spawn(2), 0);
  EXPECT_EQ(spawn(2), kAgain);
  std::thread([&] {
    const auto outcome = program_->call(*program_->main(), "own_count", {});
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("2 threads, which is its limit"), std::string::npos);
  }).join();
  make(false);
  EXPECT_EQ(spawn(2), kNotSupported);
}

INSTANTIATE_TEST_SUITE_P(Ways, ThreadsTest, ::testing::Values(Way::interpreted, Way::compiled),
                         [](const auto& way) { return way.param == Way::compiled ? "Compiled" : "Interpreted"; });

}  // namespace
}  // namespace tenon::link
