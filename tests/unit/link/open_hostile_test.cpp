// What guest code does in the middle of loading and unloading must leave nothing that points to what is gone.
#include <set>

#include "unit/link/opened.h"

namespace tenon::link {
namespace {

using testing::bytes;
using testing::ByteVector;
using testing::call;
using testing::calls_hook;
using testing::constant;
using testing::get_global;
using testing::get_local;
using testing::giving;
using testing::Library;
using testing::make_main;
using testing::unsigned_leb;
using wasm::Opcode;
using wasm::ValueType;

class OpenHostileTest : public testing::OpenedTest {
 protected:
  Namespace& state() { return state_ == nullptr ? program_->main()->program() : *state_; }

  /// Every DSO and tag that anything refers to is there.
  void expect_consistent(const std::string& when = {}) {
    Namespace& program = state();
    std::set<const Dso*> there{nullptr};
    std::set<const runtime::Tag*> tags{nullptr};
    for (const auto& dso : program.dsos) {
      there.insert(dso.get());
    }
    for (const auto& dso : program.dsos) {
      for (size_t i = 0; dso != nullptr && i < dso->own_tags.size(); ++i) {
        tags.insert(&dso->own_tags[i]);
      }
    }
    for (const auto& [name, tag] : program.tags) {
      tags.insert(&tag);
    }
    const auto check = [&](const Dso* dso, const std::string& what) {
      EXPECT_TRUE(there.contains(dso)) << what << " " << when;
    };
    const auto check_all = [&](const std::vector<Dso*>& dsos, const std::string& what) {
      for (const Dso* const dso : dsos) {
        check(dso, what);
      }
    };
    const auto check_scope = [&](const std::shared_ptr<Scope>& scope, const std::string& what) {
      if (scope != nullptr) {
        check_all(scope->dsos, what);
      }
    };
    check(program.main, "main");
    check_all(program.link_map, "link map");
    check_all(program.gone, "gone");
    check_scope(program.global_scope, "global scope");
    for (const auto& entry : program.registered_instances) {
      check(entry.second, "registered instance");
    }
    for (const auto& entry : program.dsos_by_name) {
      check(entry.second, "name " + entry.first);
    }
    for (const auto& entry : program.dsos_by_file) {
      check(entry.second, "file");
    }
    for (const auto& entry : program.dsos_by_module) {
      check(entry.second, "module");
    }
    for (const auto& entry : program.dsos_by_handle) {
      check(entry.second, "handle");
    }
    for (const auto& dso : program.dsos) {
      if (dso == nullptr) {
        continue;
      }
      check_all(dso->needed, "needed by " + dso->name);
      check_all(dso->also_uses, "used by " + dso->name);
      check_scope(dso->own_scope, "own scope of " + dso->name);
      check_scope(dso->load_scope, "load scope of " + dso->name);
      for (const auto& scope : dso->scopes) {
        check_scope(scope, "scope of " + dso->name);
      }
      for (const GlobalBinding& binding : dso->globals) {
        check(binding.dso, "global of " + dso->name);
      }
      for (const TableBinding& binding : dso->tables) {
        check(binding.dso, "table of " + dso->name);
      }
      for (const runtime::Tag* const tag : dso->tags) {
        EXPECT_TRUE(tags.contains(tag)) << "tag of " << dso->name << " " << when;
      }
    }
  }

