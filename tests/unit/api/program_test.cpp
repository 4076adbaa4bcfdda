// The C++ interface, as a host uses it: nothing here knows what is behind it but how modules are made for tests.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "tenon/tenon.h"
#include "unit/link/library.h"

namespace tenon {
namespace {

using link::testing::append;
using link::testing::bytes;
using link::testing::ByteVector;
using link::testing::Library;
using link::testing::make_main;
using link::testing::unsigned_leb;
using wasm::Opcode;
using Type = wasm::ValueType;

ByteVector call(uint32_t function) {
  return bytes(Opcode::call, unsigned_leb(function));
}
ByteVector get(uint32_t local) {
  return bytes(Opcode::local_get, unsigned_leb(local));
}
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { options_.wasi.reset(); }

  Program create() {
    auto program = Program::create(engine_, options_);
    EXPECT_TRUE(program) << program.error().message;
    return *std::move(program);
  }
  Module module(const Library& library, const std::string& name) {
    auto loaded = engine_.load(library.build(), name);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return *std::move(loaded);
  }
  void load(const Program& program, const Library& main) {
    const auto loaded = program.load(module(main, "main"));
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  template <class T>
  static void expect_error(const Result<T>& result, ErrorKind kind, std::string_view text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind) << result.error().message;
    EXPECT_NE(result.error().message.find(text), std::string::npos) << result.error().message;
  }

  Engine engine_;
  ProgramOptions options_;
};

/// A main that passes its arguments on to a host function of the same type, under the name "pass".
Library passing_main(std::vector<Type> parameters, std::vector<Type> results) {
  Library main = make_main({});
  const uint32_t type = main.module.type(parameters, results);
  const uint32_t host = main.import_function("host", type);
  ByteVector body;
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    append(body, get(i));
  }
  append(body, call(host));
  main.export_function("pass", main.module.function(type, body));
  return main;
}

TEST_F(ApiTest, NumbersOfEachTypeCrossBothWays) {
  const Program program = create();
  ASSERT_TRUE(program.define("env", "host", [](int32_t a, uint64_t b, float c, double d) {
    return static_cast<double>(a) + static_cast<double>(b) + static_cast<double>(c) + d;
  }));
  load(program, passing_main({Type::i32, Type::i64, Type::f32, Type::f64}, {Type::f64}));
  const auto pass = program.function<double(int32_t, uint64_t, float, double)>("pass");
  ASSERT_TRUE(pass) << pass.error().message;
  const auto sum = (*pass)(-5, uint64_t{1} << 40, 0.25F, 1e-3);
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(*sum, -5 + 0x1p40 + 0.25 + 1e-3);
  EXPECT_NE(pass->pointer(), 0U);
  const auto by_pointer = program.function_at<double(int32_t, uint64_t, float, double)>(pass->pointer());
  ASSERT_TRUE(by_pointer) << by_pointer.error().message;
  EXPECT_EQ((*by_pointer)(1, 2, 3, 4), 10);
}

TEST_F(ApiTest, SmallIntegersAndEnumerationsAreNumbers) {
  enum class Colour : uint8_t { red = 200 };
  const Program program = create();
  ASSERT_TRUE(program.define("env", "host", [](int16_t a, Colour b) { return a == -3 && b == Colour::red; }));
  load(program, passing_main({Type::i32, Type::i32}, {Type::i32}));
  const auto pass = program.function<bool(int16_t, Colour)>("pass");
  ASSERT_TRUE(pass) << pass.error().message;
  EXPECT_EQ((*pass)(-3, Colour::red), true);
  EXPECT_EQ((*pass)(3, Colour::red), false);
}

TEST_F(ApiTest, ATupleIsSeveralResults) {
  const Program program = create();
  ASSERT_TRUE(program.define("env", "host", [](int32_t a) { return std::tuple(a + 1, int64_t{a} * 2, 0.5F); }));
  load(program, passing_main({Type::i32}, {Type::i32, Type::i64, Type::f32}));
  const std::vector<Value> arguments{Value(20)};
  const auto results = program.call("pass", arguments);
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_EQ(*results, (std::vector<Value>{Value(21), Value(int64_t{40}), Value(0.5F)}));
  EXPECT_EQ(results->at(1).get<int64_t>(), 40);
  EXPECT_EQ(results->at(1).get<int32_t>(), std::nullopt);
}

