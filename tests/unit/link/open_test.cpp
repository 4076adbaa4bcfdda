// What an embedder does with libraries while its program runs.
#include "link/open.h"

#include "base/sha256.h"
#include "unit/link/opened.h"

namespace tenon::link {
namespace {

using testing::append;
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
using testing::signed_leb;
using testing::unsigned_leb;
using wasm::Opcode;
using wasm::ValueType;

class OpenTest : public testing::OpenedTest {
 protected:
  std::string told() {
    std::string text;
    for (const LibraryEvent& event : std::exchange(events_, {})) {
      constexpr std::array kKinds = {"opened", "needed", "closed", "failed"};
      text += fmt::format("{} {} by '{}'; ", kKinds[static_cast<size_t>(event.kind)], event.name, event.requester);
    }
    return text;
  }
};

/// Exports `name`, whose value is in the 8 bytes of data that the library has.
Library with_data(const std::string& name, uint8_t value) {
  Library library;
  const uint32_t memory_base = library.import_bases();
  library.memory_size = 8;
  library.memory_alignment = 2;
  library.export_data(name, 4);
  library.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::i32_const, 0x04,
                                                 Opcode::i32_add, Opcode::end, unsigned_leb(1), value));
  return library;
}

TEST_F(OpenTest, ALibraryIsOpenedLookedIntoAndClosed) {
  Library library = with_data("data", 42);
  library.define("f", 5);
  add("liba.so", library);
  start();
  Dso* const opened = open("liba.so");
  ASSERT_NE(opened, nullptr);
  EXPECT_TRUE(is_loaded("liba.so"));
  EXPECT_EQ(value(*opened, "f"), 5);
  const auto function = program_->symbol(*opened, "f");
  ASSERT_TRUE(function);
  EXPECT_TRUE(function->is_function);
  EXPECT_EQ(to_string(function->type), "() -> i32");
  EXPECT_EQ(slot_value(function->address), 5);
  EXPECT_EQ(address(*opened, "f"), function->address) << "a function has one address";
  const auto data = program_->symbol(*opened, "data");
  ASSERT_TRUE(data);
  EXPECT_FALSE(data->is_function);
  const uint8_t* const byte = program_->memory(data->address, 1);
  ASSERT_NE(byte, nullptr);
  EXPECT_EQ(*byte, 42);
  close(opened);
  EXPECT_FALSE(is_loaded("liba.so"));
  EXPECT_EQ(loaded().size(), 1);
  EXPECT_EQ(*byte, 0) << "its memory is free again";
}