  Namespace* state_ = nullptr;
};

Library with_constructor(const ByteVector& code, std::vector<std::string> needed = {}) {
  Library library = make_main(std::move(needed));
  library.export_function("__wasm_call_ctors", library.module.function(library.nothing, code));
  return library;
}

/// A library whose constructor registers a destructor, which calls host function env.`hook`.
Library with_destructor(const std::string& hook, std::vector<std::string> needed = {}) {
  Library library;
  library.needed = std::move(needed);
  const uint32_t registers = library.module.type({ValueType::i32}, {ValueType::i32});
  const uint32_t at_exit = library.import_function("atexit", registers);
  const uint32_t called = library.import_function(hook, library.gives_i32);
  library.import_bases();
  library.table_size = 1;
  const uint32_t destructor = library.module.function(library.nothing, bytes(call(called), Opcode::drop));
  library.module.add(wasm::testing::kElement, bytes(0x00, get_global(1), Opcode::end, 0x01, unsigned_leb(destructor)));
  library.export_function("__wasm_call_ctors",
                          library.module.function(library.nothing, bytes(get_global(1), call(at_exit), Opcode::drop)));
  return library;
}

/// A main whose malloc calls host function env.`hook` and gives what that returns.
Library with_allocator(const std::string& hook) {
  Library main;
  const uint32_t called = main.import_function(hook, main.gives_i32);
  main.import_bases();
  const uint32_t allocates = main.module.type({ValueType::i32}, {ValueType::i32});
  const uint32_t frees = main.module.type({ValueType::i32}, {});
  main.export_function("malloc", main.module.function(allocates, call(called)));
  main.export_function("free", main.module.function(frees, bytes(Opcode::nop)));
  return main;
}

// ---- The first load -------------------------------------------------------------------------------------------------

TEST_F(OpenHostileTest, AStartFunctionRegistersADestructor) {
  Library library;
  const uint32_t at_exit = library.import_function("atexit", library.module.type({ValueType::i32}, {ValueType::i32}));
  library.import_bases();
  const uint32_t start_function =
      library.module.function(library.nothing, bytes(constant(0), call(at_exit), Opcode::drop));
  library.module.content(wasm::testing::kStart, unsigned_leb(start_function));
  add("liba.so", library);
  start(make_main({"liba.so"}));
}

TEST_F(OpenHostileTest, APlainModuleWithoutAProgram) {
  create();
  wasm::testing::ModuleBuilder plain;
  const uint32_t type = plain.type({ValueType::i32, ValueType::i32}, {ValueType::i32});
  const uint32_t registers = plain.type({ValueType::i32}, {ValueType::i32});
  const uint32_t gives = plain.type({}, {ValueType::i32});
  const uint32_t open_it = plain.import_function("tenon_dl", "open", type);
  const uint32_t find_it = plain.import_function("tenon_dl", "sym", type);
  const uint32_t next = plain.import_function("tenon_dl", "library", type);
  const uint32_t at_exit = plain.import_function("tenon_exit", "atexit", registers);
  plain.add(wasm::testing::kMemory, bytes(0x00, 0x01));
  const auto add_function = [&](const char* name, const ByteVector& code) {
    plain.add(wasm::testing::kExport, bytes(name, 0x00, unsigned_leb(plain.function(gives, code))));
  };
  add_function("open_main", bytes(constant(0), constant(2), call(open_it)));
  add_function("open", bytes(constant(8), constant(2), call(open_it)));
  add_function("default", bytes(constant(0), constant(8), call(find_it)));
  add_function("next", bytes(constant(-1), constant(8), call(find_it)));
  add_function("library", bytes(constant(0), constant(8), call(next)));
  add_function("at_exit", bytes(constant(0), call(at_exit)));
  plain.add(wasm::testing::kExport, bytes("handed_on", 0x00, unsigned_leb(find_it)));
  plain.add(wasm::testing::kData, bytes(0x00, constant(8), Opcode::end, 0x02, 'a', 0));
  const auto dso = program_->instantiate(module(plain.build()), "plain");
  ASSERT_TRUE(dso) << dso.error().message;
  for (const char* const name : {"open_main", "open", "default", "next", "library", "at_exit"}) {
    const auto outcome = program_->call(**dso, name, {});
    EXPECT_TRUE(outcome) << name;
  }
  const std::array<abi::Cell, 2> arguments{};
  EXPECT_TRUE(program_->call(**dso, "handed_on", arguments));
}

TEST_F(OpenHostileTest, AFailedFirstLoadTakesWhatItOpenedAlong) {
  on("hook", [&] { (void)open("libn.so", {.global = true}); });
  Library library;
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  library.import_bases();
  library.export_function("__wasm_call_ctors",
                          library.module.function(library.nothing, bytes(call(hook), Opcode::drop)));
  add("liba.so", library);
  Library nested = with_destructor("hook", {"liba.so"});
  nested.memory_size = 100;
  add("libn.so", nested);
  create();
  EXPECT_NE(load(with_constructor(bytes(Opcode::unreachable), {"liba.so"})), "");
  EXPECT_EQ(loaded(), std::vector<std::string>());
  hooks_.front()->body = [](runtime::HostCall& host_call) {
    host_call.set_u32(0);
    return true;
  };
  ASSERT_EQ(load(make_main({"liba.so"})), "");
  expect_consistent();
  EXPECT_EQ(loaded().size(), 2);
  EXPECT_EQ(state().dsos_by_handle.size(), 2);
  EXPECT_TRUE(state().destructors.empty());
}

TEST_F(OpenHostileTest, NothingIsOpenedBeforeMainIsThere) {
  std::string message;
  on("hook", [&] { message = open_fails("libn.so"); });
  Library library;
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  library.import_bases();
  const uint32_t start_function = library.module.function(library.nothing, bytes(call(hook), Opcode::drop));
  library.module.content(wasm::testing::kStart, unsigned_leb(start_function));
  add("liba.so", library);
  add("libn.so", make_main({"liba.so"}));
  start(make_main({"liba.so"}));
  EXPECT_NE(message, "");
  expect_consistent();
}

TEST_F(OpenHostileTest, AFailedFirstLoadLeavesNoPlacesBehind) {
  Library fixed;
  fixed.module.add(wasm::testing::kMemory, bytes(0x00, 0x01));
  fixed.module.add(wasm::testing::kExport, bytes("memory", 0x02, 0x00));
  fixed.module.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x01));
  fixed.module.add(wasm::testing::kExport, bytes("__indirect_function_table", 0x01, 0x00));
  fixed.needed = {"liba.so"};
  fixed.export_function("__wasm_call_ctors", fixed.module.function(fixed.nothing, bytes(Opcode::unreachable)));
  Library library = make_main({});
  library.memory_size = 100;
  add("liba.so", library);
  options_.place = Place::grow;
  create();
  const std::string message = load(fixed);
  EXPECT_NE(message.find("unreachable"), std::string::npos) << message;
  ASSERT_EQ(load(make_main({})), "");
  const uint64_t end = program_->memory_size();
  EXPECT_GE(open("liba.so")->memory_base, end) << "behind the new memory's end";
}