TEST_F(ApiTest, WhatAHostFunctionCannotDoTraps) {
  const Program program = create();
  ASSERT_TRUE(program.define("env", "host", [](Caller& caller, int32_t how) -> Result<int32_t> {
    switch (how) {
      case 0:
        return std::unexpected(Error{ErrorKind::io, "no such record"});
      case 1:
        caller.trap("not today");
        return 1;
      case 2:
        throw std::runtime_error("out of paper");
      case 3:
        throw 3;
      case 4:
        caller.exit(9);
        caller.trap("too late");
        return 1;
      default:
        return how;
    }
  }));
  load(program, passing_main({Type::i32}, {Type::i32}));
  const auto pass = program.function<int(int)>("pass");
  ASSERT_TRUE(pass);
  EXPECT_EQ((*pass)(7), 7);
  expect_error((*pass)(0), ErrorKind::trap, "no such record");
  expect_error((*pass)(0), ErrorKind::trap, "main!pass");  // and the backtrace
  expect_error((*pass)(1), ErrorKind::trap, "not today");
  expect_error((*pass)(2), ErrorKind::trap, "out of paper");
  expect_error((*pass)(3), ErrorKind::trap, "threw an exception");
  EXPECT_EQ(program.exit_code(), std::nullopt);
  expect_error((*pass)(4), ErrorKind::exit, "exit code 9");
  EXPECT_EQ(program.exit_code(), 9U);
  expect_error((*pass)(7), ErrorKind::exit, "exit code 9");  // it has ended
}

TEST_F(ApiTest, FunctionsAreFoundByNameAndType) {
  const Program program = create();
  expect_error(program.function<int()>("pass"), ErrorKind::usage, "nothing is loaded");
  expect_error(program.run(), ErrorKind::usage, "");
  ASSERT_TRUE(program.define("env", "host", [] {}));
  expect_error(program.define("env", "host", [] {}), ErrorKind::usage, "host");
  Library main = passing_main({}, {});
  main.memory_size = 16;
  main.export_data("variable", 8);
  load(program, main);
  EXPECT_TRUE(program.function<void()>("pass"));
  expect_error(program.function<int()>("pass"), ErrorKind::unlinkable, "pass is a function () -> (), not () -> i32");
  expect_error(program.function<int()>("variable"), ErrorKind::unlinkable, "is data");
  expect_error(program.function<int()>("nowhere"), ErrorKind::not_found, "nowhere");
  expect_error(program.call("nowhere", {}), ErrorKind::not_found, "exports no such function");
  const std::vector<Value> one{Value(1.5)};
  expect_error(program.call("pass", one), ErrorKind::usage, "the arguments are others");
  expect_error(program.function_at<int()>(12345), ErrorKind::usage, "holds no function");
  expect_error(program.run(), ErrorKind::usage, "_start");
  expect_error(program.define("env", "late", [] {}), ErrorKind::usage, "is loaded already");
  expect_error(program.load(module(main, "main")), ErrorKind::usage, "main module already");
}

TEST_F(ApiTest, APlainModuleNeedsNoTable) {
  wasm::testing::ModuleBuilder plain;
  const uint32_t type = plain.type({Type::i32}, {Type::i32});
  const uint32_t host = plain.import_function("host", "double", type);
  plain.add(wasm::testing::kMemory, bytes(0x00, 0x01));
  const uint32_t function = plain.function(type, bytes(get(0), call(host)));
  plain.add(wasm::testing::kExport, bytes("run", 0x00, unsigned_leb(function)));
  plain.add(wasm::testing::kExport, bytes("memory", 0x02, 0x00));
  const auto loaded = engine_.load(plain.build(), "plain");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Program program = create();
  ASSERT_TRUE(program.define("host", "double", [](Caller& caller, uint32_t number) {
    EXPECT_EQ(caller.memory().size(), 65536U);
    return number * 2;
  }));
  ASSERT_TRUE(program.load(*loaded));
  const auto run = program.function<uint32_t(uint32_t)>("run");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ((*run)(0x80000001), 2U);
}

