// Attempts to get out of a preopened directory: by `..`, by absolute paths, by symbolic links of every kind, in every
// place of a path, with every function, alone and while another thread changes the directories underneath. All run
// twice, with the kernel's resolution and with the walk; and the two are compared with each other.
#include <linux/fs.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <thread>

#include "unit/wasi/harness.h"
#include "wasi/path.h"

namespace tenon::wasi {
namespace {

using test::error_of;
using test::Guest;
using test::Sandbox;

constexpr Fd kRoot = Sandbox::kRoot;

uint32_t length(std::string_view text) {
  return static_cast<uint32_t>(text.size());
}

class WasiConfinement : public ::testing::TestWithParam<bool> {
 protected:
  WasiConfinement() {
    sandbox_.mkdir("directory");
    test::write_file(sandbox_.in_root("file"), "inside");
    sandbox_.symlink("..", "up");
    sandbox_.symlink("../", "up-slash");
    sandbox_.symlink("../secret", "up-file");
    sandbox_.symlink("directory/../..", "up-around");
    sandbox_.symlink("up", "up-twice");
    sandbox_.symlink("../..", "directory/up");
    sandbox_.symlink("../../secret", "directory/up-file");
    sandbox_.symlink("/", "absolute");
    sandbox_.symlink(sandbox_.host / "secret", "absolute-file");
    sandbox_.symlink(sandbox_.root(), "absolute-root");
    sandbox_.symlink(sandbox_.host / "secret", "directory/absolute-file");
    sandbox_.symlink("../created", "up-missing");
    sandbox_.symlink(sandbox_.host / "created", "absolute-missing");
    sandbox_.symlink("../root/file", "out-and-back");
  }

  // Nothing outside has been changed.
  void TearDown() override {
    EXPECT_EQ(test::read_file(sandbox_.host / "secret"), "secret");
    EXPECT_EQ(test::read_file(sandbox_.host / "outside/secret"), "secret");
    struct stat status{};
    EXPECT_EQ(::stat((sandbox_.host / "secret").c_str(), &status), 0);
    EXPECT_EQ(status.st_nlink, 1U);
    EXPECT_GT(status.st_mtim.tv_sec, 1'000'000'000);
    size_t entries = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sandbox_.host.path())) {
      entries += entry.path().string().starts_with(sandbox_.root()) ? 0 : 1;
    }
    EXPECT_EQ(entries, 3U);  // secret, outside, outside/secret
  }

  Errno stat_error(std::string_view path, bool follow) {
    return guest_.with_flags_and_path("path_filestat_get", kRoot, follow ? 1 : 0, path, guest_.room(64));
  }

  Sandbox sandbox_{GetParam()};
  Guest& guest_ = *sandbox_.guest;
};

INSTANTIATE_TEST_SUITE_P(Resolution, WasiConfinement, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "InKernel" : "ByWalk"; });

TEST(WasiResolver, UsesTheKernelWhereItCan) {
  EXPECT_FALSE(Resolver::detect(false).is_in_kernel());
  // Not so on a kernel before 5.6, or where openat2 is forbidden.
  if (!Resolver::detect(true).is_in_kernel()) {
    GTEST_SKIP() << "this host has no openat2";
  }
}

// Paths that lead out before their last name is looked at.
constexpr const char* kLeadOut[] = {
    "..",
    "../",
    "../.",
    "../secret",
    "../outside/secret",
    "../root/file",
    "./../secret",
    "directory/../../secret",
    "directory/../..",
    "directory/../../root/file",
    "directory/../directory/../../secret",
    "up/secret",
    "up/root/file",
    "up/.",
    "up/..",
    "up-slash/secret",
    "up-around/secret",
    "up-twice/secret",
    "directory/up/secret",
    "directory/up/root/file",
    "absolute/etc/passwd",
    "absolute/.",
    "absolute-root/file",
    "/",
    "//",
    "/.",
    "/..",
    "/file",
    "/etc/passwd",
    "//etc/passwd",
    "../../../../../../../../../../../../etc/passwd",
};
// Paths whose last name is a link that leads out.
constexpr const char* kLinkOut[] = {
    "up",
    "up-slash",
    "up-file",
    "up-around",
    "up-twice",
    "directory/up",
    "directory/up-file",
    "absolute",
    "absolute-file",
    "absolute-root",
    "up-missing",
    "absolute-missing",
    "out-and-back",
    "directory/absolute-file",
};