// ---- In the middle of a load ----------------------------------------------------------------------------------------

TEST_F(OpenHostileTest, TheAllocatorOpensWhatNeedsTheLibraryItIsAskedFor) {
  std::string message;
  on("hook", [&](runtime::HostCall& host_call) {
    message = open_fails("libn.so");
    expect_consistent("in malloc");
    host_call.set_u32(static_cast<uint32_t>(program_->memory_size() - 1024));
    return true;
  });
  Library library = giving("f", 5);
  library.memory_size = 16;
  library.export_data("data", 8);
  add("liba.so", library);
  Library nested = make_main({"liba.so"});
  nested.import_global("GOT.mem", "data");
  const uint32_t f = nested.import_function("f", nested.gives_i32);
  nested.export_function("g", nested.module.function(nested.gives_i32, call(f)));
  add("libn.so", nested);
  options_.place = Place::heap;
  start(with_allocator("hook"));
  Dso* const opened = open("liba.so");
  EXPECT_NE(message.find("liba.so"), std::string::npos) << message;
  EXPECT_EQ(value(*opened, "f"), 5);
  expect_consistent();
}

TEST_F(OpenHostileTest, ATagMadeByALoadThatFails) {
  int calls = 0;
  on("hook", [&](runtime::HostCall& host_call) {
    if (++calls == 1) {
      (void)open("libn.so");
    }
    host_call.set_u32(0);
    return true;
  });
  const auto with_tag = [] {
    Library library = make_main({});
    const uint32_t type = library.module.type({ValueType::i32}, {});
    library.module.add(wasm::testing::kImport, bytes("env", "__cpp_exception", 0x04, 0x00, unsigned_leb(type)));
    return library;
  };
  Library library = with_tag();
  library.memory_size = 16;
  add("liba.so", library);
  add("libn.so", with_tag());
  options_.place = Place::heap;
  start(with_allocator("hook"));
  (void)open_fails("liba.so");
  EXPECT_TRUE(is_loaded("libn.so"));
  expect_consistent();
}

