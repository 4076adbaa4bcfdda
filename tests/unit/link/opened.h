// Programs whose libraries are opened while they run: modules by name without files, and host functions that do what a
// test wants done in the middle of guest code.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "link/namespace.h"
#include "link/program.h"
#include "runtime/thread.h"
#include "unit/link/library.h"

namespace tenon::link::testing {

/// Code that calls function `index`.
inline ByteVector call(uint32_t index) {
  return bytes(Opcode::call, unsigned_leb(index));
}
inline ByteVector constant(int32_t value) {
  return bytes(Opcode::i32_const, signed_leb(value));
}
inline ByteVector get_global(uint32_t index) {
  return bytes(Opcode::global_get, unsigned_leb(index));
}
inline ByteVector get_local(uint32_t index) {
  return bytes(Opcode::local_get, unsigned_leb(index));
}

class OpenedTest : public ::testing::Test {
 protected:
  OpenedTest() {
    options_.on_library = [this](const LibraryEvent& event) { events_.push_back(event); };
  }

  /// Makes a library known under a bare name.
  void add(const std::string& name, const Library& library) { add(name, library.build()); }
  void add(const std::string& name, const ByteVector& content) { options_.registered_modules[name] = module(content); }
  std::shared_ptr<SharedModule> module(const ByteVector& content) {
    auto module = engine_.load(base::FileBytes::own(content), "test");
    EXPECT_TRUE(module) << module.error().message;
    return module ? *module : nullptr;
  }

  /// A host function env.`name` () -> i32 that gives what `body` returns; false from it leaves the guest.
  using Body = std::function<bool(runtime::HostCall&)>;
  void on(const std::string& name, Body body) { hooks_.push_back(std::make_unique<Hook>(Hook{name, std::move(body)})); }
  /// The same for what cannot fail.
  void on(const std::string& name, std::function<void()> body) {
    on(name, [body = std::move(body)](runtime::HostCall& host_call) {
      host_call.set_u32(0);
      body();
      return true;
    });
  }

  void create() {
    auto created = Program::create(engine_, options_);
    ASSERT_TRUE(created);
    program_ = *std::move(created);
    for (const auto& hook : hooks_) {
      const runtime::HostFunctionDefinition definition{hook->name, "_i", &Hook::run};
      ASSERT_TRUE(program_->add_host_module("env", std::span(&definition, 1), hook.get()));
    }
  }
  std::string load(const Library& main) {
    const auto loaded = program_->load_main(module(main.build()));
    return loaded ? "" : loaded.error().message;
  }
  void start(const Library& main = make_main({})) {
    create();
    ASSERT_EQ(load(main), "");
  }

  Dso* open(const std::string& name, OpenFlags flags = {}) {
    auto opened = program_->open(name, flags);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : nullptr;
  }
  std::string open_fails(const std::string& name, OpenFlags flags = {}) {
    const auto opened = program_->open(name, flags);
    EXPECT_FALSE(opened);
    kind_ = opened ? ErrorKind::usage : opened.error().kind;
    return opened ? "" : opened.error().message;
  }
  void close(Dso* dso) {
    ASSERT_NE(dso, nullptr);
    const auto closed = program_->close(*dso);
    EXPECT_TRUE(closed) << closed.error().message;
  }
  uint32_t address(Dso& dso, const std::string& name) {
    const auto found = program_->symbol(dso, name);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->address : 0;
  }
  std::string symbol_fails(Dso& dso, const std::string& name) {
    const auto found = program_->symbol(dso, name);
    EXPECT_FALSE(found);
    kind_ = found ? ErrorKind::usage : found.error().kind;
    return found ? "" : found.error().message;
  }
  CallOutcome call_in(Dso& dso, const std::string& function) {
    auto outcome = program_->call(dso, function, {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : CallOutcome{};
  }
  static int32_t value_of(const CallOutcome& outcome) {
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::returned) << runtime::to_string(outcome.trap);
    return outcome.kind != CallOutcome::Kind::returned || outcome.results.empty() ? -1 : outcome.results[0].i32;
  }
  /// What a function () -> i32 returns.
  int32_t value(Dso& dso, const std::string& function) { return value_of(call_in(dso, function)); }
  int32_t slot_value(uint32_t slot) {
    auto outcome = program_->call_slot(slot, {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? value_of(*outcome) : -1;
  }
  /// What the trap of a function of `dso` says; empty when it does not trap.
  std::string trap_in(Dso& dso, const std::string& function) {
    const CallOutcome outcome = call_in(dso, function);
    EXPECT_EQ(outcome.kind, CallOutcome::Kind::trap);
    return outcome.kind == CallOutcome::Kind::trap ? runtime::to_string(outcome.trap) : "";
  }
  [[nodiscard]] std::vector<std::string> loaded() const {
    std::vector<std::string> names;
    for (const LinkMapEntry& entry : program_->link_map()) {
      names.push_back(entry.name);
    }
    return names;
  }
  [[nodiscard]] bool is_loaded(const std::string& name) const {
    const std::vector<std::string> names = loaded();
    return std::ranges::find(names, name) != names.end();
  }

  struct Hook {
    std::string name;
    Body body;
    static bool run(void* environment, runtime::HostCall& host_call) {
      return static_cast<Hook*>(environment)->body(host_call);
    }
  };

  std::vector<std::unique_ptr<Hook>> hooks_;
  std::vector<LibraryEvent> events_;
  Engine engine_;
  ProgramOptions options_;
  std::unique_ptr<Program> program_;
  ErrorKind kind_{};
};

/// A library that has function `name` () -> i32.
inline Library giving(const std::string& name, int32_t value) {
  Library library = make_main({});
  library.define(name, value);
  return library;
}

/// A main module, or library, whose function `name` calls host function env.`hook`.
inline void calls_hook(Library& library, const std::string& name, uint32_t hook) {
  library.export_function(name, library.module.function(library.gives_i32, call(hook)));
}

}  // namespace tenon::link::testing