TEST_F(ApiTest, MemoryIsCheckedWhereverItIsUsed) {
  Library main = make_main({});
  main.memory_size = 64;
  main.export_data("buffer", 0);
  const Program program = create();
  EXPECT_EQ(program.memory().size(), 0U);
  load(program, main);
  const MemoryView memory = program.memory();
  const uint64_t size = memory.size();
  ASSERT_GE(size, 65536U);
  EXPECT_TRUE(memory.write(size - 4, uint32_t{0x01020304}));
  EXPECT_FALSE(memory.write(size - 3, uint32_t{5}));
  EXPECT_EQ(memory.read<uint32_t>(size - 4), 0x01020304U);
  EXPECT_EQ(memory.read<uint32_t>(size - 3), std::nullopt);
  EXPECT_EQ(memory.read<uint8_t>(size), std::nullopt);
  EXPECT_EQ(memory.bytes(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(memory.bytes(1, UINT64_MAX), std::nullopt);
  EXPECT_TRUE(memory.bytes(size, 0));
  EXPECT_FALSE(memory.bytes(size + 1, 0));
  const std::vector<uint8_t> text{'a', 'b', 0, 'c'};
  EXPECT_TRUE(memory.copy_in(1024, text));
  EXPECT_FALSE(memory.copy_in(size - 3, text));
  EXPECT_EQ(memory.string(1024, 2), "ab");
  EXPECT_EQ(memory.string(size - 1, 2), std::nullopt);
  EXPECT_EQ(memory.c_string(1024), "ab");
  EXPECT_EQ(memory.c_string(1024, 2), std::nullopt) << "longer than asked for";
  EXPECT_EQ(memory.c_string(size - 4), std::nullopt) << "it does not end inside of the memory";
  EXPECT_EQ(memory.c_string(size), std::nullopt);
}

TEST_F(ApiTest, LibrariesAreOpenedAndGoWithTheirHandles) {
  Library library;
  library.memory_size = 16;
  library.import_bases();
  library.export_data("variable", 4);
  library.define("seven", 7);
  options_.modules.emplace("libseven.so", module(library, "libseven.so"));
  std::vector<std::string> events;
  options_.on_library = [&](const LibraryEvent& event) {
    events.push_back((event.kind == LibraryEvent::Kind::opened   ? "opened "
                      : event.kind == LibraryEvent::Kind::closed ? "closed "
                      : event.kind == LibraryEvent::Kind::failed ? "failed "
                                                                 : "needed ") +
                     event.name);
  };
  const Program program = create();
  load(program, make_main({}));
  std::optional<Function<int()>> seven;
  {
    auto dso = program.open("libseven.so");
    ASSERT_TRUE(dso) << dso.error().message;
    EXPECT_EQ(dso->name(), "libseven.so");
    const auto found = dso->function<int()>("seven");
    ASSERT_TRUE(found) << found.error().message;
    seven = *found;
    EXPECT_EQ((*seven)(), 7);
    const auto address = dso->address("variable");
    ASSERT_TRUE(address) << address.error().message;
    EXPECT_TRUE(program.memory().bytes(*address, 4));
    expect_error(dso->address("seven"), ErrorKind::unlinkable, "is a function");
    expect_error(dso->address("eight"), ErrorKind::not_found, "eight");
    expect_error(dso->function<void(int)>("seven"), ErrorKind::unlinkable, "() -> i32, not (i32) -> ()");
    EXPECT_EQ(program.libraries().size(), 2U);
    Dso moved = *std::move(dso);
    EXPECT_EQ((*seven)(), 7);
    EXPECT_TRUE(moved.close());
    EXPECT_TRUE(moved.close()) << "a second time has no effect";
    expect_error(moved.function<int()>("seven"), ErrorKind::usage, "is closed");
    expect_error(moved.address("variable"), ErrorKind::usage, "is closed");
  }
  EXPECT_EQ(program.libraries().size(), 1U);
  expect_error((*seven)(), ErrorKind::usage, "unloaded library libseven.so");
  {
    const auto first = program.open("libseven.so");
    const auto second = program.open("libseven.so");
    ASSERT_TRUE(first && second);
    EXPECT_EQ(program.libraries().size(), 2U);
  }
  EXPECT_EQ(program.libraries().size(), 1U);
  expect_error(program.open("libeight.so"), ErrorKind::not_found, "libeight.so");
  EXPECT_FALSE(program.open("libseven.so", {.only_if_loaded = true}));
  EXPECT_EQ(events, (std::vector<std::string>{"opened libseven.so", "closed libseven.so", "opened libseven.so",
                                              "opened libseven.so", "closed libseven.so", "failed libeight.so",
                                              "failed libseven.so"}));
}

TEST_F(ApiTest, TheHostDecidesWhatIsLoaded) {
  Library library;
  library.define("seven", 7);
  const ByteVector content = library.build();
  std::vector<std::string> asked;
  options_.module_reader = [&](const std::string& name,
                               const std::string& requester) -> Result<std::optional<std::vector<uint8_t>>> {
    asked.push_back(requester + ">" + name);
    if (name == "libbroken.so") {
      return std::unexpected(Error{ErrorKind::io, "the store is closed"});
    }
    return name == "libseven.so" ? std::optional(content) : std::nullopt;
  };
  options_.library_filter = [&](const LibraryCandidate& candidate) -> Result<> {
    if (candidate.is_opened) {
      return std::unexpected(Error{ErrorKind::usage, "only at start"});
    }
    return {};
  };
  const Program program = create();
  load(program, make_main({"libseven.so"}));
  EXPECT_EQ(program.libraries().back().name, "libseven.so");
  expect_error(program.open("libbroken.so"), ErrorKind::io, "the store is closed");
  expect_error(program.open("libother.so"), ErrorKind::not_found, "libother.so");
  const Program other = create();
  load(other, make_main({}));
  expect_error(other.open("libseven.so"), ErrorKind::unlinkable, "only at start");
  EXPECT_EQ(asked, (std::vector<std::string>{"main>libseven.so", "the host program>libbroken.so",
                                             "the host program>libother.so", "the host program>libseven.so"}));
}

TEST_F(ApiTest, AHostFunctionCallsBack) {
  const Program program = create();
  ASSERT_TRUE(program.define("env", "host", [](Caller& caller, uint32_t pointer) -> Result<int> {
    const auto back = caller.program().function_at<int()>(pointer);
    return back ? (*back)() : std::unexpected(back.error());
  }));
  load(program, passing_main({Type::i32}, {Type::i32}));
  int calls = 0;
  const auto callback = program.callback([&calls] { return ++calls * 100; });
  ASSERT_TRUE(callback) << callback.error().message;
  const auto pass = program.function<int(uint32_t)>("pass");
  ASSERT_TRUE(pass);
  EXPECT_EQ((*pass)(*callback), 100);
  EXPECT_EQ((*pass)(*callback), 200);
  expect_error((*pass)(0), ErrorKind::trap, "holds no function");
}

TEST_F(ApiTest, HandlesKeepWhatTheyReferTo) {
  Library main = make_main({});
  main.define("seven", 7);
  std::optional<Function<int()>> seven;
  MemoryView memory;
  {
    const auto program = Program::create(Engine(), options_);
    ASSERT_TRUE(program);
    load(*program, main);
    seven = *program->function<int()>("seven");
    memory = program->memory();
  }
  EXPECT_EQ((*seven)(), 7);
  EXPECT_TRUE(memory.write(2048, 5));
}

TEST_F(ApiTest, LimitsHold) {
  Library main = make_main({});
  const uint32_t grow = main.module.type({Type::i32}, {Type::i32});
  main.export_function("grow", main.module.function(grow, bytes(get(0), Opcode::memory_grow, 0x00)));
  main.export_function("loop",
                       main.module.function(main.nothing, bytes(Opcode::loop, 0x40, Opcode::br, 0, Opcode::end)));
  options_.limits.memory = uint64_t{4} << 20;
  options_.limits.libraries = 2;
  options_.modules.emplace("liba.so", module(Library(), "liba.so"));
  options_.modules.emplace("libb.so", module(Library(), "libb.so"));
  const Program program = create();
  load(program, main);
  const auto pages = program.function<int(int)>("grow");
  ASSERT_TRUE(pages);
  EXPECT_EQ((*pages)(64), -1);
  const auto a = program.open("liba.so");
  ASSERT_TRUE(a) << a.error().message;
  expect_error(program.open("libb.so"), ErrorKind::limit, "");
  const auto loop = program.function<void()>("loop");
  ASSERT_TRUE(loop);
  program.limit_time(std::chrono::milliseconds(20));
  expect_error((*loop)(), ErrorKind::trap, "interrupted");
  expect_error((*loop)(), ErrorKind::trap, "interrupted");
}

TEST_F(ApiTest, AnotherThreadInterrupts) {
  Library main = make_main({});
  main.export_function("loop",
                       main.module.function(main.nothing, bytes(Opcode::loop, 0x40, Opcode::br, 0, Opcode::end)));
  const Program program = create();
  EXPECT_EQ(program.this_thread(), std::nullopt);
  load(program, main);
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    while (!is_over) {
      program.interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const auto loop = program.function<void()>("loop");
  ASSERT_TRUE(loop);
  expect_error((*loop)(), ErrorKind::trap, "interrupted");
  is_over = true;
  other.join();
  EXPECT_FALSE(program.interrupt(77));
}

TEST_F(ApiTest, ModulesTellAboutThemselves) {
  Library library;
  library.needed = {"libc.so", "libm.so"};
  library.import_bases();
  const uint32_t type = library.module.type({Type::i32, Type::f64}, {Type::i64});
  library.import_function("from_elsewhere", type);
  library.define("seven", 7);
  library.module.back(wasm::testing::custom_section("note", {1, 2, 3}));
  const Module described = module(library, "libnote.so");
  EXPECT_EQ(described.name(), "libnote.so");
  EXPECT_TRUE(described.is_dynamic());
  EXPECT_FALSE(described.is_compiled());
  EXPECT_EQ(described.needed(), (std::vector<std::string>{"libc.so", "libm.so"}));
  const std::vector<Symbol> imports = described.imports();
  ASSERT_EQ(imports.size(), 5U);
  EXPECT_EQ(imports[0].kind, Symbol::Kind::memory);
  EXPECT_EQ(imports[1].kind, Symbol::Kind::table);
  EXPECT_EQ(imports[2].name, "__memory_base");
  EXPECT_EQ(imports[2].value, ValueType::i32);
  EXPECT_FALSE(imports[2].is_mutable);
  EXPECT_EQ(imports[4].module, "env");
  EXPECT_EQ(to_string(imports[4].type), "(i32, f64) -> i64");
  ASSERT_EQ(described.exports().size(), 1U);
  EXPECT_EQ(described.exports()[0].name, "seven");
  EXPECT_EQ(described.custom_section("note"), (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_EQ(described.custom_section("none"), std::nullopt);
  expect_error(engine_.load(std::vector<uint8_t>{1, 2, 3}, "junk"), ErrorKind::malformed, "junk");
  expect_error(engine_.load("/nowhere/at/all.wasm"), ErrorKind::not_found, "/nowhere/at/all.wasm");
}

TEST_F(ApiTest, WrongOptionsAreErrors) {
  options_.debug = "everything";
  expect_error(Program::create(engine_, options_), ErrorKind::usage, "everything");
  options_.debug.clear();
  options_.wasi.emplace().directories.push_back({.host = "/nowhere/at/all", .guest = "/"});
  expect_error(Program::create(engine_, options_), ErrorKind::not_found, "/nowhere/at/all");
}

TEST_F(ApiTest, TheLinkerTellsWhatItDoes) {
  std::string told;
  options_.debug = "files";
  options_.debug_sink = [&](std::string_view line) { told += std::string(line) + "\n"; };
  load(create(), make_main({}));
  EXPECT_NE(told.find("main"), std::string::npos);
}

}  // namespace
}  // namespace tenon