TEST_F(OpenHostileTest, WhatSurvivesAFailedLoadForgetsTheRest) {
  // main uses libb.so before the constructor of liba.so traps.
  on("hook", [&] { EXPECT_EQ(value(*program_->main(), "late"), 5); });
  add("libb.so", giving("f", 5));
  Library library;
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  library.needed = {"libb.so"};
  library.import_bases();
  library.export_function("__wasm_call_ctors",
                          library.module.function(library.nothing, bytes(call(hook), Opcode::unreachable)));
  add("liba.so", library);
  Library main = make_main({});
  main.export_function("late", main.module.function(main.gives_i32, call(main.import_function("f", main.gives_i32))));
  start(main);
  (void)open_fails("liba.so", {.global = true});
  EXPECT_EQ(loaded().size(), 1);
  expect_consistent();
  EXPECT_EQ(value(*program_->main(), "late"), 5) << "it stays for main";
}

// ---- In the middle of unloading -------------------------------------------------------------------------------------

TEST_F(OpenHostileTest, WhatStillRunsForgetsWhatIsReclaimed) {
  Dso* root = nullptr;
  on("hook", [&] {
    close(root);
    expect_consistent("in the library");
  });
  Library library = make_main({});
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  const uint32_t nowhere = library.import_function("nowhere", library.gives_i32);
  library.export_function("f",
                          library.module.function(library.gives_i32, bytes(call(hook), Opcode::drop, call(nowhere))));
  add("libneeded.so", library);
  add("libroot.so", make_main({"libneeded.so"}));
  start();
  root = open("libroot.so");
  const auto outcome = program_->call_slot(address(*root, "f"), {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, CallOutcome::Kind::trap);
  expect_consistent();
  EXPECT_EQ(loaded().size(), 1);
}

TEST_F(OpenHostileTest, MainBindsToALibraryInItsDestructor) {
  on("hook", [&] { EXPECT_EQ(value(*program_->main(), "late"), 5); });
  Library library = with_destructor("hook");
  library.define("f", 5);
  add("liba.so", library);
  Library main = make_main({});
  main.export_function("late", main.module.function(main.gives_i32, call(main.import_function("f", main.gives_i32))));
  start(main);
  close(open("liba.so", {.global = true}));
  expect_consistent();
  EXPECT_EQ(value(*program_->main(), "late"), 5) << "it stays for main, for good";
  EXPECT_FALSE(is_loaded("liba.so"));
  EXPECT_NE(open("liba.so"), nullptr) << "another one";
  expect_consistent();
}

TEST_F(OpenHostileTest, ALibraryIsOpenedInADestructorAndUsesWhatIsBeingClosed) {
  on("hook", [&] { (void)open("libn.so", {.now = true}); });
  Library library = with_destructor("hook");
  library.define("f", 5);
  add("liba.so", library);
  Library nested = make_main({});
  const uint32_t f = nested.import_function("f", nested.gives_i32);
  nested.export_function("g", nested.module.function(nested.gives_i32, call(f)));
  add("libn.so", nested);
  start();
  close(open("liba.so", {.global = true}));
  expect_consistent();
  Dso* const opened = open("libn.so");
  EXPECT_EQ(value(*opened, "g"), 5);
  close(opened);
  close(opened);
  expect_consistent();
  EXPECT_EQ(loaded().size(), 1);
  Namespace& program = state();
  EXPECT_EQ(std::ranges::count_if(program.dsos, [](const auto& dso) { return dso != nullptr; }), 2)
      << "host and main are all there is";
}

TEST_F(OpenHostileTest, ADestructorRegisteredByWhatIsGone) {
  Dso* opened = nullptr;
  on("hook", [&] { close(opened); });
  Library library;
  const uint32_t at_exit = library.import_function("atexit", library.module.type({ValueType::i32}, {ValueType::i32}));
  const uint32_t hook = library.import_function("hook", library.gives_i32);
  library.import_bases();
  library.export_function(
      "f", library.module.function(library.gives_i32, bytes(call(hook), Opcode::drop, constant(1), call(at_exit))));
  add("liba.so", library);
  start();
  opened = open("liba.so");
  EXPECT_NE(slot_value(address(*opened, "f")), 0) << "it is not registered";
  EXPECT_TRUE(state().destructors.empty());
}

TEST_F(OpenHostileTest, ALibraryIsClosedByItsDestructorAtExit) {
  // A function of main, registered by the library, closes that and traps.
  Dso* opened = nullptr;
  on("hook", [&](runtime::HostCall& host_call) {
    close(opened);
    return host_call.trap("it is over");
  });
  Library main;
  const uint32_t hook = main.import_function("hook", main.gives_i32);
  main.import_bases();
  const uint32_t closes = main.module.function(main.nothing, bytes(call(hook), Opcode::drop));
  main.export_function("closes", closes);
  main.export_function("_start", main.module.function(main.nothing, bytes(Opcode::nop)));
  Library library;
  const uint32_t at_exit = library.import_function("atexit", library.module.type({ValueType::i32}, {ValueType::i32}));
  library.import_bases();
  const uint32_t cell = library.import_global("GOT.func", "closes");
  library.export_function(
      "__wasm_call_ctors",
      library.module.function(library.nothing, bytes(get_global(cell), call(at_exit), Opcode::drop)));
  const std::string name = "lib_with_a_name_that_is_not_stored_in_the_string_itself.so";
  add(name, library);
  start(main);
  opened = open(name);
  const auto outcome = program_->run();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, CallOutcome::Kind::trap);
  EXPECT_NE(outcome->trap.message.find(name), std::string::npos) << outcome->trap.message;
}

