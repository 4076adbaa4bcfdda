// What a module's instances are told by WASI.
#include <algorithm>

#include "capi/module.h"

namespace tenon::capi {

namespace {

constexpr std::string_view kMapSeparator = "::";

/// "NAME=VALUE"; of several with one name the first counts, as for getenv.
void add_variable(wasi::Options& options, std::string_view variable) {
  const size_t equals = variable.find('=');
  const std::string_view name = variable.substr(0, equals);
  const auto is_same = [&](const auto& known) { return known.first == name; };
  if (!name.empty() && std::ranges::none_of(options.environment, is_same)) {
    options.environment.emplace_back(
        name, equals == std::string_view::npos ? std::string_view() : variable.substr(equals + 1));
  }
}

void add_preopen(wasi::Options& options, std::string_view guest, std::string_view host) {
  options.preopens.push_back({.host = std::string(host), .guest = std::string(guest)});
}

int descriptor(int64_t given, int otherwise) {
  return given < 0 || given > INT32_MAX ? otherwise : static_cast<int>(given);
}

/// Calls `use` with each string of a list that the host gives.
template <class Use>
void for_each_string(const char* const* list, uint64_t count, Use&& use) {
  for (uint64_t i = 0; list != nullptr && i < count; ++i) {
    if (list[i] != nullptr) {
      use(std::string_view(list[i]));
    }
  }
}

}  // namespace

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

void wasm_runtime_set_wasi_args_ex(wasm_module_t module, const char* dir_list[], uint32_t dir_count,
                                   const char* map_dir_list[], uint32_t map_dir_count, const char* env[],
                                   uint32_t env_count, char* argv[], int argc, int64_t stdinfd, int64_t stdoutfd,
                                   int64_t stderrfd) {
  if (module == nullptr) {
    return;
  }
  tenon::wasi::Options options;
  for_each_string(dir_list, dir_count, [&](std::string_view directory) { add_preopen(options, directory, directory); });
  for_each_string(map_dir_list, map_dir_count, [&](std::string_view map) {
    const size_t separator = map.find(kMapSeparator);
    const bool is_map = separator != std::string_view::npos;
    add_preopen(options, map.substr(0, separator), is_map ? map.substr(separator + kMapSeparator.size()) : map);
  });
  for_each_string(env, env_count, [&](std::string_view variable) { add_variable(options, variable); });
  for_each_string(argv, static_cast<uint64_t>(std::max(argc, 0)),
                  [&](std::string_view argument) { options.arguments.emplace_back(argument); });
  options.stdin_fd = descriptor(stdinfd, 0);
  options.stdout_fd = descriptor(stdoutfd, 1);
  options.stderr_fd = descriptor(stderrfd, 2);
  const std::scoped_lock lock(module->mutex);
  module->wasi = std::move(options);
}

void wasm_runtime_set_wasi_args(wasm_module_t module, const char* dir_list[], uint32_t dir_count,
                                const char* map_dir_list[], uint32_t map_dir_count, const char* env[],
                                uint32_t env_count, char* argv[], int argc) {
  wasm_runtime_set_wasi_args_ex(module, dir_list, dir_count, map_dir_list, map_dir_count, env, env_count, argv, argc,
                                -1, -1, -1);
}

void wasm_runtime_set_wasi_addr_pool(wasm_module_t /*module*/, const char* /*addr_pool*/[],
                                     uint32_t /*addr_pool_size*/) {}

void wasm_runtime_set_wasi_ns_lookup_pool(wasm_module_t /*module*/, const char* /*ns_lookup_pool*/[],
                                          uint32_t /*ns_lookup_pool_size*/) {}

}  // extern "C"
