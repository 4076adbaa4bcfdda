// Opens a shared library in a fresh program: the first time in the process (decode, validate, place, link, construct),
// and again when the process knows it. What it needs is beside it.
//
//   tenon-bench-open libbig.so      prints first_ms and again_ms (the median of many)
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "link/engine.h"
#include "link/program.h"

namespace {

using tenon::link::Engine;
using tenon::link::Program;

double milliseconds_to_open(Engine& engine, const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  auto program = Program::create(engine, {});
  if (!program) {
    fmt::print(stderr, "{}\n", program.error().message);
    std::exit(1);
  }
  if (auto loaded = (*program)->load_main(path); !loaded) {
    fmt::print(stderr, "{}\n", loaded.error().message);
    std::exit(1);
  }
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  return taken.count();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: tenon-bench-open LIBRARY\n");
    return 2;
  }
  const std::string path = arguments[1];
  Engine engine;
  const double first = milliseconds_to_open(engine, path);
  std::vector<double> again(101);
  for (double& time : again) {
    time = milliseconds_to_open(engine, path);
  }
  std::ranges::nth_element(again, again.begin() + 50);
  fmt::print("first_ms {:.3f}\nagain_ms {:.3f}\n", first, again[50]);
  return 0;
}
