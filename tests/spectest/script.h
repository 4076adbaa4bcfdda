// Replays one script of the official test suite, as wast2json has taken it apart.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aot/store.h"
#include "base/result.h"
#include "link/engine.h"
#include "link/program.h"

namespace tenon::spectest {

struct ScriptOptions {
  runtime::CodeOptions code;
  bool compiled = false;  ///< modules are compiled first, into the directory `images` beside the script
  std::string compiler = aot::compiler_beside();  ///< tenon-compile
  bool verbose = false;
  std::set<unsigned> skipped_lines;  ///< commands at these lines of the .wast are not run
};

struct Tally {
  unsigned passed = 0;
  unsigned total = 0;
  unsigned skipped = 0;  ///< not in `total`
};

class Script {
 public:
  Script(std::string directory, ScriptOptions options);

  /// Runs all commands of `script`, the parsed file, and prints those that fail. Errors: what is no script.
  [[nodiscard]] Result<Tally> run(const nlohmann::json& script);

 private:
  using Command = Result<> (Script::*)(const nlohmann::json& command);
  struct Row {
    std::string_view type;
    Command run;
  };
  static const std::vector<Row> kCommands;

  // The commands. An error is the reason why one failed.
  Result<> module(const nlohmann::json& command);
  Result<> register_module(const nlohmann::json& command);
  Result<> action(const nlohmann::json& command);
  Result<> assert_return(const nlohmann::json& command);
  Result<> assert_trap(const nlohmann::json& command);
  Result<> assert_exception(const nlohmann::json& command);
  Result<> assert_invalid(const nlohmann::json& command);
  Result<> assert_malformed(const nlohmann::json& command);
  Result<> assert_unlinkable(const nlohmann::json& command);
  Result<> assert_uninstantiable(const nlohmann::json& command);

  /// What an action gave: the outcome of a call, and the types of its results.
  struct Answer {
    link::CallOutcome outcome;
    std::vector<wasm::ValueType> types;
  };

  Result<> start();
  aot::StoreOptions images() const;
  Result<std::shared_ptr<link::SharedModule>> load(const nlohmann::json& command);
  Result<link::Dso*> instantiate(const std::shared_ptr<link::SharedModule>& module);
  Result<link::Dso*> find_dso(const nlohmann::json& node);
  Result<Answer> act(const nlohmann::json& action);
  Result<> expect_rejected(const nlohmann::json& command, ErrorKind kind);

  std::string directory_;
  ScriptOptions options_;
  link::Engine engine_;
  std::unique_ptr<link::Program> program_;
  link::Dso* spectest_ = nullptr;
  link::Dso* spectest_shared_ = nullptr;  ///< made when a module asks for it
  link::Dso* current_ = nullptr;
  std::map<std::string, link::Dso*, std::less<>> named_;
};

}  // namespace tenon::spectest