TEST_F(OpenTest, OpeningAgainIsTheSameUntilTheLastClose) {
  add("liba.so", giving("f", 5));
  start();
  Dso* const first = open("liba.so");
  EXPECT_EQ(open("liba.so"), first);
  EXPECT_EQ(open("liba.so", {.only_if_loaded = true}), first);
  close(first);
  close(first);
  EXPECT_EQ(value(*first, "f"), 5);
  close(first);
  EXPECT_FALSE(is_loaded("liba.so"));
  EXPECT_NE(open_fails("liba.so", {.only_if_loaded = true}).find("RTLD_NOLOAD"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::not_found);
}

TEST_F(OpenTest, HandlesOfAnotherProgramAreNone) {
  add("liba.so", giving("f", 5));
  start();
  const uint32_t here = open("liba.so")->handle;
  auto first = std::move(program_);
  start();
  EXPECT_NE(open("liba.so")->handle, here);
}

TEST_F(OpenTest, WhatIsNotOpenCannotBeClosed) {
  add("libneeded.so", giving("f", 5));
  add("liba.so", make_main({"libneeded.so"}));
  start();
  Dso* const opened = open("liba.so");
  const auto main_closed = program_->close(*program_->main());
  ASSERT_FALSE(main_closed);
  EXPECT_EQ(main_closed.error().kind, ErrorKind::usage);
  Dso* const needed = opened->needed.front();
  EXPECT_FALSE(program_->close(*needed)) << "needed, but not opened";
  EXPECT_EQ(open("libneeded.so"), needed);
  close(opened);
  EXPECT_EQ(value(*needed, "f"), 5) << "open itself";
  EXPECT_EQ(loaded().size(), 2);
  close(needed);
  EXPECT_EQ(loaded().size(), 1);
}

TEST_F(OpenTest, WhatIsNeededStays) {
  add("libneeded.so", giving("f", 5));
  Library library = make_main({"libneeded.so"});
  const uint32_t f = library.import_function("f", library.gives_i32);
  library.export_function("g", library.module.function(library.gives_i32, call(f)));
  add("liba.so", library);
  start();
  Dso* const needed = open("libneeded.so");
  Dso* const opened = open("liba.so");
  close(needed);
  EXPECT_EQ(value(*opened, "g"), 5);
  close(opened);
  EXPECT_EQ(loaded().size(), 1);
}

TEST_F(OpenTest, WithNodeleteItStays) {
  add("liba.so", giving("f", 5));
  start();
  Dso* const opened = open("liba.so", {.keep = true});
  close(opened);
  EXPECT_EQ(value(*opened, "f"), 5);
  EXPECT_FALSE(program_->close(*opened));
}

TEST_F(OpenTest, TheReaderGivesBytes) {
  std::vector<std::string> asked;
  options_.module_reader = [&](const std::string& name,
                               const std::string& requester) -> Result<std::optional<base::FileBytes>> {
    asked.push_back(name + " for " + requester);
    if (name == "libfailing.so") {
      return fail(ErrorKind::io, "the network is down");
    }
    if (name == "libbroken.so") {
      return base::FileBytes::own({'n', 'o'});
    }
    return name == "libread.so"     ? std::optional(base::FileBytes::own(make_main({"libneeded.so"}).build()))
           : name == "libneeded.so" ? std::optional(base::FileBytes::own(giving("f", 7).build()))
                                    : std::nullopt;
  };
  start();
  Dso* const opened = open("libread.so");
  EXPECT_EQ(slot_value(address(*opened, "f")), 7);
  EXPECT_EQ(asked, (std::vector<std::string>{"libread.so for the host program", "libneeded.so for libread.so"}));
  EXPECT_EQ(open("libread.so"), opened);
  EXPECT_EQ(asked.size(), 2) << "what is there is not read again";
  EXPECT_NE(open_fails("libfailing.so").find("the network is down"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::io);
  EXPECT_NE(open_fails("libbroken.so").find("libbroken.so"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::malformed);
  (void)open_fails("libabsent.so");
  EXPECT_EQ(kind_, ErrorKind::not_found);
  EXPECT_EQ(loaded().size(), 3);
}

TEST_F(OpenTest, HostFunctionsOfEnvAreSymbolsForAll) {
  int calls = 0;
  on("host_hook", [&] { ++calls; });
  Library library = make_main({});
  calls_hook(library, "f", library.import_function("host_hook", library.gives_i32));
  const uint32_t cell = library.import_global("GOT.func", "host_hook");
  library.export_function("address", library.module.function(library.gives_i32, get_global(cell)));
  add("liba.so", library);
  add("libb.so", library);
  start();
  Dso* const a = open("liba.so");
  Dso* const b = open("libb.so", {.now = true});
  EXPECT_EQ(value(*a, "f"), 0);
  EXPECT_EQ(value(*b, "f"), 0);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(value(*a, "address"), value(*b, "address"));
  EXPECT_EQ(static_cast<int32_t>(address(*a, "host_hook")), value(*a, "address"));
  EXPECT_EQ(slot_value(address(*program_->main(), "host_hook")), 0);
  EXPECT_EQ(calls, 3);
}

TEST_F(OpenTest, LibrariesComeBeforeHostFunctions) {
  on("host_hook", [] { FAIL(); });
  add("liba.so", giving("host_hook", 9));
  start();
  EXPECT_EQ(slot_value(address(*open("liba.so"), "host_hook")), 9);
}

TEST_F(OpenTest, TheFilterRefusesByName) {
  std::vector<LibraryCandidate> seen;
  options_.library_filter = [&](const LibraryCandidate& candidate) -> Result<> {
    seen.push_back(candidate);
    return candidate.name == "libbad.so" ? Result<>(fail(ErrorKind::usage, "it is on the list")) : Result<>();
  };
  add("libbad.so", giving("f", 1));
  add("liba.so", make_main({"libbad.so"}));
  add("libgood.so", giving("f", 1));
  start();
  EXPECT_TRUE(seen.empty()) << "main is the embedder's own choice";
  const std::string direct = open_fails("libbad.so");
  EXPECT_NE(direct.find("libbad.so"), std::string::npos) << direct;
  EXPECT_NE(direct.find("it is on the list"), std::string::npos) << direct;
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  EXPECT_TRUE(seen[0].is_opened);
  const std::string needed = open_fails("liba.so");
  EXPECT_NE(needed.find("it is on the list"), std::string::npos) << needed;
  ASSERT_EQ(seen.size(), 3);
  EXPECT_FALSE(seen[2].is_opened);
  EXPECT_EQ(seen[2].requester, "liba.so");
  EXPECT_EQ(loaded().size(), 1) << "what was found already is taken back";
  EXPECT_NE(open("libgood.so"), nullptr);
}

TEST_F(OpenTest, TheFilterRefusesByHash) {
  const Library good = giving("f", 1);
  const auto known = base::sha256(base::FileBytes::own(good.build()));
  ASSERT_TRUE(known);
  options_.library_filter = [&](const LibraryCandidate& candidate) -> Result<> {
    return candidate.sha256 == *known ? Result<>() : fail(ErrorKind::usage, "{}", base::to_string(candidate.sha256));
  };
  add("libgood.so", good);
  const Library other = giving("f", 2);
  add("libother.so", other);
  start();
  EXPECT_NE(open("libgood.so"), nullptr);
  const std::string hash = base::to_string(*base::sha256(base::FileBytes::own(other.build())));
  EXPECT_NE(open_fails("libother.so").find(hash), std::string::npos);
}

/// A main with function `open` that calls tenon_dl.open for liba.so, and `error`, which gives dlerror's length.
Library opening_main() {
  Library main;
  const uint32_t open =
      main.import_function("open", main.module.type({ValueType::i32, ValueType::i32}, {ValueType::i32}), "tenon_dl");
  const uint32_t error =
      main.import_function("error", main.module.type({ValueType::i32, ValueType::i32}, {ValueType::i32}), "tenon_dl");
  const uint32_t memory_base = main.import_bases();
  main.memory_size = 1024;
  main.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::end, unsigned_leb(8),
                                              ByteVector{'l', 'i', 'b', 'a', '.', 's', 'o', 0}));
  main.export_function("open",
                       main.module.function(main.gives_i32, bytes(get_global(memory_base), constant(2), call(open))));
  main.export_function(
      "error", main.module.function(main.gives_i32, bytes(get_global(memory_base), constant(1000), call(error))));
  return main;
}

TEST_F(OpenTest, AGuestMayBeForbiddenToOpen) {
  options_.guest_may_open = false;
  add("liba.so", giving("f", 1));
  start(opening_main());
  EXPECT_EQ(value(*program_->main(), "open"), 0);
  EXPECT_GT(value(*program_->main(), "error"), 0);
  EXPECT_EQ(value(*program_->main(), "error"), 0) << "it is told once";
  EXPECT_EQ(loaded().size(), 1);
  EXPECT_NE(open("liba.so"), nullptr) << "the embedder may";
}

TEST_F(OpenTest, AGuestOpensWhatTheEmbedderHas) {
  add("liba.so", giving("f", 1));
  start(opening_main());
  Dso* const opened = open("liba.so");
  EXPECT_NE(value(*program_->main(), "open"), 0);
  close(opened);
  EXPECT_TRUE(is_loaded("liba.so")) << "the guest has it open";
}

TEST_F(OpenTest, EventsAreTold) {
  add("libneeded.so", make_main({}));
  add("liba.so", make_main({"libneeded.so"}));
  start(opening_main());
  EXPECT_EQ(told(), "") << "nothing was opened yet";
  Dso* const opened = open("liba.so");
  EXPECT_EQ(told(), "opened liba.so by ''; needed libneeded.so by 'liba.so'; ");
  (void)open("liba.so");
  EXPECT_EQ(told(), "opened liba.so by ''; ");
  close(opened);
  EXPECT_EQ(told(), "");
  close(opened);
  const std::string closed = told();
  EXPECT_NE(closed.find("closed liba.so"), std::string::npos) << closed;
  EXPECT_NE(closed.find("closed libneeded.so"), std::string::npos) << closed;
  const std::string message = open_fails("libabsent.so");
  ASSERT_EQ(events_.size(), 1);
  EXPECT_EQ(events_[0].message, message);
  EXPECT_EQ(told(), "failed libabsent.so by ''; ");
  (void)value(*program_->main(), "open");
  EXPECT_EQ(told(), fmt::format("opened liba.so by '{}'; needed libneeded.so by 'liba.so'; ", program_->main()->name));
}

TEST_F(OpenTest, NothingIsOpenedBeforeThereIsAProgram) {
  add("liba.so", giving("f", 1));
  create();
  (void)open_fails("liba.so");
  EXPECT_EQ(kind_, ErrorKind::usage);
  EXPECT_EQ(program_->memory(0, 1), nullptr);
  EXPECT_EQ(program_->memory(0, 0), nullptr);
  const auto called = program_->call_slot(1, {});
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error().kind, ErrorKind::usage);
  ASSERT_EQ(load(make_main({})), "");
  EXPECT_NE(open("liba.so"), nullptr);
}