TEST_F(OpenHostileTest, AGuestCannotCloseWhatTheEmbedderOpened) {
  add("liba.so", giving("f", 5));
  Library main;
  const uint32_t closes = main.module.type({ValueType::i32}, {ValueType::i32});
  const uint32_t host_close = main.import_function("close", closes, "tenon_dl");
  main.import_bases();
  main.export_function("close", main.module.function(closes, bytes(get_local(0), call(host_close))));
  start(main);
  Dso* const opened = open("liba.so");
  const abi::Cell handle{.u64 = opened->handle};
  const auto closed = program_->call(*program_->main(), "close", std::span(&handle, 1));
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->results[0].i32, -1);
  ASSERT_TRUE(is_loaded("liba.so"));
  EXPECT_EQ(value(*opened, "f"), 5);
  close(opened);
  EXPECT_FALSE(is_loaded("liba.so"));
}

TEST_F(OpenHostileTest, ARegisteredInstanceIsClosed) {
  add("liba.so", giving("f", 5));
  start();
  Dso* const opened = open("liba.so");
  program_->register_instance("a", *opened);
  close(opened);
  expect_consistent();
}

// ---- Growth ---------------------------------------------------------------------------------------------------------

TEST_F(OpenHostileTest, ScopesOfASharedLibraryDoNotPileUp) {
  add("libshared.so", giving("f", 5));
  add("liba.so", make_main({"libshared.so"}));
  start();
  Dso* const shared = open("libshared.so");
  const size_t scopes = shared->scopes.size();
  for (int i = 0; i < 100; ++i) {
    close(open("liba.so"));
  }
  EXPECT_EQ(shared->scopes.size(), scopes);
  Dso* const user = open("liba.so");
  close(shared);
  close(user);
  EXPECT_EQ(loaded().size(), 1);
}

