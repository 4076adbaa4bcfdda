#include "script.h"

#include <algorithm>
#include <cstdio>

#include "host_module.h"
#include "value.h"

namespace tenon::spectest {

namespace {

using nlohmann::json;

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::io:
      return "input or output";
    case ErrorKind::malformed:
      return "malformed";
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::unlinkable:
      return "unlinkable";
    case ErrorKind::limit:
      return "limit";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::trap:
      return "trap";
    case ErrorKind::exit:
      return "exit";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  return fmt::format("error ({}): {}", to_string(error.kind), error.message);
}

/// Whether `text` says what the script expects. Expected words may end with an index ("unknown function 7"), which
/// depends on how an implementation counts.
bool says(std::string_view text, std::string_view expected) {
  if (text.contains(expected)) {
    return true;
  }
  const size_t end = expected.find_last_not_of("0123456789");
  return end != std::string_view::npos && end + 1 < expected.size() && expected[end] == ' ' &&
         text.contains(expected.substr(0, end));
}

std::string describe_outcome(const link::CallOutcome& outcome) {
  switch (outcome.kind) {
    case link::CallOutcome::Kind::returned:
      return "a return";
    case link::CallOutcome::Kind::trap:
      return runtime::to_string(outcome.trap);
    case link::CallOutcome::Kind::exit:
      return fmt::format("an exit with code {}", outcome.exit_code);
    case link::CallOutcome::Kind::exception:
      return "an exception that nobody caught";
  }
  return {};
}

bool imports_shared_memory(const wasm::Module& module) {
  return std::ranges::any_of(module.imports, [](const wasm::Import& import) {
    return import.module == "spectest" && import.name == "shared_memory";
  });
}

}  // namespace

const std::vector<Script::Row> Script::kCommands = {
    {"module", &Script::module},
    {"register", &Script::register_module},
    {"action", &Script::action},
    {"assert_return", &Script::assert_return},
    {"assert_trap", &Script::assert_trap},
    {"assert_exhaustion", &Script::assert_trap},
    {"assert_exception", &Script::assert_exception},
    {"assert_invalid", &Script::assert_invalid},
    {"assert_malformed", &Script::assert_malformed},
    {"assert_unlinkable", &Script::assert_unlinkable},
    {"assert_uninstantiable", &Script::assert_uninstantiable},
};

Script::Script(std::string directory, ScriptOptions options)
    : directory_(std::move(directory)), options_(std::move(options)), engine_({.images = images()}) {}

aot::StoreOptions Script::images() const {
  return {.mode = options_.compiled ? aot::Mode::compiled : aot::Mode::interpret,
          .cache_directory = directory_ + "/images",
          .compiler = options_.compiler,
          .report = [](std::string_view text) { fmt::print("{}\n", text); }};
}

Result<Tally> Script::run(const json& script) {
  TENON_CHECK(start());
  Tally tally;
  for (const json& command : script.at("commands")) {
    const auto& type = command.at("type").get_ref<const std::string&>();
    const unsigned line = command.value("line", 0U);
    // A module in the text format is for text parsers.
    if (command.value("module_type", std::string()) == "text" || options_.skipped_lines.contains(line)) {
      ++tally.skipped;
      continue;
    }
    ++tally.total;
    const auto row = std::ranges::find(kCommands, type, &Row::type);
    const Result<> result =
        row == kCommands.end() ? fail(ErrorKind::usage, "there is no such command here") : (this->*row->run)(command);
    if (result) {
      ++tally.passed;
      if (options_.verbose) {
        fmt::print("{}: {}: ok\n", line, type);
      }
    } else {
      fmt::print("{}: {}: {}\n", line, type, result.error().message);
    }
  }
  return tally;
}

Result<> Script::start() {
  link::ProgramOptions options;
  options.code = options_.code;
  program_ = TENON_TRY(link::Program::create(engine_, std::move(options)));
  TENON_CHECK(program_->add_host_module(kHostModule, spectest_functions(), nullptr));
  auto module = TENON_TRY(engine_.load(base::FileBytes::own(spectest_module(false)), "spectest", options_.code));
  spectest_ = TENON_TRY(program_->instantiate(std::move(module), "spectest"));
  program_->register_instance("spectest", *spectest_);
  return {};
}