TEST_F(OpenTest, NothingIsOpenedAfterTheEnd) {
  on("leave", [](runtime::HostCall& host_call) { return host_call.exit(3); });
  add("liba.so", giving("f", 1));
  Library main = make_main({});
  calls_hook(main, "leave_it", main.import_function("leave", main.gives_i32));
  start(main);
  EXPECT_EQ(call_in(*program_->main(), "leave_it").kind, CallOutcome::Kind::exit);
  (void)open_fails("liba.so");
  EXPECT_EQ(kind_, ErrorKind::usage);
}

TEST_F(OpenTest, AProgramWithoutDynamicLinkingSharesNothing) {
  wasm::testing::ModuleBuilder plain;
  add("liba.so", giving("f", 1));
  create();
  ASSERT_TRUE(program_->load_main(module(plain.build())));
  (void)open_fails("liba.so");
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  EXPECT_EQ(program_->memory(0, 0), nullptr);
}

TEST_F(OpenTest, SymbolsThatHaveNoAddress) {
  Library library = make_main({});
  library.module.add(wasm::testing::kTag, bytes(0x00, unsigned_leb(library.nothing)));
  library.module.add(wasm::testing::kExport, bytes("tag", 0x04, 0x00));
  library.module.add(wasm::testing::kGlobal, bytes(ValueType::i64, 0, Opcode::i64_const, 0x00, Opcode::end));
  library.export_global("wide", 2);
  library.weak_imports = {"nowhere"};
  const uint32_t nowhere = library.import_function("nowhere", library.gives_i32);
  library.export_function("handed_on", nowhere);
  const uint32_t missing = library.import_function("missing", library.gives_i32);
  library.export_function("handed_on_too", missing);
  add("liba.so", library);
  start();
  Dso* const opened = open("liba.so");
  ASSERT_NE(opened, nullptr);
  for (const char* const name : {"tag", "wide"}) {
    EXPECT_NE(symbol_fails(*opened, name).find(name), std::string::npos);
    EXPECT_EQ(kind_, ErrorKind::unlinkable) << name;
  }
  for (const char* const name : {"absent", "handed_on", "handed_on_too", "", "__wasm_call_ctors"}) {
    (void)symbol_fails(*opened, name);
    EXPECT_EQ(kind_, ErrorKind::not_found) << name;
  }
  EXPECT_NE(symbol_fails(*opened, "absent").find("liba.so"), std::string::npos);
}

