// What opening a large library costs that was compiled, but for mapping its image: restoring its module from a
// snapshot, linking and instantiating it. No code runs.
//
//   tenon-bench-restore MAIN LIBRARY...    MAIN is a program that could open the last LIBRARY, the others are needed by
//   it
//
// Prints microseconds, medians of many opens of as many libraries with the same content, and what private memory each
// takes.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "link/engine.h"
#include "link/program.h"
#include "wasm/snapshot.h"

namespace {

using tenon::link::Engine;
using tenon::link::Program;
using tenon::link::SharedModule;

constexpr int kRounds = 101;

template <class T>
T need(tenon::Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::exit(1);
  }
  return *std::move(result);
}

class Times {
 public:
  template <class Function>
  auto take(const std::string& name, Function&& function) {
    const auto start = std::chrono::steady_clock::now();
    auto result = function();
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    taken_[name].push_back(taken.count());
    return result;
  }
  void print() {
    for (auto& [name, times] : taken_) {
      std::ranges::sort(times);
      fmt::print("{}_us {:.1f}  (at best {:.1f})\n", name, times[times.size() / 2], times.front());
    }
  }

 private:
  std::map<std::string, std::vector<double>> taken_;
};

/// Private bytes of this process, in KiB.
uint64_t private_memory() {
  std::ifstream file("/proc/self/smaps_rollup");
  uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Private_Dirty:") || line.starts_with("Private_Clean:")) {
      sum += std::stoull(line.substr(line.find(':') + 1));
    }
  }
  return sum;
}

double page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_minflt);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    fmt::print(stderr, "usage: tenon-bench-restore MAIN LIBRARY...\n");
    return 2;
  }
  Engine engine;
  tenon::link::ProgramOptions options;
  for (int i = 2; i < count - 1; ++i) {
    const std::string path = arguments[i];
    options.registered_modules[path.substr(path.rfind('/') + 1)] =
        need(engine.load(need(tenon::base::FileBytes::map(path)), path));
  }

  const std::string path = arguments[count - 1];
  const auto decoded = need(tenon::wasm::decode_and_validate(need(tenon::base::FileBytes::map(path)), path));
  const std::vector<uint8_t> snapshot = tenon::wasm::snapshot(*decoded);
  std::string file = "/tmp/tenon-snapshot-XXXXXX";
  const int descriptor = mkstemp(file.data());
  if (descriptor < 0 || write(descriptor, snapshot.data(), snapshot.size()) != static_cast<ssize_t>(snapshot.size())) {
    return 1;
  }
  fmt::print("snapshot_bytes {}\n", snapshot.size());

  Times times;
  const uint64_t before_modules = private_memory();
  double module_faults = -page_faults();
  for (int i = 0; i < kRounds; ++i) {
    const auto bytes = times.take("map", [&] { return need(tenon::base::FileBytes::map(descriptor, file)); });
    const auto module = times.take("restore", [&] { return need(tenon::wasm::restore(bytes, path)); });
    auto shared = times.take("share", [&] { return need(SharedModule::make(module, {})); });
    // There is no code to run.
    shared->apply_data_relocs.reset();
    shared->initialize.reset();
    options.registered_modules[fmt::format("big{}", i)] = std::move(shared);
  }
  unlink(file.c_str());
  module_faults += page_faults();
  const auto program = need(Program::create(engine, options));
  if (auto loaded = program->load_main(arguments[1]); !loaded) {
    fmt::print(stderr, "{}\n", loaded.error().message);
    return 1;
  }
  const uint64_t before_opens = private_memory();
  double open_faults = -page_faults();
  const std::string symbol(decoded->exports.back().name);
  for (int i = 0; i < kRounds; ++i) {
    const std::string name = fmt::format("big{}", i);
    tenon::link::Dso* const dso = times.take("open", [&] { return need(program->open(name)); });
    (void)times.take("symbol", [&] { return need(program->symbol(*dso, symbol)); });
  }
  open_faults += page_faults();
  times.print();
  const uint64_t after = private_memory();
  fmt::print("module_kib {:.1f}\nopen_kib {:.1f}\n", static_cast<double>(before_opens - before_modules) / kRounds,
             static_cast<double>(after - before_opens) / kRounds);
  fmt::print("module_faults {:.1f}\nopen_faults {:.1f}\n", module_faults / kRounds, open_faults / kRounds);
  return 0;
}