TEST_P(WasiConfinement, OpeningDoesNotLeadOut) {
  for (const char* path : kLeadOut) {
    for (const bool follow : {false, true}) {
      EXPECT_EQ(error_of(guest_.open(kRoot, path, {.follow = follow})), Errno::notcapable) << path;
      EXPECT_EQ(error_of(guest_.open(kRoot, path, {.oflags = oflags::directory, .base = 0, .follow = follow})),
                Errno::notcapable)
          << path;
      EXPECT_EQ(
          error_of(guest_.open(kRoot, path, {.oflags = oflags::trunc, .base = rights::fd_write, .follow = follow})),
          Errno::notcapable)
          << path;
    }
  }
  for (const char* path : kLinkOut) {
    for (const uint16_t flags : {uint16_t{0}, oflags::creat, oflags::trunc, oflags::directory}) {
      EXPECT_EQ(error_of(guest_.open(kRoot, path, {.oflags = flags, .follow = true})), Errno::notcapable) << path;
      const Errno refused = error_of(guest_.open(kRoot, path, {.oflags = flags, .base = 0, .follow = false}));
      EXPECT_EQ(refused, flags == oflags::directory ? Errno::notdir : Errno::loop) << path;
    }
    EXPECT_EQ(error_of(guest_.open(kRoot, path, {.oflags = oflags::creat | oflags::excl, .follow = true})),
              Errno::exist)
        << path;
    const std::string with_slash = std::string(path) + "/";
    EXPECT_EQ(error_of(guest_.open(kRoot, with_slash, {.follow = false})), Errno::notcapable) << path;
  }
}

TEST_P(WasiConfinement, AllFunctionsThatTakeAPathStayInside) {
  const auto on_file = [&](std::string_view name, Fd from, std::string_view path) {
    return guest_.with_path(name, from, "file", kRoot, guest_.text(path), length(path));
  };
  const std::vector<std::pair<const char*, std::function<Errno(std::string_view)>>> functions = {
      {"stat", [&](std::string_view path) { return stat_error(path, false); }},
      {"stat, following", [&](std::string_view path) { return stat_error(path, true); }},
      {"set_times",
       [&](std::string_view path) {
         return guest_.with_flags_and_path("path_filestat_set_times", kRoot, 0, path, uint64_t{5}, uint64_t{5},
                                           uint32_t{fstflags::mtim});
       }},
      {"set_times, following",
       [&](std::string_view path) {
         return guest_.with_flags_and_path("path_filestat_set_times", kRoot, 1, path, uint64_t{5}, uint64_t{5},
                                           uint32_t{fstflags::mtim});
       }},
      {"create_directory",
       [&](std::string_view path) { return guest_.with_path("path_create_directory", kRoot, path); }},
      {"remove_directory",
       [&](std::string_view path) { return guest_.with_path("path_remove_directory", kRoot, path); }},
      {"unlink", [&](std::string_view path) { return guest_.with_path("path_unlink_file", kRoot, path); }},
      {"readlink",
       [&](std::string_view path) {
         return guest_.with_path("path_readlink", kRoot, path, guest_.room(10), 10U, guest_.room(4));
       }},
      {"rename from",
       [&](std::string_view path) {
         return guest_.with_path("path_rename", kRoot, path, kRoot, guest_.text("stolen"), 6U);
       }},
      {"rename to", [&](std::string_view path) { return on_file("path_rename", kRoot, path); }},
      {"link from",
       [&](std::string_view path) {
         return guest_.with_flags_and_path("path_link", kRoot, 0, path, kRoot, guest_.text("stolen"), 6U);
       }},
      {"link from, following",
       [&](std::string_view path) {
         return guest_.with_flags_and_path("path_link", kRoot, 1, path, kRoot, guest_.text("stolen"), 6U);
       }},
      {"link to",
       [&](std::string_view path) {
         return guest_.with_flags_and_path("path_link", kRoot, 0, "file", kRoot, guest_.text(path), length(path));
       }},
      {"symlink",
       [&](std::string_view path) {
         return guest_.call("path_symlink", guest_.text("x"), 1U, kRoot, guest_.text(path), length(path));
       }},
  };
  for (const auto& [name, function] : functions) {
    for (const char* path : kLeadOut) {
      EXPECT_EQ(function(path), Errno::notcapable) << name << " " << path;
    }
  }
  EXPECT_FALSE(test::exists(sandbox_.in_root("stolen")));

  // A link in last place is followed by three of them only, and then refused.
  for (const char* path : kLinkOut) {
    EXPECT_EQ(stat_error(path, false), Errno::success) << path;
    EXPECT_EQ(stat_error(path, true), Errno::notcapable) << path;
    const std::string with_slash = std::string(path) + "/";
    EXPECT_EQ(stat_error(with_slash, false), Errno::notcapable) << path;
    EXPECT_EQ(functions[2].second(path), Errno::success) << path;  // dates the link
    EXPECT_EQ(functions[3].second(path), Errno::notcapable) << path;
    EXPECT_EQ(functions[3].second(with_slash), Errno::notcapable) << path;
    EXPECT_EQ(functions[11].second(path), Errno::notcapable) << path;
    EXPECT_EQ(functions[4].second(path), Errno::exist) << path;
    EXPECT_EQ(functions[4].second(with_slash), Errno::exist) << path;
    EXPECT_EQ(functions[5].second(path), Errno::notdir) << path;
    EXPECT_EQ(functions[5].second(with_slash), Errno::notdir) << path;
    EXPECT_EQ(functions[6].second(with_slash), Errno::notdir) << path;
    EXPECT_EQ(functions[7].second(with_slash), Errno::notcapable) << path;
  }
  for (const char* path : kLinkOut) {
    EXPECT_EQ(functions[6].second(path), Errno::success) << path;  // removes the link
  }
}