TEST_F(OpenTest, SymbolsOfWhatItNeedsAreFoundThroughIt) {
  add("libneeded.so", giving("f", 5));
  Library library = make_main({"libneeded.so"});
  add("liba.so", library);
  start();
  EXPECT_EQ(slot_value(address(*open("liba.so"), "f")), 5);
  (void)symbol_fails(*program_->main(), "f");
  (void)open("liba.so", {.global = true});
  EXPECT_EQ(slot_value(address(*program_->main(), "f")), 5);
}

TEST_F(OpenTest, MemoryIsWhatThereIs) {
  start();
  const uint64_t size = program_->memory_size();
  EXPECT_NE(program_->memory(0, size), nullptr);
  EXPECT_EQ(program_->memory(0, size + 1), nullptr);
  EXPECT_NE(program_->memory(size, 0), nullptr);
  EXPECT_EQ(program_->memory(size, 1), nullptr);
  EXPECT_EQ(program_->memory(UINT64_MAX, 2), nullptr);
  EXPECT_EQ(program_->memory(2, UINT64_MAX), nullptr);
}

TEST_F(OpenTest, SlotsAreCheckedBeforeTheyAreCalled) {
  Library library = make_main({});
  const uint32_t type = library.module.type({ValueType::i32}, {ValueType::i32});
  library.export_function("twice", library.module.function(type, bytes(get_local(0), get_local(0), Opcode::i32_add)));
  add("liba.so", library);
  start();
  const uint32_t slot = address(*open("liba.so"), "twice");
  const abi::Cell argument{.u64 = 21};
  const auto called = program_->call_slot(slot, std::span(&argument, 1));
  ASSERT_TRUE(called);
  EXPECT_EQ(value_of(*called), 42);
  for (const uint32_t wrong : {0U, 1000000U, UINT32_MAX}) {
    const auto refused = program_->call_slot(wrong, std::span(&argument, 1));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  }
  EXPECT_FALSE(program_->call_slot(slot, {}));
}