Result<std::shared_ptr<link::SharedModule>> Script::load(const json& command) {
  const auto& name = command.at("filename").get_ref<const std::string&>();
  const std::string path = directory_ + "/" + name;
  const auto bytes = TENON_TRY(base::FileBytes::map(path));
  auto module = TENON_TRY(engine_.load(bytes, name, options_.code, {.path = path, .guest_can_write = {}}));
  if (options_.compiled && module->native() == nullptr) {
    return fail(ErrorKind::limit, "{} was to be compiled and is not", name);
  }
  return module;
}

Result<link::Dso*> Script::instantiate(const std::shared_ptr<link::SharedModule>& module) {
  const bool wants_shared = imports_shared_memory(module->module());
  if (wants_shared && spectest_shared_ == nullptr) {
    auto spectest =
        TENON_TRY(engine_.load(base::FileBytes::own(spectest_module(true)), "spectest (shared)", options_.code));
    spectest_shared_ = TENON_TRY(program_->instantiate(std::move(spectest), "spectest (shared)"));
  }
  program_->register_instance("spectest", wants_shared ? *spectest_shared_ : *spectest_);
  return program_->instantiate(module, module->module().name);
}

Result<link::Dso*> Script::find_dso(const json& node) {
  const auto name = node.find("module");
  if (name == node.end()) {
    if (current_ == nullptr) {
      return fail(ErrorKind::usage, "there is no module to ask");
    }
    return current_;
  }
  const auto found = named_.find(name->get_ref<const std::string&>());
  if (found == named_.end()) {
    return fail(ErrorKind::usage, "there is no module {}", name->dump());
  }
  return found->second;
}

Result<Script::Answer> Script::act(const json& action) {
  link::Dso* const dso = TENON_TRY(find_dso(action));
  const auto& type = action.at("type").get_ref<const std::string&>();
  const auto& field = action.at("field").get_ref<const std::string&>();
  Answer answer;
  if (type == "get") {
    const link::GlobalReference global = TENON_TRY(program_->global(*dso, field));
    answer.outcome.results.assign(global.cell, global.cell + abi::cells_of(global.type.type));
    answer.types.push_back(global.type.type);
    return answer;
  }
  if (type != "invoke") {
    return fail(ErrorKind::usage, "there is no action {} here", type);
  }
  std::vector<abi::Cell> arguments;
  for (const json& argument : action.at("args")) {
    TENON_CHECK(parse_value(argument, arguments));
  }
  answer.outcome = TENON_TRY(program_->call(*dso, field, arguments));
  answer.types = dso->module().function_type(dso->module().find_export(field)->index).results;
  return answer;
}

Result<> Script::module(const json& command) {
  current_ = nullptr;
  const auto module = TENON_TRY(load(command));
  current_ = TENON_TRY(instantiate(module));
  if (command.contains("name")) {
    named_[command["name"].get<std::string>()] = current_;
  }
  return {};
}

Result<> Script::register_module(const json& command) {
  json node = json::object();
  if (command.contains("name")) {
    node["module"] = command["name"];
  }
  link::Dso* const dso = TENON_TRY(find_dso(node));
  program_->register_instance(command.at("as").get<std::string>(), *dso);
  return {};
}

Result<> Script::action(const json& command) {
  const Answer answer = TENON_TRY(act(command.at("action")));
  if (answer.outcome.kind != link::CallOutcome::Kind::returned) {
    return fail(ErrorKind::trap, "expected a return, got {}", describe_outcome(answer.outcome));
  }
  return {};
}

