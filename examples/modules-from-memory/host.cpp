// A program whose modules are served from memory: neither the host's nor the guest's file system is used. Here the
// bytes are compiled into the host.
//
//   tenon-cc -nostdlib -Wl,--no-entry main.c libanswer.so -o main.wasm; tenon-cc -nostdlib -shared answer.c -o
//   libanswer.so
#include <tenon/tenon.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

Bytes read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int fail(const tenon::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: modules-from-memory MAIN LIBANSWER\n", stderr);
    return 2;
  }
  // From wherever the host has them: a database, the network, its own image.
  const Bytes main_bytes = read(arguments[1]);
  const std::map<std::string, Bytes> store{{"libanswer.so", read(arguments[2])}};

  const tenon::Engine engine;
  tenon::ProgramOptions options;
  options.wasi.reset();
  options.module_reader = [&store](const std::string& name,
                                   const std::string& requester) -> tenon::Result<std::optional<Bytes>> {
    std::printf("%s needs %s\n", requester.c_str(), name.c_str());
    const auto found = store.find(name);
    return found == store.end() ? std::nullopt : std::optional(found->second);
  };
  const auto module = engine.load(main_bytes, "main");
  if (!module) {
    return fail(module.error());
  }
  const auto program = tenon::Program::create(engine, options);
  if (!program) {
    return fail(program.error());
  }
  if (const auto loaded = program->load(*module); !loaded) {
    return fail(loaded.error());
  }
  const auto ask = program->function<int()>("ask");
  if (!ask) {
    return fail(ask.error());
  }
  const auto answer = (*ask)();
  if (!answer) {
    return fail(answer.error());
  }
  std::printf("the answer is %d\n", *answer);
  return 0;
}