TEST_F(OpenTest, ACallbackIsAFunctionOfTheGuest) {
  Library main = make_main({});
  const uint32_t type = main.module.type({ValueType::i32}, {ValueType::i32});
  main.export_function("call_it", main.module.function(type, bytes(constant(20), get_local(0), Opcode::call_indirect,
                                                                   unsigned_leb(type), 0x00)));
  start(main);
  int environment = 22;
  const runtime::HostFunctionDefinition definition{"sum", "i_i", [](void* number, runtime::HostCall& host_call) {
                                                     host_call.set_u32(host_call.u32(0) + *static_cast<int*>(number));
                                                     return true;
                                                   }};
  const auto slot = program_->add_callback(definition, &environment);
  ASSERT_TRUE(slot);
  EXPECT_NE(program_->add_callback(definition, &environment), *slot);
  const abi::Cell argument{.u64 = *slot};
  auto outcome = program_->call(*program_->main(), "call_it", std::span(&argument, 1));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(value_of(*outcome), 42);
  const abi::Cell direct{.u64 = 1};
  EXPECT_EQ(value_of(*program_->call_slot(*slot, std::span(&direct, 1))), 23);
}

TEST_F(OpenTest, ACallbackTakesAndGivesVectors) {
  Library main = make_main({});
  const uint32_t type = main.module.type({ValueType::i32, ValueType::v128}, {ValueType::v128, ValueType::i32});
  const uint32_t caller = main.module.type({ValueType::i32, ValueType::v128}, {ValueType::v128});
  main.export_function(
      "call_it", main.module.function(caller, bytes(constant(7), get_local(1), get_local(0), Opcode::call_indirect,
                                                    unsigned_leb(type), 0x00, Opcode::drop)));
  start(main);
  const runtime::HostFunctionDefinition definition{"turn", "iv_vi", [](void*, runtime::HostCall& host_call) {
                                                     const abi::V128 given = host_call.v128(1);
                                                     host_call.set_v128({given.high, given.low + host_call.u32(0)});
                                                     host_call.cells()[2].u64 = 1;
                                                     return true;
                                                   }};
  const auto slot = program_->add_callback(definition, nullptr);
  ASSERT_TRUE(slot);
  const abi::Cell arguments[] = {{.u64 = *slot}, {.u64 = 10}, {.u64 = 20}};
  const auto outcome = program_->call(*program_->main(), "call_it", arguments);
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->results.size(), 2U);
  EXPECT_EQ(outcome->results[0].u64, 20U);
  EXPECT_EQ(outcome->results[1].u64, 17U);
}