TEST_P(WasiConfinement, ConfinedToTheDescriptorsOwnDirectory) {
  sandbox_.mkdir("directory/inner");
  const Fd directory = guest_.open_directory(kRoot, "directory");
  for (const auto* path : {"..", "../file", "inner/../../file", "up", "up-file"}) {
    EXPECT_EQ(error_of(guest_.open(directory, path)), Errno::notcapable) << path;
  }
  EXPECT_TRUE(guest_.open(directory, "inner/..", {.base = 0}));
}

// What the guest may reach by one descriptor it may not reach through another, which may allow less.
TEST_P(WasiConfinement, OnePreopenDoesNotLeadIntoAnother) {
  sandbox_.mkdir("other");
  test::write_file(sandbox_.in_root("other/file"), "other");
  sandbox_.symlink("../other", "directory/side");
  sandbox_.symlink("../other/file", "directory/side-file");
  sandbox_.symlink(sandbox_.in_root("other/file"), "directory/side-absolute");
  Guest guest({.preopens = {{sandbox_.in_root("directory"), "/directory"}, {sandbox_.in_root("other"), "/other"}},
               .use_openat2 = GetParam()});
  constexpr Fd kDirectory = 3;
  constexpr Fd kOther = 4;
  for (const auto* path : {"../other/file", "side/file", "side-file", "side-absolute", "side/../other/file",
                           "../directory/../other/file", "/other/file"}) {
    EXPECT_EQ(error_of(guest.open(kDirectory, path)), Errno::notcapable) << path;
    EXPECT_EQ(guest.with_flags_and_path("path_filestat_get", kDirectory, 1, path, guest.room(64)), Errno::notcapable)
        << path;
    EXPECT_EQ(guest.with_flags_and_path("path_link", kDirectory, 1, path, kOther, guest.text("new"), 3U),
              Errno::notcapable)
        << path;
  }
  EXPECT_EQ(guest.with_path("path_rename", kOther, "file", kDirectory, guest.text("../other/new"), 12U),
            Errno::notcapable);
  EXPECT_EQ(guest.with_path("path_rename", kDirectory, "side/file", kOther, guest.text("new"), 3U), Errno::notcapable);
  EXPECT_TRUE(guest.open(kOther, "file"));
}

