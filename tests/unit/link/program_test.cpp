#include "link/program.h"

#include <gtest/gtest.h>

#include <array>

#include "link/namespace.h"
#include "unit/link/library.h"

namespace tenon::link {
namespace {

using testing::append;
using testing::bytes;
using testing::ByteVector;
using testing::Library;
using testing::make_main;
using testing::signed_leb;
using testing::TemporaryDirectory;
using testing::unsigned_leb;
using wasm::Opcode;
using wasm::ValueType;

/// Code that calls function `index`.
ByteVector call(uint32_t index) {
  return bytes(Opcode::call, unsigned_leb(index));
}
ByteVector constant(int32_t value) {
  return bytes(Opcode::i32_const, signed_leb(value));
}
ByteVector get_global(uint32_t index) {
  return bytes(Opcode::global_get, unsigned_leb(index));
}
ByteVector load_i32() {
  return bytes(Opcode::i32_load, 0x02, 0x00);
}

class ProgramTest : public ::testing::Test {
 protected:
  void add(const std::string& name, const Library& library) { (void)directory_.write(name, library.build()); }

  /// Loads main.wasm of the directory; a failure's message, or nothing.
  std::string load() {
    auto created = Program::create(engine_, options_);
    EXPECT_TRUE(created);
    program_ = *std::move(created);
    prepare_(*program_);
    return try_load();
  }
  std::string try_load() {
    const auto loaded = program_->load_main(directory_.path("main.wasm"));
    kind_ = loaded ? ErrorKind::usage : loaded.error().kind;
    return loaded ? "" : loaded.error().message;
  }
  CallOutcome call_main(const std::string& function) {
    auto outcome = program_->call(*program_->main(), function, {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : CallOutcome{};
  }
  /// What a function () -> i32 of main returns.
  int32_t value(const std::string& function) {
    const CallOutcome outcome = call_main(function);
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::returned) << runtime::to_string(outcome.trap);
    return outcome.results.empty() ? -1 : outcome.results[0].i32;
  }

  TemporaryDirectory directory_;
  Engine engine_;
  ProgramOptions options_;
  std::function<void(Program&)> prepare_ = [](Program&) {};
  std::unique_ptr<Program> program_;
  ErrorKind kind_{};
  uint32_t nine_ = 9;
};

TEST_F(ProgramTest, CallsAnotherLibrary) {
  Library lib = make_main({});
  lib.define("seven", 7);
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  const uint32_t seven = main.import_function("seven", main.gives_i32);
  main.export_function("twice", main.module.function(main.gives_i32, bytes(call(seven), call(seven), Opcode::i32_add)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(program_->statistics().bound_lazily, 0);
  EXPECT_EQ(value("twice"), 14);
  EXPECT_EQ(program_->statistics().bound_lazily, 1);
  EXPECT_EQ(value("twice"), 14);
  EXPECT_EQ(program_->statistics().bound_lazily, 1);
}

TEST_F(ProgramTest, BindNowLeavesNothingForLater) {
  options_.bind_now = true;
  Library lib = make_main({});
  lib.define("seven", 7);
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  const uint32_t seven = main.import_function("seven", main.gives_i32);
  main.export_function("go", main.module.function(main.gives_i32, call(seven)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("go"), 7);
  EXPECT_EQ(program_->statistics().bound_lazily, 0);
  EXPECT_EQ(program_->statistics().bound_at_load, 1);
}

TEST_F(ProgramTest, FirstDefinitionInScopeOrderWins) {
  for (const int i : {1, 2, 3}) {
    Library lib = make_main({});
    lib.define("which", i);
    lib.export_data("where", i * 4);
    lib.memory_size = 64;
    add("lib" + std::to_string(i) + ".so", lib);
  }
  Library main = make_main({"lib1.so", "lib2.so"});
  const uint32_t which = main.import_function("which", main.gives_i32);
  const uint32_t where = main.import_global("GOT.mem", "where");
  main.export_function("which_one", main.module.function(main.gives_i32, call(which)));
  main.export_function("where_is", main.module.function(main.gives_i32, get_global(where)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("which_one"), 1);
  EXPECT_EQ(static_cast<uint64_t>(value("where_is")), program_->link_map()[1].memory_base + 4);
  options_.preload = {"lib3.so"};
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("which_one"), 3);
  EXPECT_EQ(static_cast<uint64_t>(value("where_is")), program_->link_map()[1].memory_base + 12);
}

TEST_F(ProgramTest, AFunctionHasOneAddress) {
  // Defined in lib, which has it in an element segment of its own; main and another library take its address.
  Library lib = make_main({});
  lib.table_size = 2;
  const uint32_t other = lib.module.function(lib.nothing, {});
  const uint32_t function = lib.module.function(lib.nothing, {});
  lib.export_function("f", function);
  lib.export_function("g", other);
  const uint32_t table_base = 1;
  lib.module.add(wasm::testing::kElement,
                 bytes(0x00, get_global(table_base), Opcode::end, 0x02, unsigned_leb(other), unsigned_leb(function)));
  add("liblib.so", lib);
  Library user = make_main({});
  const uint32_t users = user.import_global("GOT.func", "f");
  user.export_function("users_f", user.module.function(user.gives_i32, get_global(users)));
  add("libuser.so", user);
  Library main = make_main({"libuser.so", "liblib.so"});
  const uint32_t f = main.import_global("GOT.func", "f");
  const uint32_t g = main.import_global("GOT.func", "g");
  const uint32_t host = main.import_global("GOT.func", "host_function");
  const uint32_t own = main.import_global("GOT.func", "own");
  const uint32_t users_f = main.import_function("users_f", main.gives_i32);
  main.define("own", 1);
  main.export_function("f_is", main.module.function(main.gives_i32, get_global(f)));
  main.export_function("g_is", main.module.function(main.gives_i32, get_global(g)));
  main.export_function("host_is", main.module.function(main.gives_i32, get_global(host)));
  main.export_function("own_is", main.module.function(main.gives_i32, get_global(own)));
  main.export_function("users_f_is", main.module.function(main.gives_i32, call(users_f)));
  main.export_function("call_host", main.module.function(main.gives_i32, bytes(get_global(host), Opcode::call_indirect,
                                                                               unsigned_leb(main.gives_i32), 0x00)));
  add("main.wasm", main);
  prepare_ = [](Program& program) {
    const runtime::HostFunctionDefinition definition{"host_function", "_i", [](void*, runtime::HostCall& host_call) {
                                                       host_call.set_u32(99);
                                                       return true;
                                                     }};
    ASSERT_TRUE(program.add_host_module("env", std::span(&definition, 1), nullptr));
  };
  ASSERT_EQ(load(), "");
  const auto base = static_cast<int32_t>(program_->link_map()[2].table_base);
  EXPECT_EQ(value("g_is"), base);
  EXPECT_EQ(value("f_is"), base + 1);
  EXPECT_EQ(value("users_f_is"), base + 1);
  EXPECT_NE(value("own_is"), 0);
  EXPECT_NE(value("host_is"), value("own_is"));
  EXPECT_EQ(value("call_host"), 99);
}

TEST_F(ProgramTest, UndefinedWeakIsNull) {
  Library main = make_main({});
  main.weak_imports = {"gone", "gone_data", "gone_address"};
  const uint32_t gone = main.import_function("gone", main.gives_i32);
  const uint32_t data = main.import_global("GOT.mem", "gone_data");
  const uint32_t address = main.import_global("GOT.func", "gone_address");
  main.export_function("data", main.module.function(main.gives_i32, get_global(data)));
  main.export_function("address", main.module.function(main.gives_i32, get_global(address)));
  main.export_function("call_it", main.module.function(main.gives_i32, call(gone)));
  add("main.wasm", main);
  for (const bool bind_now : {false, true}) {
    options_.bind_now = bind_now;
    ASSERT_EQ(load(), "");
    EXPECT_EQ(value("data"), 0);
    EXPECT_EQ(value("address"), 0);
    const CallOutcome outcome = call_main("call_it");
    ASSERT_EQ(outcome.kind, CallOutcome::Kind::trap);
    EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::unresolved_symbol);
    EXPECT_NE(outcome.trap.message.find("weak"), std::string::npos) << outcome.trap.message;
  }
}

TEST_F(ProgramTest, WhatIsMissingIsSaidAllAtOnce) {
  Library lib = make_main({});
  lib.define("mistyped", 1);
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  main.import_function("missing_function", main.nothing);
  const uint32_t mistyped = main.import_function("mistyped", main.nothing);
  main.import_global("GOT.mem", "missing_data");
  main.import_global("GOT.mem", "mistyped");
  main.export_function("go", main.module.function(main.nothing, call(mistyped)));
  add("main.wasm", main);
  options_.bind_now = true;
  const std::string message = load();
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  for (const char* const part : {"missing_function", "missing_data", "mistyped (function () -> ())", "main.wasm",
                                 "found in liblib.so as function () -> i32", "not found in", "4 in all"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
  // Without it, only data is missing at load; a function is when it is called, with the same text.
  options_.bind_now = false;
  EXPECT_NE(load().find("2 in all"), std::string::npos);
}

TEST_F(ProgramTest, AMissingFunctionTrapsAtItsCall) {
  Library main = make_main({});
  const uint32_t missing = main.import_function("missing_function", main.nothing);
  main.export_function("go", main.module.function(main.nothing, call(missing)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  const CallOutcome outcome = call_main("go");
  ASSERT_EQ(outcome.kind, CallOutcome::Kind::trap);
  EXPECT_EQ(outcome.trap.kind, runtime::TrapKind::unresolved_symbol);
  options_.bind_now = true;
  EXPECT_NE(load().find(outcome.trap.message), std::string::npos);
}

TEST_F(ProgramTest, LibrariesMayNeedEachOther) {
  Library a = make_main({"libb.so"});
  a.define("from_a", 5);
  const ByteVector a_bytes = a.build();
  (void)directory_.write("liba.so", a_bytes);
  Library b = make_main({"liba.so"});
  const uint32_t from_a = b.import_function("from_a", b.gives_i32);
  b.export_function("from_b", b.module.function(b.gives_i32, bytes(call(from_a), constant(1), Opcode::i32_add)));
  add("libb.so", b);
  Library main = make_main({"liba.so", "libb.so"});
  const uint32_t from_b = main.import_function("from_b", main.gives_i32);
  main.export_function("go", main.module.function(main.gives_i32, call(from_b)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("go"), 6);
  EXPECT_EQ(program_->link_map().size(), 3);
}

TEST_F(ProgramTest, LinkerSymbolsDescribeTheMemory) {
  options_.stack_size = 8192;
  options_.reserve = 4096;
  Library main = make_main({});
  main.memory_size = 100;
  for (const char* const name : {"__heap_base", "__heap_end", "__stack_low", "__stack_high"}) {
    const uint32_t cell = main.import_global("GOT.mem", name);
    main.export_function(std::string("get") + name, main.module.function(main.gives_i32, get_global(cell)));
  }
  const uint32_t stack_pointer = main.import_global("env", "__stack_pointer");
  main.export_function("get_sp", main.module.function(main.gives_i32, get_global(stack_pointer)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("get__stack_low"), 1024);
  EXPECT_EQ(value("get__stack_high"), 1024 + 8192);
  EXPECT_EQ(value("get_sp"), 1024 + 8192);
  EXPECT_GE(value("get__heap_base"), 1024 + 8192 + 100 + 4096);
  EXPECT_EQ(static_cast<uint64_t>(value("get__heap_end")), program_->memory_size());
}

TEST_F(ProgramTest, LibrariesOfAFixedMainFollowItsMemory) {
  Library lib;
  lib.memory_size = 16;
  lib.memory_alignment = 12;
  lib.table_size = 1;
  const uint32_t memory_base = lib.import_bases();
  const uint32_t stack_pointer = lib.import_global("env", "__stack_pointer");
  const uint32_t main_data = lib.import_global("GOT.mem", "main_data");
  lib.export_function("base", lib.module.function(lib.gives_i32, get_global(memory_base)));
  lib.export_function("stack", lib.module.function(lib.gives_i32, get_global(stack_pointer)));
  lib.export_function("address", lib.module.function(lib.gives_i32, get_global(main_data)));
  add("liblib.so", lib);
  Library main;
  main.needed = {"liblib.so"};
  const std::vector<std::string> names = {"base", "stack", "address"};
  std::vector<uint32_t> imports;
  for (const std::string& name : names) {
    imports.push_back(main.import_function(name, main.gives_i32));
  }
  main.module.add(wasm::testing::kMemory, bytes(0x00, 0x02));
  main.module.add(wasm::testing::kExport, bytes("memory", 0x02, 0x00));
  main.module.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x00));
  main.module.add(wasm::testing::kExport, bytes("__indirect_function_table", 0x01, 0x00));
  const uint32_t sp = main.global(constant(4096), true);
  main.export_global("__stack_pointer", sp);
  main.export_data("main_data", 5000);
  for (size_t i = 0; i < names.size(); ++i) {
    main.export_function("call_" + names[i], main.module.function(main.gives_i32, call(imports[i])));
  }
  main.export_function("move_stack",
                       main.module.function(main.nothing, bytes(constant(2048), Opcode::global_set, unsigned_leb(sp))));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("call_base"), 2 * 65536);
  EXPECT_EQ(value("call_address"), 5000);
  EXPECT_EQ(value("call_stack"), 4096);
  (void)call_main("move_stack");
  EXPECT_EQ(value("call_stack"), 2048);
  EXPECT_EQ(program_->link_map()[1].table_base, 1) << "slot 0 is never given out";
  EXPECT_EQ(program_->memory_size(), 3 * 65536);
}

TEST_F(ProgramTest, AFixedMainMustShareWhatALibraryNeeds) {
  Library lib = make_main({});
  lib.import_global("env", "__stack_pointer");
  add("liblib.so", lib);
  Library main;
  main.needed = {"liblib.so"};
  main.module.add(wasm::testing::kMemory, bytes(0x00, 0x02));
  add("main.wasm", main);
  const std::string message = load();
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  EXPECT_NE(message.find("--export=__stack_pointer"), std::string::npos) << message;
  EXPECT_NE(message.find("__indirect_function_table"), std::string::npos) << message;
}

TEST_F(ProgramTest, ALibraryWritesOnlyWhatItAskedFor) {
  Library lib;
  lib.memory_size = 4;
  const uint32_t memory_base = lib.import_bases();
  lib.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::end, 0x05, 1, 2, 3, 4, 5));
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  add("main.wasm", main);
  const std::string message = load();
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  EXPECT_NE(message.find("liblib.so"), std::string::npos) << message;
}

TEST_F(ProgramTest, DataIsCopiedAndConstructorsRunDependenciesFirst) {
  // Every constructor appends its digit to a number in the last library's data.
  Library log;
  log.memory_size = 4;
  log.import_bases();
  log.export_data("number", 0);
  log.module.add(wasm::testing::kData, bytes(0x00, get_global(0), Opcode::end, 0x04, 7, 0, 0, 0));
  add("liblog.so", log);
  const auto constructs = [&](const std::string& name, int digit, std::vector<std::string> needed) {
    Library lib = make_main(std::move(needed));
    const uint32_t number = lib.import_global("GOT.mem", "number");
    const ByteVector body = bytes(get_global(number), get_global(number), load_i32(), constant(10), Opcode::i32_mul,
                                  constant(digit), Opcode::i32_add, Opcode::i32_store, 0x02, 0x00);
    lib.export_function(name == "main.wasm" ? "_initialize" : "__wasm_call_ctors",
                        lib.module.function(lib.nothing, body));
    lib.export_function("number_is", lib.module.function(lib.gives_i32, bytes(get_global(number), load_i32())));
    add(name, lib);
  };
  constructs("lib1.so", 1, {"lib2.so", "liblog.so"});
  constructs("lib2.so", 2, {"lib3.so", "liblog.so"});
  constructs("lib3.so", 3, {"liblog.so"});
  constructs("main.wasm", 4, {"lib1.so", "lib3.so"});
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("number_is"), 73214);
}

TEST_F(ProgramTest, ThreadLocalAddressesAreInTheDefinersBlock) {
  // The start function puts the main thread's block into the image, as wasm-ld's does.
  Library lib;
  lib.memory_size = 32;
  const uint32_t memory_base = lib.import_bases();
  const uint32_t tls_base = lib.global(constant(0), true);
  lib.export_global("__tls_base", tls_base);
  lib.export_data("variable", 12);
  lib.thread_local_exports = {"variable"};
  const uint32_t start = lib.module.function(lib.nothing, bytes(get_global(memory_base), constant(16), Opcode::i32_add,
                                                                Opcode::global_set, unsigned_leb(tls_base)));
  lib.module.content(wasm::testing::kStart, unsigned_leb(start));
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  const uint32_t variable = main.import_global("GOT.mem", "variable");
  main.export_function("address", main.module.function(main.gives_i32, get_global(variable)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(static_cast<uint64_t>(value("address")), program_->link_map()[1].memory_base + 16 + 12);
}

TEST_F(ProgramTest, AFurtherInstanceFindsSharedMemoryAsItIs) {
  // What another thread's first call into a library makes: own globals and cells, the same memory and function slots.
  Library lib;
  lib.memory_size = 4;
  lib.table_size = 1;
  const uint32_t memory_base = lib.import_bases();
  const uint32_t address = lib.import_global("GOT.mem", "data");
  const uint32_t slot = lib.import_global("GOT.func", "slot_is");
  const uint32_t counter = lib.global(constant(1), true);
  lib.export_global("counter", counter);
  lib.export_data("data", 0);
  lib.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::end, 0x04, 9, 0, 0, 0));
  const ByteVector raise = bytes(get_global(counter), constant(1), Opcode::i32_add, Opcode::global_set,
                                 unsigned_leb(counter), get_global(address), constant(50), Opcode::i32_store, 2, 0);
  lib.export_function("change", lib.module.function(lib.nothing, raise));
  lib.export_function("counter_is", lib.module.function(lib.gives_i32, get_global(counter)));
  lib.export_function("data_is", lib.module.function(lib.gives_i32, bytes(get_global(address), load_i32())));
  lib.export_function("slot_is", lib.module.function(lib.gives_i32, get_global(slot)));
  add("main.wasm", lib);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("data_is"), 9);
  const int32_t slot_before = value("slot_is");
  (void)call_main("change");
  EXPECT_EQ(value("counter_is"), 2);
  Dso& dso = *program_->main();
  GuestThread& thread = *dso.program().main_thread;
  (void)thread.remove_instance(dso);
  ASSERT_NE(dso.instance_of(thread.state(), dso.index), nullptr);
  EXPECT_EQ(value("counter_is"), 1);
  EXPECT_EQ(value("data_is"), 50);
  EXPECT_EQ(value("slot_is"), slot_before);
}

TEST_F(ProgramTest, AFileThatIsTruncatedIsAnError) {
  Library lib;
  lib.memory_size = 4;
  const uint32_t memory_base = lib.import_bases();
  lib.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::end, 0x04, 9, 0, 0, 0));
  // The data begins on a page of its own, after a long name that nobody reads; a smaller file would not be mapped.
  lib.define(std::string(20000, 'x'), 1);
  add("main.wasm", lib);
  const std::string path = directory_.path("main.wasm");
  const auto module = *engine_.load(*base::FileBytes::map(path), path);
  std::filesystem::resize_file(path, 10);
  auto program = *Program::create(engine_, {});
  const auto loaded = program->load_main(module);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::io);
  EXPECT_NE(loaded.error().message.find("truncated"), std::string::npos);
}

TEST_F(ProgramTest, CodeMadeForOtherMemoriesIsRefused) {
  const runtime::CodeOptions other{.checks = runtime::BoundsChecks::explicit_checks};
  const auto module = *engine_.load(base::FileBytes::own(make_main({}).build()), "main", other);
  auto program = *Program::create(engine_, {});
  EXPECT_FALSE(program->instantiate(module, "m"));
  EXPECT_FALSE(program->load_main(module));
  ProgramOptions same;
  same.code = other;
  EXPECT_TRUE((*Program::create(engine_, same))->load_main(module));
}

TEST_F(ProgramTest, AFailedLoadLeavesNothing) {
  Library lib = make_main({});
  lib.export_function("__wasm_call_ctors", lib.module.function(lib.nothing, bytes(Opcode::unreachable)));
  lib.export_function("f", lib.module.function(lib.nothing, {}));
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  main.import_global("GOT.func", "f");
  add("main.wasm", main);
  EXPECT_NE(load().find("while running the constructors of liblib.so"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::trap);
  EXPECT_EQ(program_->main(), nullptr);
  EXPECT_TRUE(program_->link_map().empty());
  EXPECT_EQ(program_->memory_size(), 0);
  Library good = make_main({});
  good.define("f", 1);
  std::filesystem::remove(directory_.path("main.wasm"));
  add("main.wasm", good);
  EXPECT_EQ(try_load(), "");
  EXPECT_EQ(value("f"), 1);
}

TEST_F(ProgramTest, AConstructorMayEndTheProgram) {
  Library lib = make_main({});
  const uint32_t leave = lib.import_function("leave", lib.nothing, "host");
  lib.export_function("__wasm_call_ctors", lib.module.function(lib.nothing, call(leave)));
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  main.export_function("_start", main.module.function(main.nothing, bytes(Opcode::unreachable)));
  add("main.wasm", main);
  prepare_ = [](Program& program) {
    const runtime::HostFunctionDefinition leaves{"leave", "_",
                                                 [](void*, runtime::HostCall& host_call) { return host_call.exit(3); }};
    ASSERT_TRUE(program.add_host_module("host", std::span(&leaves, 1), nullptr));
    EXPECT_FALSE(program.add_host_module("host", std::span(&leaves, 1), nullptr)) << "twice";
  };
  ASSERT_EQ(load(), "");
  const auto outcome = program_->run();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, CallOutcome::Kind::exit);
  EXPECT_EQ(outcome->exit_code, 3);
}

TEST_F(ProgramTest, TellsApartWhatIsNotThere) {
  EXPECT_NE(load(), "");
  EXPECT_EQ(kind_, ErrorKind::not_found);
  add("main.wasm", make_main({"libgone.so"}));
  EXPECT_NE(load().find("libgone.so"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  (void)directory_.write("libgone.so", {'n', 'o'});
  const std::string message = load();
  EXPECT_NE(message.find("libgone.so"), std::string::npos);
  EXPECT_NE(message.find("needed by"), std::string::npos) << message;
  EXPECT_EQ(kind_, ErrorKind::malformed);
  wasm::testing::ModuleBuilder plain;
  (void)directory_.write("libgone.so", plain.build());
  EXPECT_NE(load().find("dylink.0"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
}

TEST_F(ProgramTest, LimitsHold) {
  Library lib = make_main({});
  lib.memory_size = 100 * 65536;
  add("libbig.so", lib);
  add("main.wasm", make_main({"libbig.so"}));
  options_.maximum_memory = 50 * 65536;
  EXPECT_NE(load().find("libbig.so"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::limit);
  options_ = {};
  options_.maximum_libraries = 1;
  EXPECT_NE(load(), "");
  EXPECT_EQ(kind_, ErrorKind::limit);
  options_.maximum_libraries = 2;
  EXPECT_EQ(load(), "");
}

TEST_F(ProgramTest, MemoryImportsMustAgree) {
  Library lib;
  lib.module.add(wasm::testing::kImport, bytes("env", "memory", 0x02, 0x03, 0x01, 0x10));
  add("libshared.so", lib);
  add("main.wasm", make_main({"libshared.so"}));
  EXPECT_NE(load().find("shared"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
}

TEST_F(ProgramTest, LoadsManyLibraries) {
  constexpr int kCount = 300;
  std::vector<std::string> needed;
  for (int i = 0; i < kCount; ++i) {
    Library lib = make_main({});
    lib.define("f" + std::to_string(i), i);
    lib.memory_size = 8;
    needed.push_back("lib" + std::to_string(i) + ".so");
    add(needed.back(), lib);
  }
  Library main = make_main(needed);
  ByteVector sum = constant(0);
  for (int i = 0; i < kCount; ++i) {
    append(sum, bytes(call(main.import_function("f" + std::to_string(i), main.gives_i32)), Opcode::i32_add));
  }
  main.export_function("sum", main.module.function(main.gives_i32, sum));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("sum"), kCount * (kCount - 1) / 2);
}

TEST_F(ProgramTest, DebugLinesGoToTheSink) {
  std::vector<std::string> lines;
  options_.debug = kDebugAll;
  options_.debug_sink = [&](std::string_view line) { lines.emplace_back(line); };
  Library lib = make_main({});
  lib.define("f", 1);
  lib.export_function("__wasm_call_ctors", lib.module.function(lib.nothing, bytes(Opcode::nop)));
  add("liblib.so", lib);
  Library main = make_main({"liblib.so"});
  main.import_global("GOT.func", "f");
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  const auto said = [&](const std::string& part) {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(part); });
  };
  EXPECT_TRUE(said("find library=liblib.so"));
  EXPECT_TRUE(said("trying file=" + directory_.path("liblib.so")));
  EXPECT_TRUE(said("symbol=f;  lookup in file="));
  EXPECT_TRUE(said("to liblib.so: normal symbol `f'"));
  EXPECT_TRUE(said("calling init: liblib.so"));
  EXPECT_TRUE(said("runtime linker statistics"));
  EXPECT_TRUE(said("cell GOT.func.f of"));
  program_.reset();  // it may tell until it is gone
}

TEST(DebugCategories, Parse) {
  EXPECT_EQ(parse_debug_categories("libs,files"), kDebugLibs | kDebugFiles);
  EXPECT_EQ(parse_debug_categories("all"), kDebugAll);
  EXPECT_EQ(parse_debug_categories(""), 0);
  const auto wrong = parse_debug_categories("libs,nonsense");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("nonsense"), std::string::npos);
}

TEST(Printable, EscapesAndCuts) {
  EXPECT_EQ(printable("plain"), "plain");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_LT(printable(std::string(1000000, 'x')).size(), 400);
}

TEST_F(ProgramTest, HostFunctionsAreResolvedByTheImportersType) {
  std::vector<std::string> asked;
  prepare_ = [&](Program& program) {
    program.set_host_resolver([&](std::string_view module, std::string_view name,
                                  const wasm::FunctionType* type) -> std::optional<ResolvedHostFunction> {
      asked.push_back(fmt::format("{}.{} {}", module, name, type == nullptr ? "?" : to_string(*type)));
      if (name != "nine" || type == nullptr) {
        return std::nullopt;
      }
      return ResolvedHostFunction{[](void* environment, runtime::HostCall& call) {
                                    call.set_u32(*static_cast<uint32_t*>(environment));
                                    return true;
                                  },
                                  &nine_, *type};
    });
  };
  Library main = make_main({});
  const uint32_t nine = main.import_function("nine", main.gives_i32);
  const uint32_t absent = main.import_function("absent", main.gives_i32);
  main.export_function("go", main.module.function(main.gives_i32, call(nine)));
  main.export_function("fail", main.module.function(main.gives_i32, call(absent)));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_EQ(value("go"), 9);
  EXPECT_EQ(call_main("fail").trap.kind, runtime::TrapKind::unresolved_symbol);
  EXPECT_EQ(asked, (std::vector<std::string>{"env.nine () -> i32", "env.absent () -> i32"}));
  EXPECT_FALSE(program_->symbol(*program_->main(), "nine"));  // without a type it is not known
  EXPECT_EQ(asked.back(), "env.nine ?");
}

TEST_F(ProgramTest, FunctionsAreCalledByIndexAndByReference) {
  Library main = make_main({});
  const uint32_t hidden =
      main.module.function(main.module.type({ValueType::i32}, {ValueType::i32}), bytes(Opcode::local_get, 0x00));
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  Dso& dso = *program_->main();
  const std::array argument{abi::Cell{.u64 = 5}};
  auto outcome = program_->call(dso, hidden, argument);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->results[0].i32, 5);
  outcome = program_->call(*dso.own_function(hidden), argument);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->results[0].i32, 5);
  EXPECT_FALSE(program_->call(dso, hidden, {}));
  EXPECT_FALSE(program_->call(dso, hidden + 1, {}));
  EXPECT_FALSE(program_->call(*dso.own_function(hidden), {}));
}

TEST_F(ProgramTest, AProgramThatAskedToEndIsCalledAgain) {
  static constexpr std::array kFunctions = {
      runtime::HostFunctionDefinition{"end", "_", [](void*, runtime::HostCall& call) { return call.exit(3); }}};
  prepare_ = [](Program& program) { EXPECT_TRUE(program.add_host_module("env", kFunctions, nullptr)); };
  Library main = make_main({});
  const uint32_t end = main.import_function("end", main.nothing);
  main.export_function("leave", main.module.function(main.nothing, call(end)));
  main.define("seven", 7);
  add("main.wasm", main);
  ASSERT_EQ(load(), "");
  EXPECT_TRUE(program_->forget_exit());
  EXPECT_EQ(call_main("leave").exit_code, 3);
  EXPECT_EQ(call_main("seven").kind, CallOutcome::Kind::exit);
  EXPECT_TRUE(program_->forget_exit());
  EXPECT_EQ(value("seven"), 7);
}

}  // namespace
}  // namespace tenon::link