TEST_F(OpenTest, AHostFunctionOpensCallsAndCloses) {
  int result = 0;
  on("hook", [&] {
    Dso* const opened = open("liba.so");
    result = slot_value(address(*opened, "f"));
    close(opened);
    EXPECT_FALSE(is_loaded("liba.so"));
  });
  Library library = make_main({});
  const uint32_t in_main = library.import_function("in_main", library.gives_i32);
  library.export_function("f", library.module.function(library.gives_i32, call(in_main)));
  add("liba.so", library);
  Library main = make_main({});
  calls_hook(main, "run_hook", main.import_function("hook", main.gives_i32));
  main.define("in_main", 11);
  start(main);
  for (int i = 0; i < 100; ++i) {
    result = 0;
    EXPECT_EQ(value(*program_->main(), "run_hook"), 0);
    EXPECT_EQ(result, 11);
  }
}

TEST_F(OpenTest, ALibraryIsClosedWhileItRuns) {
  Dso* opened = nullptr;
  on("close_it", [&] {
    close(opened);
    EXPECT_FALSE(is_loaded("liba.so"));
  });
  Library closing;
  const uint32_t hook = closing.import_function("close_it", closing.gives_i32);
  const uint32_t memory_base = closing.import_bases();
  closing.memory_size = 16;
  closing.module.add(wasm::testing::kData, bytes(0x00, get_global(memory_base), Opcode::end, unsigned_leb(1), 42));
  const uint32_t own =
      closing.module.function(closing.gives_i32, bytes(get_global(memory_base), Opcode::i32_load8_u, 0x00, 0x00));
  closing.export_function("f", closing.module.function(closing.gives_i32, bytes(call(hook), Opcode::drop, call(own))));
  add("liba.so", closing);
  Library main = make_main({});
  start(main);
  for (int i = 0; i < 10; ++i) {
    opened = open("liba.so");
    EXPECT_EQ(slot_value(address(*opened, "f")), 42) << "its code and data are there as long as it runs";
    EXPECT_EQ(program_->statistics().unloaded, static_cast<uint64_t>(i) + 1);
  }
  EXPECT_EQ(loaded().size(), 1);
  add("libb.so", make_main({}));
  EXPECT_LE(open("liba.so")->index, 2) << "it was reclaimed each time";
}

TEST_F(OpenTest, AStaleSlotNamesWhoseItWas) {
  add("liba.so", giving("f", 5));
  add("libother.so", giving("f", 6));
  Library main = make_main({});
  const uint32_t type = main.module.type({ValueType::i32}, {ValueType::i32});
  main.export_function("call_it", main.module.function(type, bytes(get_local(0), Opcode::call_indirect,
                                                                   unsigned_leb(main.gives_i32), 0x00)));
  start(main);
  Dso* const opened = open("liba.so");
  const uint32_t slot = address(*opened, "f");
  close(opened);
  EXPECT_NE(address(*open("libother.so"), "f"), slot);
  const auto refused = program_->call_slot(slot, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("liba.so"), std::string::npos) << refused.error().message;
  const abi::Cell argument{.u64 = slot};
  const auto outcome = program_->call(*program_->main(), "call_it", std::span(&argument, 1));
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->kind, CallOutcome::Kind::trap);
  EXPECT_NE(outcome->trap.message.find("call into unloaded library liba.so"), std::string::npos)
      << outcome->trap.message;
}

