// Arguments that only somebody means ill with. First of every function at random: addresses at the edges of memory,
// numbers of all sizes, paths that try to get out. Nothing is expected of the results; the host lives on, and nothing
// outside of the preopen changes. Then the ones where 32 bits are not enough, and what they must fail with.
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

// ---- Numbers of descriptors ----------------------------------------------------------------------------------------

// That have something to do with 3, which is open, when they are cut or taken for signed; and others that are nobody's.
constexpr Fd kNobodys[] = {
    4,           77,          1023,        1024,        0x103,       0x1'0003,    0x4000'0003,
    0x7fff'ffff, 0x8000'0000, 0x8000'0003, 0xffff'0003, 0xffff'fffd, 0xffff'fffe, 0xffff'ffff,
};

TEST(WasiHostile, NobodysDescriptorsAreRefused) {
  Sandbox sandbox(true, {.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1});
  Guest& guest = *sandbox.guest;
  const Address one = 1;
  guest.bytes()[one] = 'x';  // a path, for those that take one
  size_t functions = 0;
  for (const auto& all : {Wasi::functions(), Wasi::unstable_functions()}) {
    for (const auto& function : all) {
      if (!function.name.starts_with("fd_") && !function.name.starts_with("path_") &&
          !function.name.starts_with("sock_")) {
        continue;
      }
      ++functions;
      // All else is 1, which is an address, a length, a flag and a number of buffers.
      std::array<abi::Cell, 16> cells{};
      const wasm::FunctionType type = runtime::parse_signature(function.signature);
      for (const Fd fd : kNobodys) {
        for (size_t i = 0; i < type.parameters.size(); ++i) {
          cells[i].u64 = 1;
        }
        cells[function.name == "path_symlink" ? 2 : 0].u64 = fd;
        runtime::HostCall host_call(guest.thread(), &guest.memory(), cells.data());
        ASSERT_TRUE(function.function(guest.wasi().environment(), host_call));
        EXPECT_EQ(static_cast<Errno>(cells[0].u32), Errno::badf) << function.name << " " << fd;
      }
    }
  }
  EXPECT_EQ(functions, 69U);
  // The second descriptor of those that have two.
  const Address path = guest.text("new");
  test::write_file(sandbox.in_root("file"), "");
  for (const Fd fd : kNobodys) {
    EXPECT_EQ(guest.call("fd_renumber", Sandbox::kRoot, fd), Errno::badf) << fd;
    EXPECT_EQ(guest.with_path("path_rename", Sandbox::kRoot, "file", fd, path, 3U), Errno::badf) << fd;
    EXPECT_EQ(guest.with_flags_and_path("path_link", Sandbox::kRoot, 0, "file", fd, path, 3U), Errno::badf) << fd;
  }
  EXPECT_TRUE(guest.open(Sandbox::kRoot, "file"));
}

// ---- The end of 4 GiB ----------------------------------------------------------------------------------------------

// A guest whose memory has all addresses that there are: every one is good, and an end that is computed with 32 bits
// is found at the beginning.
class WasiWholeMemory : public ::testing::Test {
 protected:
  // The address `distance` bytes before the end.
  static constexpr Address before_end(uint64_t distance) {
    return static_cast<Address>((uint64_t{1} << 32) - distance);
  }
  template <class T>
  void put(Address address, const T& value) {
    ASSERT_LE(address + sizeof(T), guest_.size());
    std::memcpy(guest_.bytes() + address, &value, sizeof(T));
  }

  Sandbox sandbox_;
  Guest guest_{{.arguments = {"a", "b"}, .environment = {{"A", "b"}, {"C", ""}}, .preopens = {{sandbox_.root(), "/"}}},
               uint64_t{1} << 32};
};

