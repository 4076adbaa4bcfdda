// Interrupting interpreted code that runs, and asking it what it is in the middle of.
#include "unit/link/interruption.h"

namespace tenon::link {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

ByteVector call(uint32_t index) {
  return bytes(Opcode::call, unsigned_leb(index));
}
ByteVector get_local(uint32_t index) {
  return bytes(Opcode::local_get, unsigned_leb(index));
}
ByteVector set_local(uint32_t index) {
  return bytes(Opcode::local_set, unsigned_leb(index));
}
ByteVector constant(int32_t value) {
  return bytes(Opcode::i32_const, signed_leb(value));
}
const ByteVector kBranchToLoop = bytes(Opcode::br_if, 0);

class InterpretedInterruption : public InterruptionTest {
 protected:
  InterpretedInterruption() : InterruptionTest({}) {}
};

struct Loop {
  const char* name;
  ByteVector body;
};

// Local 0 is 1, locals 1 and 2 are 0; local 3 is an i64 and local 4 an f64, both 0. One for each handler that jumps
// back.
const Loop kLoops[] = {
    {"jump", bytes(Opcode::br, 0)},
    {"copy and jump", bytes(get_local(0), set_local(2), Opcode::br, 0)},
    {"branch by a slot", bytes(get_local(0), kBranchToLoop)},
    {"branch by the accumulator", bytes(get_local(0), Opcode::i32_popcnt, kBranchToLoop)},
    {"branch unless, by a slot", bytes(get_local(1), Opcode::i32_eqz, kBranchToLoop)},
    {"branch unless, by the accumulator", bytes(get_local(1), Opcode::i32_popcnt, Opcode::i32_eqz, kBranchToLoop)},
    {"table by a slot", bytes(get_local(0), Opcode::br_table, 1, 0, 0)},
    {"table by the accumulator", bytes(get_local(0), Opcode::i32_popcnt, Opcode::br_table, 1, 0, 0)},
    {"compare slots", bytes(get_local(1), get_local(0), Opcode::i32_lt_u, kBranchToLoop)},
    {"compare slots, negated", bytes(get_local(0), get_local(1), Opcode::i32_lt_u, Opcode::i32_eqz, kBranchToLoop)},
    {"compare with a constant", bytes(get_local(0), constant(7), Opcode::i32_ne, kBranchToLoop)},
    {"compare the accumulator", bytes(get_local(0), Opcode::i32_popcnt, constant(7), Opcode::i32_ne, kBranchToLoop)},
    {"compare i64 with zero", bytes(get_local(3), Opcode::i64_eqz, kBranchToLoop)},
    {"compare f64", bytes(get_local(4), get_local(4), Opcode::f64_eq, kBranchToLoop)},
    {"a bit in common", bytes(get_local(0), get_local(0), Opcode::i32_and, kBranchToLoop)},
    {"no bit in common", bytes(get_local(0), get_local(1), Opcode::i32_and, Opcode::i32_eqz, kBranchToLoop)},
    {"count, compare with a constant", bytes(get_local(1), constant(2), Opcode::i32_add, Opcode::local_tee, 1,
                                             constant(1), Opcode::i32_ne, kBranchToLoop)},
    {"count, compare with a slot", bytes(get_local(1), constant(2), Opcode::i32_add, Opcode::local_tee, 1, get_local(0),
                                         Opcode::i32_ne, kBranchToLoop)},
    {"out of a block", bytes(Opcode::block, kVoid, Opcode::br, 1, Opcode::end)},
};

TEST_F(InterpretedInterruption, EndlessLoopsWithoutCalls) {
  const ByteVector locals = bytes(3, 3, ValueType::i32, 1, ValueType::i64, 1, ValueType::f64);
  for (const Loop& loop : kLoops) {
    SCOPED_TRACE(loop.name);
    load_body(bytes(constant(1), set_local(0), Opcode::loop, kVoid, loop.body, Opcode::end, constant(0)), locals);
    expect_interrupted("run");
  }
}

TEST_F(InterpretedInterruption, LoopThatCarriesValues) {
  // A branch with values that are not in place goes back by way of copies.
  Library main = make_hooked();
  const uint32_t carries = main.module.type({ValueType::i32}, {ValueType::i32});
  const ByteVector body =
      bytes(call_hook(), constant(5), Opcode::loop, unsigned_leb(carries), constant(1), Opcode::i32_add, set_local(0),
            constant(9), get_local(0), get_local(0), kBranchToLoop, Opcode::drop, Opcode::end);
  main.export_function("run", main.module.function(main.gives_i32, body, bytes(1, 1, ValueType::i32)));
  load(main.build());
  expect_interrupted_always();
}

TEST_F(InterpretedInterruption, LoopThatCallsTheHost) {
  load_body(bytes(Opcode::loop, kVoid, call_hook(), Opcode::br, 0, Opcode::end, constant(0)));
  expect_interrupted_always();
}

/// A body of a function (i32) that makes `call_one_less`, with the local one less on the stack, twice unless it is 0.
ByteVector twice(const ByteVector& call_one_less) {
  const ByteVector call = bytes(get_local(0), constant(1), Opcode::i32_sub, call_one_less);
  return bytes(get_local(0), Opcode::if_, kVoid, call, call, Opcode::end);
}
constexpr int32_t kDeep = 90;  // 2^90 calls

TEST_F(InterpretedInterruption, RecursionWithoutLoops) {
  Library main = make_hooked();
  const uint32_t takes_i32 = main.module.type({ValueType::i32}, {});
  const uint32_t recursive = main.module.function(takes_i32, twice(call(1)));
  ASSERT_EQ(recursive, 1U);
  main.export_function("recursive", recursive);
  main.export_function(
      "run", main.module.function(main.gives_i32, bytes(call_hook(), constant(kDeep), call(recursive), constant(0))));
  load(main.build());
  expect_interrupted("recursive");
  expect_interrupted_always();
}

TEST_F(InterpretedInterruption, RecursionThroughImports) {
  Library lib = make_main({});
  const uint32_t type_in_lib = lib.module.type({ValueType::i32}, {});
  const uint32_t ping = lib.import_function("ping", type_in_lib);
  lib.export_function("pong", lib.module.function(type_in_lib, twice(call(ping))));
  (void)directory_.write("liblib.so", lib.build());
  Library main = make_hooked({"liblib.so"});
  const uint32_t takes_i32 = main.module.type({ValueType::i32}, {});
  const uint32_t pong = main.import_function("pong", takes_i32);
  main.export_function("ping", main.module.function(takes_i32, twice(call(pong))));
  main.export_function(
      "run", main.module.function(main.gives_i32, bytes(call_hook(), constant(kDeep), call(pong), constant(0))));
  load(main.build());
  expect_interrupted_always();
}

/// A main module with function 1, `body`, in its function table, and `run`, which calls it with kDeep.
Library indirect_main(const std::function<ByteVector(const ByteVector& call)>& body, const ByteVector& index_changed,
                      Opcode call_opcode) {
  Library main = make_main({});
  (void)main.import_function("hook", main.gives_i32);
  main.table_size = 1;
  constexpr uint32_t kTableBase = 1;
  const uint32_t takes_i32 = main.module.type({ValueType::i32}, {});
  const ByteVector call_itself =
      bytes(Opcode::global_get, kTableBase, index_changed, call_opcode, unsigned_leb(takes_i32), 0);
  const uint32_t function = main.module.function(takes_i32, body(call_itself), bytes(1, 1, ValueType::i32));
  main.module.add(wasm::testing::kElement, bytes(0x00, Opcode::global_get, kTableBase, Opcode::end, 1, function));
  main.export_function("itself", function);
  main.export_function("run", main.module.function(main.gives_i32, bytes(Opcode::call, 0, Opcode::drop, constant(kDeep),
                                                                         call(function), constant(0))));
  return main;
}

TEST_F(InterpretedInterruption, RecursionThroughTheTable) {
  load(indirect_main(twice, {}, Opcode::call_indirect).build());
  expect_interrupted("itself");
  // With the index in the accumulator.
  load(indirect_main(twice, bytes(constant(0), Opcode::i32_or), Opcode::call_indirect).build());
  expect_interrupted("itself");
}

TEST_F(InterpretedInterruption, EndlessTailCalls) {
  Library main = make_hooked();
  const uint32_t again = main.module.function(main.nothing, bytes(Opcode::return_call, 1));
  ASSERT_EQ(again, 1U);
  main.export_function("again", again);
  main.export_function("run", main.module.function(main.gives_i32, bytes(call_hook(), call(again), constant(0))));
  load(main.build());
  expect_interrupted("again");
  expect_interrupted_always();
}

/// Two libraries whose functions tail call each other: main's `ping` and the library's `pong`.
void add_ping_pong(Library& main, Library& lib) {
  const uint32_t ping = lib.import_function("ping", lib.nothing);
  lib.export_function("pong", lib.module.function(lib.nothing, bytes(Opcode::return_call, unsigned_leb(ping))));
  const uint32_t pong = main.import_function("pong", main.nothing);
  main.export_function("ping", main.module.function(main.nothing, bytes(Opcode::return_call, unsigned_leb(pong))));
  const ByteVector body = bytes(Opcode::call, 0, Opcode::drop, call(pong), constant(0));
  main.export_function("run", main.module.function(main.gives_i32, body));
}

TEST_F(InterpretedInterruption, EndlessTailCallsThroughImports) {
  Library lib = make_main({});
  Library main = make_hooked({"liblib.so"});
  add_ping_pong(main, lib);
  (void)directory_.write("liblib.so", lib.build());
  load(main.build());
  expect_interrupted_always();
}

TEST_F(InterpretedInterruption, EndlessTailCallsThroughTheTable) {
  const auto body = [](const ByteVector& call_itself) { return bytes(get_local(0), call_itself); };
  load(indirect_main(body, {}, Opcode::return_call_indirect).build());
  expect_interrupted("itself");
  expect_interrupted_always();
}

TEST_F(InterpretedInterruption, WaitingThread) {
  load(waiting_main());
  expect_interrupted("run");
  expect_interrupted_always();
}

TEST_F(InterpretedInterruption, WithdrawnBeforeAnybodyLooks) {
  load(polling_main());
  set_flag(1);
  expect_returns(run_while([](runtime::Thread&, pthread_t) { return true; }), 42);
  runtime::Thread* const thread = thread_.load();
  ASSERT_NE(thread, nullptr);
  runtime::interrupt(*thread, pthread_self());
  runtime::withdraw_interrupt(*thread);
  expect_returns(run_while([](runtime::Thread&, pthread_t) { return true; }), 42);
}

TEST_F(InterpretedInterruption, AfterwardsTheProgramRuns) {
  load(polling_main());
  expect_interrupted("run");
  set_flag(1);
  expect_returns(run_while([](runtime::Thread&, pthread_t) { return true; }), 42);
}

TEST_F(InterpretedInterruption, RunningThreadAnswersOnce) {
  load(polling_main());
  for (int i = 0; i < 20; ++i) {
    set_flag(0);
    InstanceQuestion question(*program_->main());
    expect_returns(run_asked(question, [&] { set_flag(1); }), 42);
    thread_ = nullptr;
    EXPECT_EQ(question.answers(), 1);
    EXPECT_TRUE(question.in_frames());
  }
}

TEST_F(InterpretedInterruption, FramesTellWhoRunsAfterATailCall) {
  // Nobody waits for a call of the library's to return: its function calls are all tail calls.
  Library lib = make_main({});
  const uint32_t enough = lib.import_global("GOT.mem", "enough");
  const ByteVector poll = bytes(Opcode::loop, kVoid, Opcode::global_get, enough, Opcode::i32_atomic_load, 0x02, 0x00,
                                Opcode::i32_eqz, kBranchToLoop, Opcode::end, constant(42));
  lib.export_function("poll", lib.module.function(lib.gives_i32, poll));
  (void)directory_.write("liblib.so", lib.build());
  Library main = make_hooked({"liblib.so"});
  main.memory_size = 4;
  main.memory_alignment = 2;
  main.export_data("enough", 0);
  const uint32_t poll_in_lib = main.import_function("poll", main.gives_i32);
  main.export_function("run",
                       main.module.function(main.gives_i32, bytes(call_hook(), Opcode::return_call, poll_in_lib)));
  load(main.build());
  InstanceQuestion question(*program_->main()->needed.at(0));
  expect_returns(run_asked(question, [&] { set_flag(1); }), 42);
  EXPECT_EQ(question.answers(), 1);
  EXPECT_TRUE(question.in_frames());
}

TEST_F(InterpretedInterruption, WaitingThreadAnswersOnce) {
  load(waiting_main());
  InstanceQuestion question(*program_->main());
  const auto outcome =
      run_asked(question, [&] { EXPECT_EQ(runtime::notify(program_->main()->memory(0).base, 1), 1U); });
  expect_returns(outcome, 0);
  EXPECT_EQ(question.answers(), 1);
  EXPECT_TRUE(question.in_frames());
}

}  // namespace
}  // namespace tenon::link