TEST_F(OpenTest, ReferencesThatTravelOutliveTheirLibrary) {
  add("liba.so", giving("f", 5));
  add("libother.so", giving("f", 6));
  Library main = make_main({});
  const uint32_t type = main.module.type({ValueType::i32}, {});
  main.module.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x02));  // table 1, its own
  main.export_function("take", main.module.function(type, bytes(constant(0), get_local(0), Opcode::table_get, 0x00,
                                                                Opcode::table_set, 0x01)));
  main.export_function("call_it", main.module.function(main.gives_i32, bytes(constant(0), Opcode::call_indirect,
                                                                             unsigned_leb(main.gives_i32), 0x01)));
  start(main);
  Dso* const opened = open("liba.so");
  const abi::Cell argument{.u64 = address(*opened, "f")};
  ASSERT_TRUE(program_->call(*program_->main(), "take", std::span(&argument, 1)));
  EXPECT_EQ(value(*program_->main(), "call_it"), 5);
  close(opened);
  for (int i = 0; i < 3; ++i) {
    const std::string trap = trap_in(*program_->main(), "call_it");
    EXPECT_NE(trap.find("call into unloaded library liba.so"), std::string::npos) << trap;
    Dso* const other = open("libother.so");
    EXPECT_EQ(value(*other, "f"), 6);
    close(other);
  }
}

TEST_F(OpenTest, ReferencesThatTravelUseUpNumbers) {
  add("liba.so", giving("f", 5));
  Library main = make_main({});
  main.module.add(wasm::testing::kTable, bytes(0x70, 0x00, 0x02));
  main.export_function("take", main.module.function(main.nothing, bytes(constant(0), constant(0), Opcode::table_get,
                                                                        0x00, Opcode::table_set, 0x01)));
  options_.maximum_libraries = 10;
  start(main);
  for (int i = 0; i < 9; ++i) {
    close(open("liba.so"));
  }
  const std::string message = open_fails("liba.so");
  EXPECT_EQ(kind_, ErrorKind::limit);
  EXPECT_NE(message.find("for ever"), std::string::npos) << message;
}

TEST_F(OpenTest, AConstructorThatTrapsLeavesNothing) {
  add("libneeded.so", giving("g", 5));
  Library library = make_main({"libneeded.so"});
  library.export_function("__wasm_call_ctors", library.module.function(library.nothing, bytes(Opcode::unreachable)));
  add("liba.so", library);
  start();
  const std::string message = open_fails("liba.so");
  EXPECT_EQ(kind_, ErrorKind::trap);
  EXPECT_NE(message.find("liba.so"), std::string::npos) << message;
  EXPECT_EQ(loaded().size(), 1);
  EXPECT_EQ(value(*open("libneeded.so"), "g"), 5);
}

TEST_F(OpenTest, AMissingSymbolLeavesNothing) {
  Library library = make_main({});
  library.import_global("GOT.mem", "nowhere");
  library.memory_size = 100;
  library.table_size = 5;
  add("liba.so", library);
  start();
  const auto slots = program_->main()->program().functions.table()->size.load();
  const uint64_t memory = program_->memory_size();
  EXPECT_NE(open_fails("liba.so").find("nowhere"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::unlinkable);
  EXPECT_EQ(program_->main()->program().functions.table()->size.load(), slots);
  EXPECT_EQ(program_->memory_size(), memory);
}

TEST_F(OpenTest, WithNowAllFunctionsMustBeThere) {
  Library late = make_main({});
  const uint32_t missing = late.import_function("nowhere", late.gives_i32);
  late.export_function("g", late.module.function(late.gives_i32, call(missing)));
  add("liba.so", late);
  start();
  EXPECT_NE(open_fails("liba.so", {.now = true}).find("nowhere"), std::string::npos);
  Dso* const opened = open("liba.so");
  EXPECT_NE(open_fails("liba.so", {.now = true}).find("nowhere"), std::string::npos);
  EXPECT_NE(trap_in(*opened, "g").find("nowhere"), std::string::npos);
  close(opened);
  EXPECT_FALSE(is_loaded("liba.so")) << "what failed took no reference";
}

}  // namespace
}  // namespace tenon::link