Result<> Script::assert_return(const json& command) {
  const Answer answer = TENON_TRY(act(command.at("action")));
  // "either" lists alternatives for one result; "expected" has one entry a result.
  const bool is_either = command.contains("either");
  const json& expected = is_either ? command["either"] : command.at("expected");
  const size_t expected_count = is_either ? 1 : expected.size();
  if (answer.outcome.kind != link::CallOutcome::Kind::returned) {
    return fail(ErrorKind::trap, "{}: expected {}, got {}", command["action"].dump(), spectest::describe(expected),
                describe_outcome(answer.outcome));
  }
  const auto& results = answer.outcome.results;
  bool equal = answer.types.size() == expected_count;
  if (equal && is_either) {
    equal = false;
    for (const json& alternative : expected) {
      equal = equal || TENON_TRY(matches(alternative, answer.types[0], results.data()));
    }
  } else if (equal) {
    const abi::Cell* result = results.data();
    for (size_t i = 0; i < answer.types.size(); ++i) {
      equal = equal && TENON_TRY(matches(expected[i], answer.types[i], result));
      result += abi::cells_of(answer.types[i]);
    }
  }
  if (equal) {
    return {};
  }
  std::string found;
  const abi::Cell* result = results.data();
  for (const wasm::ValueType type : answer.types) {
    found += (found.empty() ? "" : ", ") + spectest::describe(type, result);
    result += abi::cells_of(type);
  }
  return fail(ErrorKind::usage, "{}: expected {}{}, got {}", command["action"].dump(), is_either ? "one of " : "",
              spectest::describe(expected), found.empty() ? "nothing" : found);
}

Result<> Script::assert_trap(const json& command) {
  const Answer answer = TENON_TRY(act(command.at("action")));
  const auto& text = command.at("text").get_ref<const std::string&>();
  if (answer.outcome.kind != link::CallOutcome::Kind::trap || !says(runtime::to_string(answer.outcome.trap), text)) {
    return fail(ErrorKind::trap, "{}: expected a trap with \"{}\", got {}", command["action"].dump(), text,
                describe_outcome(answer.outcome));
  }
  return {};
}

Result<> Script::assert_exception(const json& command) {
  const Answer answer = TENON_TRY(act(command.at("action")));
  if (answer.outcome.kind != link::CallOutcome::Kind::exception) {
    return fail(ErrorKind::trap, "{}: expected an exception, got {}", command["action"].dump(),
                describe_outcome(answer.outcome));
  }
  return {};
}

Result<> Script::expect_rejected(const json& command, ErrorKind kind) {
  const auto& text = command.at("text").get_ref<const std::string&>();
  const auto module = load(command);
  if (module) {
    return fail(ErrorKind::usage, "{}: expected {} (\"{}\"), but it was accepted", command["filename"].dump(),
                to_string(kind), text);
  }
  // The suite's words for a rejection are those of one decoder, which looks at things in an order of its own, and
  // differ between its proposals; what counts is the kind.
  if (module.error().kind != kind) {
    return fail(ErrorKind::usage, "expected {} (\"{}\"), got {}", to_string(kind), text, describe(module.error()));
  }
  return {};
}

Result<> Script::assert_invalid(const json& command) {
  return expect_rejected(command, ErrorKind::invalid);
}

Result<> Script::assert_malformed(const json& command) {
  return expect_rejected(command, ErrorKind::malformed);
}

Result<> Script::assert_unlinkable(const json& command) {
  const auto& text = command.at("text").get_ref<const std::string&>();
  const auto module = TENON_TRY(load(command));
  const auto instance = instantiate(module);
  if (instance) {
    return fail(ErrorKind::usage, "{}: expected a failure to link (\"{}\"), but it was linked",
                command["filename"].dump(), text);
  }
  if (instance.error().kind != ErrorKind::unlinkable || !says(instance.error().message, text)) {
    return fail(ErrorKind::usage, "expected a failure to link (\"{}\"), got {}", text, describe(instance.error()));
  }
  return {};
}

Result<> Script::assert_uninstantiable(const json& command) {
  const auto& text = command.at("text").get_ref<const std::string&>();
  const auto module = TENON_TRY(load(command));
  const auto instance = instantiate(module);
  if (instance) {
    return fail(ErrorKind::usage, "{}: expected a trap (\"{}\"), but it was instantiated", command["filename"].dump(),
                text);
  }
  if (instance.error().kind != ErrorKind::trap || !says(instance.error().message, text)) {
    return fail(ErrorKind::usage, "expected a trap (\"{}\"), got {}", text, describe(instance.error()));
  }
  return {};
}

}  // namespace tenon::spectest