TEST_F(WasiWholeMemory, BuffersDoNotWrap) {
  const Fd fd = guest_.create(Sandbox::kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, std::string(100, 'x')));
  const Address result = guest_.room(4);
  for (const std::string_view name : {"fd_read", "fd_write", "fd_pread", "fd_pwrite"}) {
    SCOPED_TRACE(name);
    const auto run = [&](Address vectors, uint32_t count, Address length) {
      return name.starts_with("fd_p") ? guest_.call(name, fd, vectors, count, uint64_t{0}, length)
                                      : guest_.call(name, fd, vectors, count, length);
    };
    const auto run_on = [&](const std::vector<IoVec>& vectors) {
      return run(guest_.list(vectors), static_cast<uint32_t>(vectors.size()), result);
    };
    // The list: what would follow its end is at address 0, all zeros, which is a good buffer.
    put(before_end(8), IoVec{1024, 1});
    EXPECT_EQ(run(before_end(8), 1, result), Errno::success);
    EXPECT_EQ(run(before_end(8), 2, result), Errno::fault);
    EXPECT_EQ(run(before_end(4), 1, result), Errno::fault);
    EXPECT_EQ(run(before_end(8), 65536, result), Errno::fault);
    // A buffer.
    EXPECT_EQ(run_on({{before_end(1), 1}}), Errno::success);
    EXPECT_EQ(run_on({{before_end(1), 2}}), Errno::fault);
    EXPECT_EQ(run_on({{before_end(16), 17}}), Errno::fault);
    EXPECT_EQ(run_on({{1, ~0U}, {1024, 1}}), Errno::inval);
    EXPECT_EQ(run_on({{2, ~0U}}), Errno::fault);
    EXPECT_EQ(run_on({{~0U, ~0U}}), Errno::fault);
    EXPECT_EQ(run_on({{before_end(1), 0}}), Errno::success);
    // The sum, past 32 bits and just to where it would be small again.
    EXPECT_EQ(run_on({{0, 0x8000'0000}, {0, 0x8000'0000}}), Errno::inval);
    EXPECT_EQ(run_on({{0, 0x8000'0000}, {0, 0x8000'0000}, {0, 1}}), Errno::inval);
    EXPECT_EQ(run_on({{0, ~0U}, {0, ~0U}, {0, 2}}), Errno::inval);
    // The result.
    EXPECT_EQ(run(before_end(8), 1, before_end(4)), Errno::success);
    EXPECT_EQ(run(before_end(8), 1, before_end(3)), Errno::fault);
  }
  EXPECT_EQ(guest_.filestat(fd).size, 103U);  // three of the writes were good
}