TEST_P(WasiConfinement, MagicLinksLeadNowhere) {
  // What looks like a link in /proc is a door to any file that the host has open.
  Guest guest({.preopens = {{.host = "/proc/self", .guest = "/proc"}}, .use_openat2 = GetParam()});
  const int secret = open((sandbox_.host / "secret").c_str(), O_RDONLY | O_CLOEXEC);
  const int outside = open((sandbox_.host / "outside").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_TRUE(guest.open(kRoot, "status"));
  for (const std::string& path : {"fd/" + std::to_string(secret), "fd/" + std::to_string(outside) + "/secret",
                                  std::string("exe"), std::string("cwd/."), std::string("root/etc/passwd")}) {
    EXPECT_FALSE(guest.open(kRoot, path)) << path;
    EXPECT_NE(guest.with_flags_and_path("path_filestat_get", kRoot, 1, path, guest.room(64)), Errno::success) << path;
  }
  close(secret);
  close(outside);
}

// ---- The two ways of resolution agree ------------------------------------------------------------------------------

// Trees and paths at random, of few names, so that they meet.
class WasiResolutions : public ::testing::Test {
 protected:
  std::string some_name() {
    static constexpr const char* kNames[] = {"a", "b", "c", "d"};
    return kNames[random_() % 4];
  }
  std::string some_path() {
    std::string path = random_() % 16 == 0 ? "/" : "";
    const size_t components = 1 + random_() % 5;
    for (size_t i = 0; i < components; ++i) {
      static constexpr const char* kDots[] = {".", "..", ".."};
      path += random_() % 3 == 0 ? kDots[random_() % 3] : some_name();
      path += i + 1 < components ? (random_() % 8 == 0 ? "//" : "/") : (random_() % 6 == 0 ? "/" : "");
    }
    return path;
  }
  void make_tree(const std::string& directory, int depth) {
    for (int i = 0; i < 4; ++i) {
      const std::string path = directory + "/" + some_name();
      switch (random_() % 3) {
        case 0:
          if (mkdir(path.c_str(), 0777) == 0 && depth > 0) {
            make_tree(path, depth - 1);
          }
          break;
        case 1:
          if (!test::exists(path)) {
            test::write_file(path, path);
          }
          break;
        default:
          (void)!symlink(some_path().c_str(), path.c_str());
          break;
      }
    }
  }

  std::mt19937 random_{20240607};
};

TEST_F(WasiResolutions, AgreeOnEveryPath) {
  if (!Resolver::detect(true).is_in_kernel()) {
    GTEST_SKIP() << "this host has no openat2";
  }
  std::array<size_t, 80> outcomes{};
  for (int tree = 0; tree < 60; ++tree) {
    const Sandbox sandbox(true);
    make_tree(sandbox.root(), 3);
    Guest& kernel = *sandbox.guest;
    Guest walk({.preopens = {{sandbox.root(), "/"}}, .use_openat2 = false});
    for (int i = 0; i < 200; ++i) {
      const std::string path = some_path();
      for (const bool follow : {false, true}) {
        SCOPED_TRACE(path + (follow ? ", following" : ""));
        const auto stat = [&](Guest& guest, FileStat& result) {
          const Address address = guest.room(sizeof(FileStat));
          const Errno error = guest.with_flags_and_path("path_filestat_get", kRoot, follow ? 1 : 0, path, address);
          result = guest.at<FileStat>(address);
          return error;
        };
        FileStat in_kernel{};
        FileStat by_walk{};
        const Errno error = stat(kernel, in_kernel);
        ASSERT_EQ(error, stat(walk, by_walk));
        if (error == Errno::success) {
          ASSERT_EQ(in_kernel.ino, by_walk.ino);
        }
        ++outcomes[static_cast<size_t>(error)];
        for (const uint16_t flags : {uint16_t{0}, oflags::directory}) {
          const Guest::OpenArguments arguments{.oflags = flags, .base = rights::fd_filestat_get, .follow = follow};
          const auto a = kernel.open(kRoot, path, arguments);
          const auto b = walk.open(kRoot, path, arguments);
          ASSERT_EQ(a ? Errno::success : a.error(), b ? Errno::success : b.error());
          if (a) {
            ASSERT_EQ(kernel.filestat(*a).ino, walk.filestat(*b).ino);
            kernel.call("fd_close", *a);
            walk.call("fd_close", *b);
          }
        }
      }
    }
  }
  // The paths are of all kinds.
  for (const Errno error : {Errno::success, Errno::noent, Errno::notdir, Errno::notcapable, Errno::loop}) {
    EXPECT_GT(outcomes[static_cast<size_t>(error)], 50U) << static_cast<int>(error);
  }
}

// ---- While another thread changes the directories ------------------------------------------------------------------

// Repeats `change` in a thread of its own for as long as it lives.
class Meanwhile {
 public:
  explicit Meanwhile(std::function<void()> change)
      : thread_([this, change = std::move(change)] {
          while (!stop_) {
            change();
            ++rounds_;
          }
        }) {}
  ~Meanwhile() {
    stop_ = true;
    thread_.join();
    EXPECT_GT(rounds_, 0U);
  }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<size_t> rounds_ = 0;
  std::thread thread_;
};

class WasiRaces : public WasiConfinement {
 protected:
  // Makes the two names change places, in one step.
  void exchange(const std::string& a, const std::string& b) const {
    ASSERT_EQ(renameat2(AT_FDCWD, sandbox_.in_root(a).c_str(), AT_FDCWD, sandbox_.in_root(b).c_str(), RENAME_EXCHANGE),
              0);
  }
  // Runs for a while.
  static void repeat(const std::function<void(uint64_t round)>& body) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    for (uint64_t round = 0; std::chrono::steady_clock::now() < end; ++round) {
      body(round);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Resolution, WasiRaces, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "InKernel" : "ByWalk"; });

TEST_P(WasiRaces, ADirectoryThatBecomesALink) {
  sandbox_.mkdir("d");
  test::write_file(sandbox_.in_root("d/secret"), "inside");
  sandbox_.symlink("../outside", "e");
  struct stat inside{};
  ASSERT_EQ(::stat(sandbox_.in_root("d/secret").c_str(), &inside), 0);
  size_t opened = 0;
  size_t refused = 0;
  {
    const Meanwhile swap([&] { exchange("d", "e"); });
    repeat([&](uint64_t round) {
      const auto fd = guest_.open(kRoot, "d/secret");
      if (fd) {
        ++opened;
        ASSERT_EQ(guest_.read(*fd), "inside");
        guest_.call("fd_close", *fd);
      } else {
        ++refused;
        ASSERT_TRUE(fd.error() == Errno::notcapable || fd.error() == Errno::notdir || fd.error() == Errno::loop)
            << static_cast<int>(fd.error());
      }
      const Address result = guest_.room(sizeof(FileStat));
      if (guest_.with_flags_and_path("path_filestat_get", kRoot, 1, "d/secret", result) == Errno::success) {
        ASSERT_EQ(guest_.at<FileStat>(result).ino, inside.st_ino);
      }
      const std::string name = "d/new" + std::to_string(round % 50);
      if (const auto created = guest_.open(kRoot, name, {.oflags = oflags::creat, .base = rights::fd_write})) {
        guest_.call("fd_close", *created);
      }
      guest_.with_path("path_unlink_file", kRoot, name);
      guest_.with_path("path_create_directory", kRoot, name);
      guest_.with_path("path_remove_directory", kRoot, name);
      guest_.call("path_symlink", guest_.text("x"), 1U, kRoot, guest_.text(name), length(name));
      guest_.with_path("path_rename", kRoot, name, kRoot, guest_.text("d/renamed"), 9U);
      guest_.with_flags_and_path("path_link", kRoot, 1, "d/secret", kRoot, guest_.text(name), length(name));
      guest_.with_path("path_unlink_file", kRoot, name);
      guest_.with_flags_and_path("path_filestat_set_times", kRoot, 1, "d/secret", uint64_t{5}, uint64_t{5},
                                 uint32_t{fstflags::mtim});
      ASSERT_FALSE(guest_.open(kRoot, "d/secret", {.oflags = oflags::directory}));
    });
  }
  EXPECT_GT(opened, 0U);
  EXPECT_GT(refused, 0U);
  struct stat outside{};
  ASSERT_EQ(::stat((sandbox_.host / "outside/secret").c_str(), &outside), 0);
  EXPECT_GT(outside.st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(outside.st_nlink, 1U);
}

TEST_P(WasiRaces, AFileThatBecomesALink) {
  test::write_file(sandbox_.in_root("f"), "inside");
  sandbox_.symlink("../secret", "g");
  struct stat inside{};
  ASSERT_EQ(::stat(sandbox_.in_root("f").c_str(), &inside), 0);
  size_t opened = 0;
  size_t refused = 0;
  {
    const Meanwhile swap([&] { exchange("f", "g"); });
    repeat([&](uint64_t) {
      for (const bool follow : {false, true}) {
        const auto fd = guest_.open(kRoot, "f", {.oflags = oflags::creat, .base = rights::fd_read, .follow = follow});
        if (fd) {
          ++opened;
          ASSERT_EQ(guest_.read(*fd), "inside");
          guest_.call("fd_close", *fd);
        } else {
          ++refused;
          ASSERT_TRUE(fd.error() == Errno::notcapable || fd.error() == Errno::loop) << static_cast<int>(fd.error());
        }
      }
      const Address result = guest_.room(sizeof(FileStat));
      if (guest_.with_flags_and_path("path_filestat_get", kRoot, 1, "f", result) == Errno::success &&
          guest_.at<FileStat>(result).filetype == static_cast<uint8_t>(FileType::regular_file)) {
        ASSERT_EQ(guest_.at<FileStat>(result).ino, inside.st_ino);
      }
      guest_.with_flags_and_path("path_filestat_set_times", kRoot, 1, "f", uint64_t{5}, uint64_t{5},
                                 uint32_t{fstflags::mtim});
      if (guest_.with_flags_and_path("path_link", kRoot, 1, "f", kRoot, guest_.text("linked"), 6U) == Errno::success) {
        guest_.with_path("path_unlink_file", kRoot, "linked");
      }
    });
  }
  EXPECT_GT(opened, 0U);
  EXPECT_GT(refused, 0U);
}

TEST_P(WasiRaces, ADirectoryThatIsMovedOut) {
  // The paths go down and up again; whoever climbs out of the moved directory by its new parents meets a secret.
  sandbox_.mkdir("x");
  sandbox_.mkdir("x/y");
  sandbox_.mkdir("x/y/z");
  test::write_file(sandbox_.in_root("secret"), "inside");
  test::write_file(sandbox_.in_root("x/secret"), "inside");
  const std::string inside = sandbox_.in_root("x/y");
  const std::string outside = sandbox_.host / "outside/y";
  size_t opened = 0;
  {
    const Meanwhile move([&] {
      (void)rename(inside.c_str(), outside.c_str());
      (void)rename(outside.c_str(), inside.c_str());
    });
    repeat([&](uint64_t) {
      for (const auto* path : {"x/y/z/../../../secret", "x/y/z/../../secret", "x/y/../secret"}) {
        const auto fd = guest_.open(kRoot, path);
        if (fd) {
          ++opened;
          ASSERT_EQ(guest_.read(*fd), "inside") << path;
          guest_.call("fd_close", *fd);
        }
      }
      ASSERT_FALSE(guest_.open(kRoot, "x/y/z/../../../../secret"));
      guest_.with_path("path_unlink_file", kRoot, "x/y/z/../../../../secret");
      guest_.with_path("path_remove_directory", kRoot, "x/y/z/../../../outside");
    });
  }
  EXPECT_GT(opened, 0U);
  (void)rename(outside.c_str(), inside.c_str());
}

// The guest's other threads may change a path while it is being read: what is checked is what is used.
TEST_P(WasiRaces, APathThatChanges) {
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a data race is what this is about";
#endif
  constexpr std::string_view kGood = "directory/../file";
  constexpr std::string_view kBad = "directory/../../s";
  static_assert(kGood.size() == kBad.size());
  test::write_file(sandbox_.host / "s", "secret");
  const Address path = guest_.text(kGood);
  guest_.keep();
  {
    const Meanwhile change([&] {
      for (const std::string_view text : {kBad, kGood}) {
        for (size_t i = 0; i < text.size(); ++i) {
          // As the guest's code would, under no lock.
          std::atomic_ref(guest_.bytes()[path + i]).store(static_cast<uint8_t>(text[i]), std::memory_order_relaxed);
        }
      }
    });
    // Nothing is put into guest memory in the loop: the path is to stay where it is.
    const Address result = guest_.room(4);
    const Address buffer = guest_.room(16);
    const Address vectors = guest_.value(IoVec{buffer, 16});
    repeat([&](uint64_t) {
      const Errno error = guest_.call("path_open", kRoot, 1U, path, length(kGood), 0U, uint64_t{rights::fd_read},
                                      uint64_t{0}, 0U, result);
      if (error == Errno::success) {
        const Fd fd = guest_.at<Fd>(result);
        ASSERT_EQ(guest_.call("fd_read", fd, vectors, 1U, result), Errno::success);
        ASSERT_EQ(guest_.text_at(buffer, guest_.at<uint32_t>(result)), "inside");
        guest_.call("fd_close", fd);
      }
    });
  }
  ASSERT_EQ(unlink((sandbox_.host / "s").c_str()), 0);
}

}  // namespace
}  // namespace tenon::wasi