TEST_F(OpenHostileTest, ALibraryKeepsAScopeWhenWhoBroughtItGoes) {
  Library user = make_main({});
  const uint32_t itself = user.import_function("own", user.gives_i32);
  user.define("own", 7);
  user.export_function("call_own", user.module.function(user.gives_i32, call(itself)));
  add("libshared.so", user);
  add("liba.so", make_main({"libshared.so"}));
  add("libb.so", make_main({"libshared.so"}));
  start();
  Dso* const a = open("liba.so");
  Dso* const shared = open("libshared.so");
  close(a);
  for (int i = 0; i < 10; ++i) {
    close(open("libb.so"));
  }
  EXPECT_LE(shared->scopes.size(), 3);
  EXPECT_EQ(value(*shared, "call_own"), 7) << "it finds itself";
}

TEST_F(OpenHostileTest, NamesOfOneFileDoNotPileUp) {
  const testing::TemporaryDirectory directory;
  std::string path = directory.write("liba.so", make_main({}).build());
  start();
  Dso* const opened = open(path);
  for (int i = 0; i < 1000; ++i) {
    path.insert(path.rfind('/'), "/.");
    EXPECT_EQ(open(path), opened);
  }
  EXPECT_LT(state().dsos_by_name.size(), 100);
}

// ---- Libraries that are put off -------------------------------------------------------------------------------------

/// Is put off when main needs it, for it has no constructors; calls host function env.`hook` when it is used, and traps
/// then if `traps`. Has f, which gives 5.
Library put_off(const std::string& hook, bool traps = false) {
  Library library;
  const uint32_t called = library.import_function(hook, library.gives_i32);
  library.import_bases();
  const ByteVector code =
      traps ? bytes(call(called), Opcode::drop, Opcode::unreachable) : bytes(call(called), Opcode::drop);
  library.export_function("__wasm_apply_data_relocs", library.module.function(library.nothing, code));
  library.define("f", 5);
  return library;
}

TEST_F(OpenHostileTest, ALibraryIsClosedByWhatItUsesForTheFirstTime) {
  Dso* user = nullptr;
  on("hook", [&] {
    const uint32_t index = user->index;
    close(user);
    EXPECT_NE(state().dsos[index], nullptr) << "it runs";
    expect_consistent("in the library");
  });
  add("libp.so", put_off("hook"));
  Library library;
  const uint32_t f = library.import_function("f", library.gives_i32);
  library.import_bases();
  const uint32_t cell = library.import_global("GOT.func", "f");
  library.export_function("direct",
                          library.module.function(library.gives_i32, bytes(call(f), constant(1), Opcode::i32_add)));
  library.export_function("tail",
                          library.module.function(library.gives_i32, bytes(Opcode::return_call, unsigned_leb(f))));
  const ByteVector through_table =
      bytes(get_global(cell), Opcode::call_indirect, unsigned_leb(library.gives_i32), 0x00);
  library.export_function(
      "indirect", library.module.function(library.gives_i32, bytes(through_table, constant(2), Opcode::i32_add)));
  add("libuser.so", library);
  const auto run = [&](const std::string& name) {
    start(make_main({"libp.so"}));
    EXPECT_EQ(program_->statistics().put_off, 1);
    user = open("libuser.so");
    const int32_t result = slot_value(address(*user, name));
    EXPECT_FALSE(is_loaded("libuser.so"));
    expect_consistent();
    return result;
  };
  EXPECT_EQ(run("direct"), 6);
  EXPECT_EQ(run("tail"), 5);
  EXPECT_EQ(run("indirect"), 7);
}

TEST_F(OpenHostileTest, WhatCannotBeUsedIsNotUsedBehindItsBack) {
  int calls = 0;
  on("hook", [&] {
    ++calls;
    (void)call_in(*program_->main(), "call_f");
  });
  add("libp.so", put_off("hook", true));
  Library main;
  const uint32_t f = main.import_function("f", main.gives_i32);
  main.needed = {"libp.so"};
  main.import_bases();
  main.export_function("call_f", main.module.function(main.gives_i32, call(f)));
  start(main);
  EXPECT_EQ(program_->statistics().put_off, 1);
  EXPECT_NE(open_fails("libp.so").find("put off"), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    (void)call_in(*program_->main(), "call_f");
    EXPECT_NE(open_fails("libp.so").find("put off"), std::string::npos);
  }
  EXPECT_EQ(calls, 1) << "it is told the same, and not tried again";
}

