// One program per request, from a pool of threads: all share one engine, so that modules are decoded once, and each
// program has its own memory, its own limits, and ends with its request. A request that takes too long, or traps, is
// nobody else's business.
//
//   tenon-cc guest.c -o guest.wasm
//   thread-pool guest.wasm DIRECTORY-OF-LIBRARIES REQUESTS
#include <tenon/tenon.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Service {
  tenon::Engine engine;
  tenon::Module module;
  std::string libraries;

  /// What the program says about `number`.
  [[nodiscard]] tenon::Result<int> handle(int number) const {
    tenon::ProgramOptions options;
    options.library_path = {libraries};
    options.limits.memory = 16 << 20;
    const auto program = tenon::Program::create(engine, options);
    if (!program) {
      return std::unexpected(program.error());
    }
    if (const auto loaded = program->load(module); !loaded) {
      return std::unexpected(loaded.error());
    }
    program->limit_time(std::chrono::milliseconds(500));
    const auto handle = program->function<int(int)>("handle");
    return handle ? (*handle)(number) : std::unexpected(handle.error());
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: thread-pool GUEST LIBRARIES REQUESTS\n", stderr);
    return 2;
  }
  const tenon::Engine engine;
  const auto module = engine.load(arguments[1]);
  if (!module) {
    std::fprintf(stderr, "%s\n", module.error().message.c_str());
    return 1;
  }
  const Service service{engine, *module, arguments[2]};
  const int requests = std::atoi(arguments[3]);
  std::atomic<int> next = 0;
  std::vector<std::string> answers(requests);
  std::vector<std::thread> pool;
  for (int i = 0; i < 4; ++i) {
    pool.emplace_back([&] {
      for (int request = next++; request < requests; request = next++) {
        const auto answer = service.handle(request);
        answers[request] =
            answer ? std::to_string(*answer) : answer.error().message.substr(0, answer.error().message.find('\n'));
      }
    });
  }
  for (std::thread& thread : pool) {
    thread.join();
  }
  for (int request = 0; request < requests; ++request) {
    std::printf("%d: %s\n", request, answers[request].c_str());
  }
  return 0;
}
