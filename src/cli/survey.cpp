#include "cli/survey.h"

#include <sys/stat.h>

#include <algorithm>

#include "wasi/wasi.h"

namespace tenon::cli {

Result<std::unique_ptr<link::Program>> program_to_look_at(link::Engine& engine, const link::ProgramOptions& options) {
  auto program = TENON_TRY(link::Program::create(engine, options));
  TENON_CHECK(program->add_host_module(std::string(wasi::Wasi::kModule), wasi::Wasi::functions(), nullptr));
  TENON_CHECK(
      program->add_host_module(std::string(wasi::Wasi::kUnstableModule), wasi::Wasi::unstable_functions(), nullptr));
  return program;
}

uint64_t file_size(const std::string& path) {
  struct stat status{};
  return !path.empty() && stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool is_complete(const link::Examination& examination) {
  return examination.missing.empty() && std::ranges::all_of(examination.dependencies, &link::Dependency::found);
}

bool has_file(const std::vector<link::Dependency>& dependencies, const link::Dependency& dependency) {
  return std::ranges::any_of(dependencies, [&](const link::Dependency& one) {
    return one.found && one.path == dependency.path && (!one.path.empty() || one.name == dependency.name);
  });
}

}  // namespace tenon::cli