TEST_F(WasiWholeMemory, NothingElseWraps) {
  sandbox_.symlink("target", "link");
  std::memcpy(guest_.bytes() + before_end(4), "link", 4);
  const Address result = guest_.room(64);
  const auto stat = [&](Address path, uint32_t length, Address address) {
    return guest_.call("path_filestat_get", Sandbox::kRoot, 0U, path, length, address);
  };
  EXPECT_EQ(stat(before_end(4), 4, result), Errno::success);
  EXPECT_EQ(stat(before_end(4), 5, result), Errno::fault);
  EXPECT_EQ(stat(before_end(1), ~0U, result), Errno::fault);
  EXPECT_EQ(stat(1, ~0U, result), Errno::nametoolong);
  EXPECT_EQ(stat(before_end(4), 4, before_end(64)), Errno::success);
  std::memcpy(guest_.bytes() + before_end(4), "link", 4);
  EXPECT_EQ(stat(before_end(4), 4, before_end(63)), Errno::fault);

  const auto read_link = [&](Address buffer, uint32_t length, Address used) {
    return guest_.with_path("path_readlink", Sandbox::kRoot, "link", buffer, length, used);
  };
  EXPECT_EQ(read_link(before_end(3), 3, result), Errno::success);
  EXPECT_EQ(guest_.text_at(before_end(3), 3), "tar");
  EXPECT_EQ(read_link(before_end(3), 4, result), Errno::fault);
  EXPECT_EQ(read_link(1, ~0U, result), Errno::success);
  EXPECT_EQ(guest_.text_at(1, 6), "target");
  EXPECT_EQ(read_link(1, ~0U, before_end(3)), Errno::fault);

  const auto read_directory = [&](Address buffer, uint32_t length) {
    return guest_.call("fd_readdir", Sandbox::kRoot, buffer, length, uint64_t{0}, result);
  };
  EXPECT_EQ(read_directory(before_end(256), 256), Errno::success);
  EXPECT_EQ(read_directory(before_end(256), 257), Errno::fault);
  EXPECT_EQ(read_directory(before_end(1), ~0U), Errno::fault);

  EXPECT_EQ(guest_.call("fd_prestat_get", Sandbox::kRoot, before_end(8)), Errno::success);
  EXPECT_EQ(guest_.call("fd_prestat_get", Sandbox::kRoot, before_end(7)), Errno::fault);
  EXPECT_EQ(guest_.call("fd_prestat_dir_name", Sandbox::kRoot, before_end(1), 1U), Errno::success);
  EXPECT_EQ(guest_.call("fd_prestat_dir_name", Sandbox::kRoot, before_end(1), 2U), Errno::fault);
  EXPECT_EQ(guest_.call("fd_fdstat_get", Sandbox::kRoot, before_end(24)), Errno::success);
  EXPECT_EQ(guest_.call("fd_fdstat_get", Sandbox::kRoot, before_end(23)), Errno::fault);
  EXPECT_EQ(guest_.call("random_get", before_end(16), 16U), Errno::success);
  EXPECT_EQ(guest_.call("random_get", before_end(16), 17U), Errno::fault);
  EXPECT_EQ(guest_.call("random_get", 0U, ~0U), Errno::inval);
  EXPECT_EQ(guest_.call("clock_time_get", clockid::realtime, uint64_t{0}, before_end(8)), Errno::success);
  EXPECT_EQ(guest_.call("clock_time_get", clockid::realtime, uint64_t{0}, before_end(7)), Errno::fault);

  for (const std::string name : {"args", "environ"}) {
    const uint32_t bytes = name == "args" ? 4 : 7;
    EXPECT_EQ(guest_.call(name + "_sizes_get", result, before_end(4)), Errno::success);
    EXPECT_EQ(guest_.call(name + "_sizes_get", before_end(3), result), Errno::fault);
    EXPECT_EQ(guest_.call(name + "_get", before_end(8), result), Errno::success);
    EXPECT_EQ(guest_.call(name + "_get", before_end(4), result), Errno::fault);
    EXPECT_EQ(guest_.call(name + "_get", result, before_end(bytes)), Errno::success);
    EXPECT_EQ(guest_.call(name + "_get", result, before_end(bytes - 1)), Errno::fault);
  }
}

TEST_F(WasiWholeMemory, SubscriptionsAndEventsDoNotWrap) {
  // On no time at all, of clock 0: what is all zeros.
  const Address in = guest_.list(std::vector<Subscription>(2));
  const Address out = guest_.room(2 * sizeof(Event));
  const Address count = guest_.room(4);
  const auto run = [&](Address subscriptions, Address events, uint32_t number, Address stored) {
    return guest_.call("poll_oneoff", subscriptions, events, number, stored);
  };
  EXPECT_EQ(run(before_end(48), out, 1, count), Errno::success);
  EXPECT_EQ(run(before_end(48), out, 2, count), Errno::fault);
  EXPECT_EQ(run(before_end(47), out, 1, count), Errno::fault);
  EXPECT_EQ(run(in, before_end(64), 2, count), Errno::success);
  EXPECT_EQ(run(in, before_end(32), 2, count), Errno::fault);
  EXPECT_EQ(run(in, out, 2, before_end(4)), Errno::success);
  EXPECT_EQ(run(in, out, 2, before_end(3)), Errno::fault);
  // Numbers of subscriptions whose bytes are few in 32 bits.
  EXPECT_EQ(run(in, out, 0x8000'0000, count), Errno::inval);
  EXPECT_EQ(run(in, out, 0x1000'0001, count), Errno::inval);
}

}  // namespace
}  // namespace tenon::wasi
