// Calls of every function with arguments at random: addresses at the edges of memory, numbers of all sizes, paths that
// try to get out. Nothing is expected of the results; the host lives on, and nothing outside of the preopen changes.
#include <sys/resource.h>

#include <random>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::Sandbox;

class HostileGuest {
 public:
  // Ends the process: 0 when all is as it was.
  [[noreturn]] void run(int calls) {
    for (const auto* path : {"directory", "directory/inner"}) {
      sandbox_.mkdir(path);
    }
    test::write_file(sandbox_.in_root("file"), "content");
    sandbox_.symlink("..", "up");
    sandbox_.symlink("../secret", "up-file");
    sandbox_.symlink("/", "absolute");
    // Memory is filled with what may be taken for lists of buffers, subscriptions and the like.
    for (Address at = 0; at + 4 <= guest_.size(); at += 4) {
      const uint32_t word = number();
      std::memcpy(guest_.bytes() + at, &word, sizeof(word));
    }
    for (const char* path : kPaths) {
      paths_.push_back({guest_.text(path), static_cast<uint32_t>(std::strlen(path))});
    }
    for (int i = 0; i < calls; ++i) {
      call();
    }
    const bool is_unchanged = test::read_file(sandbox_.host / "secret") == "secret" &&
                              test::read_file(sandbox_.host / "outside/secret") == "secret" &&
                              entries(sandbox_.host.path()) == 3 && entries(sandbox_.host / "outside") == 1;
    std::error_code ignored;
    std::filesystem::remove_all(sandbox_.host.path(), ignored);
    _exit(is_unchanged ? 0 : 1);
  }

 private:
  struct Text {
    Address address;
    uint32_t length;
  };
  static constexpr const char* kPaths[] = {
      "file",
      "directory",
      "directory/inner",
      "new",
      "directory/new",
      ".",
      "..",
      "../secret",
      "up",
      "up/secret",
      "up-file",
      "file/",
      "directory/",
      "up/new",
      "../new",
      "directory/..",
      "/",
      "absolute/",
      "absolute/tmp",
      "link",
      "link/new",
      "../outside",
      "up/outside",
      "link/..",
      "other",
      "directory/other",
      "../outside/new",
      "link/x",
  };

  static size_t entries(const std::string& path) {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) {
      ++count;
    }
    return count;
  }

  uint32_t number() {
    const auto size = static_cast<uint32_t>(guest_.size());
    switch (random_() % 8) {
      case 0:
        return static_cast<uint32_t>(random_());
      case 1:
        return size - static_cast<uint32_t>(random_() % 80);
      case 2:
        return ~uint32_t{0} - static_cast<uint32_t>(random_() % 80);
      case 3:
        return uint32_t{1} << (random_() % 32);
      case 4:
        return static_cast<uint32_t>(random_() % size);
      default:
        return static_cast<uint32_t>(random_() % 12);
    }
  }
  uint64_t wide_number() {
    switch (random_() % 6) {
      case 0:
        return random_();
      case 1:
        return uint64_t{1} << (random_() % 64);
      case 2:
        return INT64_MAX - random_() % 10;
      case 3:
        return Guest::kReads | Guest::kWrites;
      case 4:
        return ~uint64_t{0} - random_() % 10;
      default:
        return random_() % 100'000;
    }
  }

  void call() {
    const auto functions = Wasi::functions();
    const auto& function = functions[random_() % functions.size()];
    // These end the guest, or may wait for as long as they are told.
    if (function.name.starts_with("proc_") || function.name == "poll_oneoff" || function.name == "random_get") {
      return;
    }
    const wasm::FunctionType type = runtime::parse_signature(function.signature);
    std::array<abi::Cell, 16> cells{};
    for (size_t i = 0; i < type.parameters.size(); ++i) {
      if (type.parameters[i] == wasm::ValueType::i64) {
        cells[i].u64 = wide_number();
      } else if (i == 0 && random_() % 4 != 0) {
        cells[i].u64 = 3 + random_() % 8;  // likely a descriptor, and one that is open
      } else if (i + 1 < type.parameters.size() && function.name.starts_with("path_") && random_() % 2 == 0) {
        const Text path = paths_[random_() % paths_.size()];
        cells[i].u64 = path.address;
        if (type.parameters[i + 1] == wasm::ValueType::i32) {
          cells[++i].u64 = path.length;
        }
      } else {
        cells[i].u64 = number();
      }
    }
    runtime::HostCall host_call(guest_.thread(), &guest_.memory(), cells.data());
    (void)function.function(guest_.wasi().environment(), host_call);
  }

  Sandbox sandbox_{true, {.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .limits = {.descriptors = 32}}};
  Guest& guest_ = *sandbox_.guest;
  std::mt19937_64 random_{1};
  std::vector<Text> paths_;
};

[[noreturn]] void run_hostile_guest() {
  // What it allocates and appends stays small.
  const rlimit limit{.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &limit);
  HostileGuest().run(200'000);
}

TEST(WasiHostileDeathTest, NeitherCrashesNorEscapes) {
  EXPECT_EXIT(run_hostile_guest(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace tenon::wasi