TEST_F(OpenHostileTest, ConstructorsThatCallOneAnotherOftenAreNotLookedThrough) {
  Library library = make_main({});
  ByteVector code;
  for (int depth = 0; depth < 8; ++depth) {
    const uint32_t function = library.module.function(library.nothing, code);
    code = wasm::testing::repeat(100, call(function));
  }
  library.export_function("__wasm_call_ctors", library.module.function(library.nothing, call(7)));
  add("liba.so", library);
  // They would take for ever, too, if they ran: main fails before that.
  Library main = make_main({"liba.so"});
  main.module.add(wasm::testing::kData, bytes(0x00, constant(0), Opcode::end, 0x01, 0x00));
  create();
  EXPECT_NE(load(main).find("data segment"), std::string::npos);
}

TEST_F(OpenHostileTest, ATableOfAPlainModuleHoldsFunctionsOfALibrary) {
  Library library = make_main({});
  library.module.add(wasm::testing::kImport, bytes("m", "tab", 0x01, 0x70, 0x00, 0x01));
  const uint32_t f = library.module.function(library.gives_i32, constant(5));
  library.module.add(wasm::testing::kElement, bytes(0x02, 0x01, constant(0), Opcode::end, 0x00, 0x01, unsigned_leb(f)));
  add("liba.so", library);
  add("libother.so", giving("g", 6));
  start();
  wasm::testing::ModuleBuilder plain;
  const uint32_t type = plain.type({}, {ValueType::i32});
  plain.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x01));
  plain.add(wasm::testing::kExport, bytes("tab", 0x01, 0x00));
  const uint32_t calls = plain.function(type, bytes(constant(0), Opcode::call_indirect, unsigned_leb(type), 0x00));
  plain.add(wasm::testing::kExport, bytes("call", 0x00, unsigned_leb(calls)));
  const auto dso = program_->instantiate(module(plain.build()), "m");
  ASSERT_TRUE(dso) << dso.error().message;
  program_->register_instance("m", **dso);
  Dso* const opened = open("liba.so");
  EXPECT_EQ(value(**dso, "call"), 5);
  close(opened);
  (void)open("libother.so");
  EXPECT_NE(trap_in(**dso, "call").find("liba.so"), std::string::npos);
}

// ---- What is pending ------------------------------------------------------------------------------------------------

TEST_F(OpenHostileTest, ClosingDoesNotForgetATrap) {
  on("hook", [] {});
  on("outer", [&](runtime::HostCall&) {
    Dso* const opened = open("liba.so");
    const auto inner = program_->call(*program_->main(), "traps", {});
    EXPECT_EQ(inner->kind, CallOutcome::Kind::trap);
    close(opened);
    return false;
  });
  add("liba.so", with_destructor("hook"));
  Library main = make_main({});
  const uint32_t outer = main.import_function("outer", main.gives_i32);
  main.export_function("traps", main.module.function(main.nothing, bytes(Opcode::unreachable)));
  calls_hook(main, "call_outer", outer);
  start(main);
  EXPECT_NE(trap_in(*program_->main(), "call_outer").find("unreachable"), std::string::npos);
}

TEST_F(OpenHostileTest, AConstructorEndsTheProgramInsideOfAHostFunction) {
  on("leave", [](runtime::HostCall& host_call) { return host_call.exit(3); });
  on("outer", [&] { (void)program_->open("liba.so"); });
  Library library = make_main({});
  const uint32_t leave = library.import_function("leave", library.gives_i32);
  library.export_function("__wasm_call_ctors",
                          library.module.function(library.nothing, bytes(call(leave), Opcode::drop)));
  add("liba.so", library);
  Library main = make_main({});
  calls_hook(main, "call_outer", main.import_function("outer", main.gives_i32));
  start(main);
  const CallOutcome outcome = call_in(*program_->main(), "call_outer");
  EXPECT_EQ(outcome.kind, CallOutcome::Kind::exit);
  EXPECT_EQ(outcome.exit_code, 3);
}

}  // namespace
}  // namespace tenon::link
