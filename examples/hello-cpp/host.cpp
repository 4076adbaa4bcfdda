// The shortest way: loads a program with the libraries that it needs, runs it, and calls a function of it.
//
//   tenon-cc guest.c -o guest.wasm
//   hello-cpp guest.wasm DIRECTORY-OF-LIBRARIES
#include <tenon/tenon.h>

#include <cstdio>

namespace {

int fail(const tenon::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: hello-cpp GUEST LIBRARIES\n", stderr);
    return 2;
  }
  const tenon::Engine engine;
  tenon::ProgramOptions options;
  options.wasi->arguments = {"guest", "world"};
  options.library_path = {arguments[2]};
  const auto program = tenon::Program::create(engine, options);
  if (!program) {
    return fail(program.error());
  }
  if (const auto loaded = program->load(arguments[1]); !loaded) {
    return fail(loaded.error());
  }
  const auto add = program->function<int(int, int)>("add");
  if (!add) {
    return fail(add.error());
  }
  const auto sum = (*add)(40, 2);
  if (!sum) {
    return fail(sum.error());
  }
  std::printf("40 + 2 = %d\n", *sum);
  std::fflush(stdout);
  const auto code = program->run();
  if (!code) {
    return fail(code.error());
  }
  std::printf("it ended with %d\n", *code);
  return 0;
}
