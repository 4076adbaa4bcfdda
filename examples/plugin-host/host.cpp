// A host that uses a plugin and puts a changed one in its place while it runs: it watches the file, closes the old
// library and opens the new one. What has to survive that is kept by the host.
//
//   tenon-cc -Wl,-u,malloc runner.c -o runner.wasm
//   tenon-cc -shared plugin.c -o libplugin.so        (put new versions in place by rename: mv new.so libplugin.so)
//   plugin-host runner.wasm DIRECTORY-OF-LIBRARIES libplugin.so STEPS
#include <tenon/tenon.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace {

/// A plugin, and the state of its file when it was opened.
struct Plugin {
  tenon::Dso library;
  tenon::Function<int(int)> step;
  std::filesystem::file_time_type changed;
};

tenon::Result<Plugin> open_plugin(const tenon::Program& program, const std::string& path) {
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path, error);
  auto library = program.open(path, {.now = true});
  if (!library) {
    return std::unexpected(library.error());
  }
  auto step = library->function<int(int)>("step");
  if (!step) {
    return std::unexpected(step.error());
  }
  return Plugin{*std::move(library), *std::move(step), changed};
}

int fail(const tenon::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fputs("usage: plugin-host RUNNER LIBRARIES PLUGIN STEPS\n", stderr);
    return 2;
  }
  const std::string path = arguments[3];
  const int steps = std::atoi(arguments[4]);
  const tenon::Engine engine;
  tenon::ProgramOptions options;
  options.library_path = {arguments[2]};
  const auto program = tenon::Program::create(engine, options);
  if (!program) {
    return fail(program.error());
  }
  if (const auto loaded = program->load(arguments[1]); !loaded) {
    return fail(loaded.error());
  }
  auto plugin = open_plugin(*program, path);
  if (!plugin) {
    return fail(plugin.error());
  }
  int state = 0;  // the host's: plugins come and go
  for (int i = 0; i < steps; ++i) {
    std::error_code error;
    if (const auto changed = std::filesystem::last_write_time(path, error); !error && changed != plugin->changed) {
      // Closed first: one file name is one library of the program.
      if (const auto closed = plugin->library.close(); !closed) {
        return fail(closed.error());
      }
      plugin = open_plugin(*program, path);
      if (!plugin) {
        return fail(plugin.error());
      }
      std::puts("reloaded");
    }
    const auto next = plugin->step(state);
    if (!next) {
      return fail(next.error());
    }
    state = *next;
    std::printf("%d\n", state);
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return 0;
}
