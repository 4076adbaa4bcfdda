// What is done with a directory and a path, with paths that stay where they may: every function, what it does and how
// it refuses. Everything runs twice, with the kernel's resolution and with the walk. What tries to get out is in
// confinement_test.cpp.
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <thread>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::error_of;
using test::Guest;
using test::kNowhere;
using test::Sandbox;
using test::TemporaryDirectory;

constexpr Fd kRoot = Sandbox::kRoot;
constexpr Fd kClosed = 77;

class WasiPaths : public ::testing::TestWithParam<bool> {
 protected:
  std::expected<FileStat, Errno> stat(std::string_view path, bool follow = false, Fd fd = kRoot) {
    const Address result = guest_.room(sizeof(FileStat));
    const Errno error = guest_.with_flags_and_path("path_filestat_get", fd, follow ? 1 : 0, path, result);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return guest_.at<FileStat>(result);
  }
  Errno make_directory(std::string_view path) { return guest_.with_path("path_create_directory", kRoot, path); }
  Errno unlink(std::string_view path) { return guest_.with_path("path_unlink_file", kRoot, path); }
  Errno remove_directory(std::string_view path) { return guest_.with_path("path_remove_directory", kRoot, path); }
  Errno rename(std::string_view from, std::string_view to) {
    return guest_.with_path("path_rename", kRoot, from, kRoot, guest_.text(to), length(to));
  }
  Errno link(std::string_view from, std::string_view to, bool follow = false) {
    return guest_.with_flags_and_path("path_link", kRoot, follow ? 1 : 0, from, kRoot, guest_.text(to), length(to));
  }
  Errno symlink(std::string_view target, std::string_view path) {
    return guest_.call("path_symlink", guest_.text(target), length(target), kRoot, guest_.text(path), length(path));
  }
  std::expected<std::string, Errno> read_link(std::string_view path, uint32_t size = 100) {
    const Address buffer = guest_.room(size);
    const Address result = guest_.room(4);
    const Errno error = guest_.with_path("path_readlink", kRoot, path, buffer, size, result);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return guest_.text_at(buffer, guest_.at<uint32_t>(result));
  }
  Errno set_times(std::string_view path, uint64_t mtim, bool follow, uint32_t flags = fstflags::mtim) {
    return guest_.with_flags_and_path("path_filestat_set_times", kRoot, follow ? 1 : 0, path, uint64_t{0}, mtim, flags);
  }
  Errno open_error(std::string_view path, const Guest::OpenArguments& arguments = {}) {
    const auto fd = guest_.open(kRoot, path, arguments);
    if (!fd) {
      return fd.error();
    }
    EXPECT_EQ(guest_.call("fd_close", *fd), Errno::success);
    return Errno::success;
  }
  static uint32_t length(std::string_view text) { return static_cast<uint32_t>(text.size()); }
  // A directory descriptor with all rights but these.
  Fd root_without(Rights missing) {
    const FdStat all = guest_.fdstat(kRoot);
    const auto fd = guest_.open(
        kRoot, ".",
        {.oflags = oflags::directory, .base = all.fs_rights_base & ~missing, .inheriting = all.fs_rights_inheriting});
    EXPECT_TRUE(fd);
    return fd.value_or(kClosed);
  }

  Sandbox sandbox_{GetParam()};
  Guest& guest_ = *sandbox_.guest;
};

INSTANTIATE_TEST_SUITE_P(Resolution, WasiPaths, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "InKernel" : "ByWalk"; });

// ---- What all have in common ---------------------------------------------------------------------------------------

// Calls one function that takes a path, all else being well.
using PathCall = Errno (*)(Guest& guest, Fd fd, Address path, uint32_t length);
struct PathFunction {
  const char* name;
  Rights needed;
  PathCall call;
};
constexpr PathFunction kPathFunctions[] = {
    {"path_create_directory", rights::path_create_directory,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_create_directory", fd, path, length);
     }},
    {"path_filestat_get", rights::path_filestat_get,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_filestat_get", fd, 0U, path, length, guest.room(64));
     }},
    {"path_filestat_set_times", rights::path_filestat_set_times,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_filestat_set_times", fd, 0U, path, length, uint64_t{0}, uint64_t{0},
                         uint32_t{fstflags::mtim_now});
     }},
    {"path_link, source", rights::path_link_source,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_link", fd, 0U, path, length, kRoot, guest.text("new-link"), 8U);
     }},
    {"path_link, target", rights::path_link_target,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_link", kRoot, 0U, guest.text("file"), 4U, fd, path, length);
     }},
    {"path_open", rights::path_open,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_open", fd, 0U, path, length, 0U, uint64_t{0}, uint64_t{0}, 0U, guest.room(4));
     }},
    {"path_readlink", rights::path_readlink,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_readlink", fd, path, length, guest.room(10), 10U, guest.room(4));
     }},
    {"path_remove_directory", rights::path_remove_directory,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_remove_directory", fd, path, length);
     }},
    {"path_rename, source", rights::path_rename_source,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_rename", fd, path, length, kRoot, guest.text("renamed"), 7U);
     }},
    {"path_rename, target", rights::path_rename_target,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_rename", kRoot, guest.text("file"), 4U, fd, path, length);
     }},
    {"path_symlink", rights::path_symlink,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_symlink", guest.text("target"), 6U, fd, path, length);
     }},
    {"path_unlink_file", rights::path_unlink_file,
     [](Guest& guest, Fd fd, Address path, uint32_t length) {
       return guest.call("path_unlink_file", fd, path, length);
     }},
};

TEST_P(WasiPaths, AllCheckDescriptorRightsAndPath) {
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.symlink("loop", "loop");
  const auto file = guest_.open(kRoot, "file");
  ASSERT_TRUE(file);
  const auto end = static_cast<Address>(guest_.size());
  for (const PathFunction& function : kPathFunctions) {
    SCOPED_TRACE(function.name);
    const auto with = [&](Fd fd, std::string_view path) {
      return function.call(guest_, fd, guest_.text(path), length(path));
    };
    EXPECT_EQ(with(kClosed, "x"), Errno::badf);
    EXPECT_EQ(with(~Fd{0}, "x"), Errno::badf);
    EXPECT_EQ(with(*file, "x"), Errno::notdir);
    EXPECT_EQ(with(root_without(function.needed), "x"), Errno::notcapable);
    EXPECT_EQ(with(kRoot, ""), Errno::noent);
    EXPECT_EQ(with(kRoot, std::string_view("file\0", 5)), Errno::inval);
    EXPECT_EQ(with(kRoot, std::string_view("\0", 1)), Errno::inval);
    EXPECT_EQ(with(kRoot, "missing/x"), Errno::noent);
    EXPECT_EQ(with(kRoot, "file/x"), Errno::notdir);
    EXPECT_EQ(with(kRoot, "loop/x"), Errno::loop);
    EXPECT_EQ(with(kRoot, "/"), Errno::notcapable);
    EXPECT_EQ(with(kRoot, "/file"), Errno::notcapable);
    EXPECT_EQ(with(kRoot, std::string(300, 'x')), Errno::nametoolong);
    EXPECT_EQ(with(kRoot, std::string(300, 'x') + "/x"), Errno::nametoolong);
    EXPECT_EQ(with(kRoot, std::string(4095, 'x')), Errno::nametoolong);
    EXPECT_EQ(with(kRoot, std::string(4096, 'x')), Errno::nametoolong);
    EXPECT_EQ(with(kRoot, std::string(100'000, 'x')), Errno::nametoolong);
    EXPECT_EQ(function.call(guest_, kRoot, kNowhere, 1), Errno::fault);
    EXPECT_EQ(function.call(guest_, kRoot, kNowhere, 0), Errno::fault);
    EXPECT_EQ(function.call(guest_, kRoot, end - 3, 4), Errno::fault);
    EXPECT_EQ(function.call(guest_, kRoot, 1, ~0U), Errno::fault);
  }
}

// Works on files as somebody who may not do everything, while it lives: tests are often run by one who may. Concerns
// the calling thread alone.
class AsNobody {
 public:
  AsNobody() { setfsuid(kNobody); }
  ~AsNobody() { setfsuid(geteuid()); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
};

TEST_P(WasiPaths, TheHostsPermissionsCount) {
  sandbox_.mkdir("locked");
  sandbox_.mkdir("fixed");
  test::write_file(sandbox_.in_root("file"), "content");
  test::write_file(sandbox_.in_root("locked/file"), "");
  test::write_file(sandbox_.in_root("fixed/file"), "");
  ASSERT_EQ(chmod(sandbox_.root().c_str(), 0777), 0);
  ASSERT_EQ(chmod(sandbox_.in_root("locked").c_str(), 0), 0);
  ASSERT_EQ(chmod(sandbox_.in_root("fixed").c_str(), 0555), 0);
  ASSERT_EQ(chmod(sandbox_.in_root("file").c_str(), 0), 0);
  {
    const AsNobody nobody;
    for (const PathFunction& function : kPathFunctions) {
      EXPECT_EQ(function.call(guest_, kRoot, guest_.text("locked/file"), 11), Errno::acces) << function.name;
    }
    EXPECT_EQ(open_error("file"), Errno::acces);
    EXPECT_EQ(error_of(stat("locked/file", true)), Errno::acces);
    EXPECT_EQ(open_error("fixed/new", {.oflags = oflags::creat}), Errno::acces);
    EXPECT_EQ(make_directory("fixed/new"), Errno::acces);
    EXPECT_EQ(unlink("fixed/file"), Errno::acces);
    EXPECT_EQ(symlink("x", "fixed/new"), Errno::acces);
    EXPECT_EQ(rename("fixed/file", "stolen"), Errno::acces);
    EXPECT_EQ(rename("file", "fixed/new"), Errno::acces);
    EXPECT_TRUE(stat("fixed/file"));
  }
  ASSERT_EQ(chmod(sandbox_.in_root("locked").c_str(), 0700), 0);
  EXPECT_TRUE(test::exists(sandbox_.in_root("locked/file")));
  ASSERT_EQ(chmod(sandbox_.in_root("fixed").c_str(), 0700), 0);
}

TEST_P(WasiPaths, WhatIsSomebodyElsesStaysTheirs) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "there is nobody else";
  }
  sandbox_.mkdir("sticky");
  test::write_file(sandbox_.in_root("sticky/file"), "");
  ASSERT_EQ(chmod(sandbox_.in_root("sticky").c_str(), 01777), 0);
  {
    const AsNobody nobody;
    EXPECT_EQ(unlink("sticky/file"), Errno::perm);
    EXPECT_EQ(rename("sticky/file", "sticky/new"), Errno::perm);
    EXPECT_EQ(set_times("sticky/file", 5, false), Errno::perm);
    EXPECT_EQ(set_times("sticky/file", 5, false, fstflags::mtim_now | fstflags::atim_now), Errno::acces);
  }
  EXPECT_TRUE(test::exists(sandbox_.in_root("sticky/file")));
}

TEST_P(WasiPaths, FlagsAreChecked) {
  test::write_file(sandbox_.in_root("file"), "");
  const Address path = guest_.text("file");
  EXPECT_EQ(guest_.call("path_filestat_get", kRoot, 2U, path, 4U, guest_.room(64)), Errno::inval);
  EXPECT_EQ(guest_.call("path_filestat_set_times", kRoot, 2U, path, 4U, uint64_t{0}, uint64_t{0}, 0U), Errno::inval);
  EXPECT_EQ(guest_.call("path_link", kRoot, 1U << 31, path, 4U, kRoot, guest_.text("new"), 3U), Errno::inval);
  const auto open = [&](uint32_t dirflags, uint32_t open_flags, uint32_t fd_flags) {
    return guest_.call("path_open", kRoot, dirflags, path, 4U, open_flags, uint64_t{0}, uint64_t{0}, fd_flags,
                       guest_.room(4));
  };
  EXPECT_EQ(open(0, 0, 0), Errno::success);
  EXPECT_EQ(open(2, 0, 0), Errno::inval);
  EXPECT_EQ(open(0, 16, 0), Errno::inval);
  EXPECT_EQ(open(0, 1U << 16, 0), Errno::inval);
  EXPECT_EQ(open(0, 0, 32), Errno::inval);
  EXPECT_EQ(open(0, 0, 1U << 16), Errno::inval);
  EXPECT_EQ(open(0, oflags::creat | oflags::directory, 0), Errno::inval);
}

// ---- Opening -------------------------------------------------------------------------------------------------------

TEST_P(WasiPaths, OpensByEveryWayOfWriting) {
  sandbox_.mkdir("a");
  sandbox_.mkdir("a/b");
  test::write_file(sandbox_.in_root("a/b/file"), "content");
  sandbox_.symlink("a/b", "link");
  sandbox_.symlink("../b/./file", "a/b/up");
  for (const auto* path : {"a/b/file", "./a/b/file", "a//b///file", "a/./b/./file", "a/../a/b/file", "a/b/../b/file",
                           "a/b/../../a/b/file", "link/file", "link/../b/file", "link/up", "a/b/up", "link/./up"}) {
    const auto fd = guest_.open(kRoot, path);
    ASSERT_TRUE(fd) << path;
    EXPECT_EQ(guest_.read(*fd), "content") << path;
    guest_.call("fd_close", *fd);
  }
  for (const auto* path : {".", "./", "./.", "a/..", "a/../", "a/b/../..", "link/../.."}) {
    const auto fd = guest_.open(kRoot, path, {.base = rights::fd_filestat_get});
    ASSERT_TRUE(fd) << path;
    EXPECT_EQ(guest_.filestat(*fd).ino, guest_.filestat(kRoot).ino) << path;
    guest_.call("fd_close", *fd);
  }
}

TEST_P(WasiPaths, TrailingSlashesNeedDirectories) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.symlink("directory", "to-directory");
  sandbox_.symlink("file", "to-file");
  sandbox_.symlink("missing", "to-missing");
  for (const bool follow : {false, true}) {
    const Guest::OpenArguments arguments{.base = 0, .follow = follow};
    EXPECT_EQ(open_error("directory/", arguments), Errno::success);
    EXPECT_EQ(open_error("directory///", arguments), Errno::success);
    EXPECT_EQ(open_error("to-directory/", arguments), Errno::success);
    EXPECT_EQ(open_error("file/", arguments), Errno::notdir);
    EXPECT_EQ(open_error("file///", arguments), Errno::notdir);
    EXPECT_EQ(open_error("file/.", arguments), Errno::notdir);
    EXPECT_EQ(open_error("file/..", arguments), Errno::notdir);
    EXPECT_EQ(open_error("to-file/", arguments), Errno::notdir);
    EXPECT_EQ(open_error("to-missing/", arguments), Errno::noent);
    EXPECT_EQ(open_error("missing/", arguments), Errno::noent);
    EXPECT_EQ(open_error("missing/..", arguments), Errno::noent);
  }
  const Guest::OpenArguments creates{.oflags = oflags::creat};
  EXPECT_EQ(open_error("new/", creates), Errno::isdir);
  EXPECT_EQ(open_error("directory/", creates), Errno::isdir);
  EXPECT_EQ(open_error("directory", creates), Errno::isdir);
  EXPECT_EQ(open_error("missing/new", creates), Errno::noent);
  EXPECT_FALSE(test::exists(sandbox_.in_root("new")));
}

TEST_P(WasiPaths, FollowsLinksOnlyWhenAsked) {
  test::write_file(sandbox_.in_root("file"), "content");
  sandbox_.mkdir("directory");
  sandbox_.symlink("file", "link");
  sandbox_.symlink("link", "link-to-link");
  sandbox_.symlink("directory", "directory-link");
  sandbox_.symlink("loop", "loop");
  sandbox_.symlink("loop-b", "loop-a");
  sandbox_.symlink("loop-a", "loop-b");
  sandbox_.symlink("missing", "dangling");
  EXPECT_EQ(open_error("link", {.follow = true}), Errno::success);
  EXPECT_EQ(open_error("link-to-link", {.follow = true}), Errno::success);
  EXPECT_EQ(open_error("link", {.follow = false}), Errno::loop);
  EXPECT_EQ(open_error("dangling", {.follow = false}), Errno::loop);
  EXPECT_EQ(open_error("dangling", {.follow = true}), Errno::noent);
  EXPECT_EQ(open_error("loop", {.follow = true}), Errno::loop);
  EXPECT_EQ(open_error("loop-a", {.follow = true}), Errno::loop);
  EXPECT_EQ(open_error("loop/x", {.follow = false}), Errno::loop);
  const Guest::OpenArguments directory{.oflags = oflags::directory, .base = 0, .follow = true};
  EXPECT_EQ(open_error("directory-link", directory), Errno::success);
  EXPECT_EQ(open_error("link", directory), Errno::notdir);
  EXPECT_EQ(open_error("directory-link", {.oflags = oflags::directory, .base = 0, .follow = false}), Errno::notdir);
  // Creating through a link that leads nowhere creates what it names, unless it must be new.
  EXPECT_EQ(open_error("dangling", {.oflags = oflags::creat | oflags::excl}), Errno::exist);
  EXPECT_EQ(open_error("dangling", {.oflags = oflags::creat, .follow = false}), Errno::loop);
  EXPECT_FALSE(test::exists(sandbox_.in_root("missing")));
  EXPECT_EQ(open_error("dangling", {.oflags = oflags::creat}), Errno::success);
  EXPECT_TRUE(test::exists(sandbox_.in_root("missing")));
}

TEST_P(WasiPaths, FollowsAsManyLinksAsTheKernel) {
  test::write_file(sandbox_.in_root("link0"), "");
  for (int i = 1; i <= 41; ++i) {
    sandbox_.symlink("link" + std::to_string(i - 1), "link" + std::to_string(i));
  }
  EXPECT_EQ(open_error("link40"), Errno::success);
  EXPECT_EQ(open_error("link41"), Errno::loop);
  EXPECT_TRUE(stat("link40", true));
  EXPECT_EQ(error_of(stat("link41", true)), Errno::loop);
}

TEST_P(WasiPaths, CreatesTruncatesExcludes) {
  ASSERT_EQ(open_error("file", {.oflags = 0}), Errno::noent);
  ASSERT_EQ(open_error("file", {.oflags = oflags::trunc}), Errno::noent);
  ASSERT_EQ(open_error("file", {.oflags = oflags::creat | oflags::excl}), Errno::success);
  EXPECT_EQ(open_error("file", {.oflags = oflags::creat | oflags::excl}), Errno::exist);
  EXPECT_EQ(open_error("file", {.oflags = oflags::creat}), Errno::success);
  test::write_file(sandbox_.in_root("file"), "content");
  EXPECT_EQ(open_error("file", {.oflags = oflags::creat}), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "content");
  EXPECT_EQ(open_error("file", {.oflags = oflags::trunc, .base = 0}), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "");
  struct ::stat status{};
  ASSERT_EQ(::stat(sandbox_.in_root("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07111, 0U);
}

TEST_P(WasiPaths, FlagsOfOpeningCombine) {
  sandbox_.mkdir("directory");
  sandbox_.symlink("file", "link");
  test::write_file(sandbox_.in_root("file"), "content");
  constexpr uint16_t kNew = oflags::creat | oflags::excl;
  EXPECT_EQ(open_error("new", {.oflags = kNew | oflags::trunc}), Errno::success);
  EXPECT_EQ(open_error("file", {.oflags = kNew | oflags::trunc}), Errno::exist);
  EXPECT_EQ(open_error("link", {.oflags = kNew | oflags::trunc}), Errno::exist);
  EXPECT_EQ(open_error("directory", {.oflags = kNew}), Errno::exist);
  EXPECT_EQ(open_error("directory", {.oflags = kNew | oflags::directory}), Errno::inval);
  EXPECT_EQ(open_error("missing", {.oflags = oflags::creat | oflags::directory}), Errno::inval);
  EXPECT_FALSE(test::exists(sandbox_.in_root("missing")));
  // What is no directory is not truncated as one, nor what must be new or a file; without the flag to create, that it
  // must be new says nothing.
  EXPECT_EQ(open_error("file", {.oflags = oflags::directory | oflags::trunc, .base = 0}), Errno::notdir);
  EXPECT_EQ(open_error("link", {.oflags = oflags::trunc, .base = 0, .follow = false}), Errno::loop);
  EXPECT_EQ(open_error("file/", {.oflags = oflags::trunc, .base = 0}), Errno::notdir);
  EXPECT_EQ(open_error("file", {.oflags = oflags::excl}), Errno::success);
  EXPECT_EQ(open_error("missing", {.oflags = oflags::excl}), Errno::noent);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "content");
  EXPECT_EQ(open_error("directory", {.oflags = oflags::directory | oflags::trunc, .base = 0}), Errno::isdir);
  EXPECT_EQ(open_error("directory", {.oflags = oflags::directory | oflags::excl, .base = 0}), Errno::success);
  EXPECT_EQ(open_error("link", {.oflags = oflags::creat | oflags::trunc, .base = rights::fd_write}), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "");
  for (const uint16_t fd_flags : {fdflags::append, fdflags::dsync, fdflags::nonblock, fdflags::rsync, fdflags::sync}) {
    const auto fd = guest_.open(kRoot, "file", {.base = rights::fd_write, .fdflags = fd_flags});
    ASSERT_TRUE(fd) << fd_flags;
    EXPECT_EQ(guest_.fdstat(*fd).fs_flags, fd_flags);
  }
}

TEST_P(WasiPaths, OpeningNeedsRightsOfTheDirectory) {
  test::write_file(sandbox_.in_root("file"), "content");
  const auto open_in = [&](Rights missing, const Guest::OpenArguments& arguments) {
    const auto fd = guest_.open(root_without(missing), "file", arguments);
    return fd ? Errno::success : fd.error();
  };
  EXPECT_EQ(open_in(rights::path_create_file, {.oflags = oflags::creat}), Errno::notcapable);
  EXPECT_EQ(open_in(rights::path_create_file, {}), Errno::success);
  EXPECT_EQ(open_in(rights::path_filestat_set_size, {.oflags = oflags::trunc}), Errno::notcapable);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "content");

  const auto narrow = guest_.open(
      kRoot, ".",
      {.oflags = oflags::directory, .base = rights::path_open, .inheriting = rights::fd_read | rights::fd_seek});
  ASSERT_TRUE(narrow);
  const auto open_narrow = [&](const Guest::OpenArguments& arguments) {
    const auto fd = guest_.open(*narrow, "file", arguments);
    return fd ? Errno::success : fd.error();
  };
  EXPECT_EQ(open_narrow({.base = rights::fd_read}), Errno::success);
  EXPECT_EQ(open_narrow({.base = rights::fd_write}), Errno::notcapable);
  EXPECT_EQ(open_narrow({.base = rights::fd_read, .inheriting = rights::fd_tell}), Errno::notcapable);
  EXPECT_EQ(open_narrow({.base = rights::fd_read, .fdflags = fdflags::dsync}), Errno::notcapable);
  EXPECT_EQ(open_narrow({.base = rights::fd_read, .fdflags = fdflags::sync}), Errno::notcapable);
  EXPECT_EQ(open_narrow({.base = rights::fd_read, .fdflags = fdflags::rsync}), Errno::notcapable);
  EXPECT_EQ(open_narrow({.base = rights::fd_read, .fdflags = fdflags::append}), Errno::success);
  EXPECT_EQ(open_narrow({.base = ~Rights{0}}), Errno::notcapable);
}

TEST_P(WasiPaths, RightsDecideHowAFileIsOpened) {
  test::write_file(sandbox_.in_root("file"), "content");
  const auto reader = guest_.open(kRoot, "file", {.base = rights::fd_read});
  const auto writer = guest_.open(kRoot, "file", {.base = rights::fd_write});
  ASSERT_TRUE(reader && writer);
  EXPECT_EQ(guest_.read(*reader), "content");
  EXPECT_EQ(error_of(guest_.write(*reader, "x")), Errno::notcapable);
  EXPECT_EQ(error_of(guest_.read(*writer)), Errno::notcapable);
  EXPECT_EQ(guest_.write(*writer, "X"), 1U);
  const auto both = guest_.open(kRoot, "file", {.base = rights::fd_read | rights::fd_write});
  ASSERT_TRUE(both);
  EXPECT_EQ(guest_.read(*both, 3), "Xon");
  EXPECT_EQ(guest_.write(*both, "T"), 1U);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "XonTent");
}

TEST_P(WasiPaths, OpensDirectories) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "");
  const auto all = guest_.fdstat(kRoot);
  const auto same = guest_.open(kRoot, ".", {.base = all.fs_rights_base, .inheriting = all.fs_rights_inheriting});
  ASSERT_TRUE(same);
  EXPECT_EQ(guest_.fdstat(*same).fs_rights_base, all.fs_rights_base);
  EXPECT_EQ(guest_.fdstat(*same).fs_rights_inheriting, all.fs_rights_inheriting);
  EXPECT_EQ(guest_.call("fd_prestat_get", *same, guest_.room(8)), Errno::badf);
  EXPECT_EQ(open_error("directory", {.base = 0}), Errno::success);
  EXPECT_EQ(open_error("directory", {.oflags = oflags::directory, .base = rights::fd_read}), Errno::success);
  EXPECT_EQ(open_error("directory", {.base = rights::fd_read | rights::fd_write}), Errno::isdir);
  EXPECT_EQ(open_error("directory", {.oflags = oflags::directory, .base = rights::fd_write}), Errno::isdir);
  EXPECT_EQ(open_error("directory", {.oflags = oflags::trunc, .base = 0}), Errno::isdir);
  EXPECT_EQ(open_error("file", {.oflags = oflags::directory}), Errno::notdir);
  const auto seeker = guest_.open(kRoot, "directory", {.base = rights::fd_seek});
  ASSERT_TRUE(seeker);
  EXPECT_EQ(guest_.fdstat(*seeker).fs_rights_base, 0U);
  // Relative to another directory than the preopen.
  const Fd directory = guest_.open_directory(kRoot, "directory");
  guest_.create(directory, "inner");
  EXPECT_TRUE(test::exists(sandbox_.in_root("directory/inner")));
}

TEST_P(WasiPaths, OpensPipes) {
  ASSERT_EQ(mkfifo(sandbox_.in_root("fifo").c_str(), 0666), 0);
  const auto reader = guest_.open(kRoot, "fifo", {.base = rights::fd_read, .fdflags = fdflags::nonblock});
  ASSERT_TRUE(reader);
  EXPECT_EQ(guest_.fdstat(*reader).fs_filetype, static_cast<uint8_t>(FileType::unknown));
  const auto writer = guest_.open(kRoot, "fifo", {.base = rights::fd_write});
  ASSERT_TRUE(writer);
  EXPECT_EQ(error_of(guest_.read(*reader)), Errno::again);
  EXPECT_EQ(guest_.write(*writer, "x"), 1U);
  EXPECT_EQ(guest_.read(*reader), "x");
  EXPECT_EQ(guest_.call("fd_close", *reader), Errno::success);
  EXPECT_EQ(error_of(guest_.write(*writer, "x")), Errno::pipe);
  EXPECT_EQ(open_error("fifo", {.base = rights::fd_write, .fdflags = fdflags::nonblock}), Errno::nxio);
}

// Opening a pipe waits for its other end: through every signal, but not when the guest is to stop.
TEST_P(WasiPaths, WaitsForTheOtherEndOfAPipe) {
  ASSERT_EQ(mkfifo(sandbox_.in_root("fifo").c_str(), 0666), 0);
  const test::Signals signals;
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    close(open(sandbox_.in_root("fifo").c_str(), O_WRONLY | O_CLOEXEC));
  });
  EXPECT_EQ(open_error("fifo", {.base = rights::fd_read}), Errno::success);
  writer.join();
  guest_.thread().interrupt = 1;
  EXPECT_EQ(open_error("fifo", {.base = rights::fd_read}), Errno::intr);
}

TEST_P(WasiPaths, DoesNotOpenSockets) {
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = sandbox_.in_root("socket");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(open_error("socket"), Errno::nxio);
  EXPECT_EQ(stat("socket").value().filetype, static_cast<uint8_t>(FileType::socket_stream));
  close(server);
}

// ---- Status and times ----------------------------------------------------------------------------------------------

TEST_P(WasiPaths, TellsStatus) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "content");
  sandbox_.symlink("file", "link");
  sandbox_.symlink("../file", "directory/link");
  sandbox_.symlink("directory", "directory-link");
  sandbox_.symlink("missing", "dangling");
  EXPECT_EQ(stat("file").value().size, 7U);
  EXPECT_EQ(stat("file").value().filetype, static_cast<uint8_t>(FileType::regular_file));
  EXPECT_EQ(stat("file", true).value().size, 7U);
  EXPECT_EQ(stat("link").value().filetype, static_cast<uint8_t>(FileType::symbolic_link));
  EXPECT_EQ(stat("link").value().size, 4U);
  EXPECT_EQ(stat("link", true).value().ino, stat("file").value().ino);
  EXPECT_EQ(stat("directory/link", true).value().ino, stat("file").value().ino);
  EXPECT_EQ(stat("directory-link/link", true).value().ino, stat("file").value().ino);
  EXPECT_EQ(stat("directory-link/../file").value().ino, stat("file").value().ino);
  EXPECT_EQ(stat("directory-link").value().filetype, static_cast<uint8_t>(FileType::symbolic_link));
  EXPECT_EQ(stat("directory-link/").value().filetype, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(stat("directory-link/.").value().filetype, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(stat("directory/").value().filetype, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(stat(".").value().ino, guest_.filestat(kRoot).ino);
  EXPECT_EQ(stat("directory/..").value().ino, guest_.filestat(kRoot).ino);
  for (const bool follow : {false, true}) {
    EXPECT_EQ(error_of(stat("missing", follow)), Errno::noent);
    EXPECT_EQ(error_of(stat("file/", follow)), Errno::notdir);
    EXPECT_EQ(error_of(stat("link/", follow)), Errno::notdir);
    EXPECT_EQ(error_of(stat("file/..", follow)), Errno::notdir);
    EXPECT_EQ(error_of(stat("dangling/", follow)), Errno::noent);
  }
  EXPECT_EQ(stat("dangling").value().filetype, static_cast<uint8_t>(FileType::symbolic_link));
  EXPECT_EQ(error_of(stat("dangling", true)), Errno::noent);
  const Address path = guest_.text("file");
  EXPECT_EQ(guest_.call("path_filestat_get", kRoot, 0U, path, 4U, kNowhere), Errno::fault);
  EXPECT_EQ(guest_.call("path_filestat_get", kRoot, 0U, path, 4U, static_cast<Address>(guest_.size() - 63)),
            Errno::fault);
}

TEST_P(WasiPaths, SetsTimes) {
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.mkdir("directory");
  sandbox_.symlink("file", "link");
  sandbox_.symlink("directory", "directory-link");
  const uint64_t before = stat("file").value().mtim;
  EXPECT_EQ(set_times("link", 5, false), Errno::success);
  EXPECT_EQ(stat("link").value().mtim, 5U);
  EXPECT_EQ(stat("file").value().mtim, before);
  EXPECT_EQ(set_times("link", 6, true), Errno::success);
  EXPECT_EQ(stat("link").value().mtim, 5U);
  EXPECT_EQ(stat("file").value().mtim, 6U);
  EXPECT_EQ(set_times("directory-link/", 7, false), Errno::success);
  EXPECT_EQ(stat("directory").value().mtim, 7U);
  EXPECT_EQ(set_times("directory/..", 8, false), Errno::success);
  EXPECT_EQ(stat(".").value().mtim, 8U);
  EXPECT_EQ(set_times("missing", 0, true), Errno::noent);
  EXPECT_EQ(set_times("file/", 0, false), Errno::notdir);
  EXPECT_EQ(set_times("link/", 0, true), Errno::notdir);
  EXPECT_EQ(set_times("file", 0, false, fstflags::mtim | fstflags::mtim_now), Errno::inval);
  EXPECT_EQ(set_times("file", 0, false, fstflags::atim | fstflags::atim_now), Errno::inval);
  EXPECT_EQ(set_times("file", 0, false, 16), Errno::inval);
  EXPECT_EQ(set_times("file", 0, false, 1U << 31), Errno::inval);
  EXPECT_EQ(set_times("file", 0, false, 0), Errno::success);
  EXPECT_EQ(stat("file").value().mtim, 6U);
}

// ---- Making and removing -------------------------------------------------------------------------------------------

TEST_P(WasiPaths, MakesAndRemovesDirectories) {
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.symlink("missing", "dangling");
  EXPECT_EQ(make_directory("a"), Errno::success);
  EXPECT_EQ(make_directory("a/b/"), Errno::success);
  EXPECT_EQ(make_directory("a/../a/c"), Errno::success);
  EXPECT_TRUE(std::filesystem::is_directory(sandbox_.in_root("a/b")));
  for (const auto* path : {"a", "a/", "a/b", "file", "file/", "dangling", "dangling/", ".", "a/.", "a/.."}) {
    EXPECT_EQ(make_directory(path), Errno::exist) << path;
  }
  EXPECT_EQ(remove_directory("a"), Errno::notempty);
  EXPECT_EQ(remove_directory("a/b"), Errno::success);
  EXPECT_EQ(remove_directory("a/c/"), Errno::success);
  EXPECT_EQ(remove_directory("a/."), Errno::inval);
  EXPECT_EQ(remove_directory("a/.."), Errno::inval);
  EXPECT_EQ(remove_directory("."), Errno::inval);
  EXPECT_EQ(remove_directory("file"), Errno::notdir);
  EXPECT_EQ(remove_directory("file/"), Errno::notdir);
  EXPECT_EQ(remove_directory("dangling"), Errno::notdir);
  EXPECT_EQ(remove_directory("missing"), Errno::noent);
  EXPECT_EQ(remove_directory("a"), Errno::success);
}

TEST_P(WasiPaths, RemovesLinksNotWhatTheyLeadTo) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.symlink("directory", "directory-link");
  sandbox_.symlink("file", "file-link");
  EXPECT_EQ(remove_directory("directory-link"), Errno::notdir);
  EXPECT_EQ(remove_directory("directory-link/"), Errno::notdir);
  EXPECT_EQ(unlink("directory-link/"), Errno::notdir);
  EXPECT_EQ(unlink("directory-link"), Errno::success);
  EXPECT_EQ(unlink("file-link"), Errno::success);
  EXPECT_TRUE(test::exists(sandbox_.in_root("directory")));
  EXPECT_TRUE(test::exists(sandbox_.in_root("file")));
}

TEST_P(WasiPaths, Unlinks) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "");
  for (const auto* path : {"directory", "directory/", "directory/.", "directory/..", "."}) {
    EXPECT_EQ(unlink(path), Errno::isdir) << path;
  }
  EXPECT_EQ(unlink("file/"), Errno::notdir);
  EXPECT_EQ(unlink("missing"), Errno::noent);
  EXPECT_EQ(unlink("missing/"), Errno::noent);
  EXPECT_EQ(unlink("directory/../file"), Errno::success);
  EXPECT_FALSE(test::exists(sandbox_.in_root("file")));
}

TEST_P(WasiPaths, Renames) {
  sandbox_.mkdir("directory");
  sandbox_.mkdir("full");
  test::write_file(sandbox_.in_root("full/x"), "");
  test::write_file(sandbox_.in_root("a"), "a");
  test::write_file(sandbox_.in_root("b"), "b");
  sandbox_.symlink("missing", "dangling");
  EXPECT_EQ(rename("a", "directory/c"), Errno::success);
  EXPECT_EQ(rename("directory/c", "b"), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("b")), "a");
  EXPECT_EQ(rename("dangling", "moved"), Errno::success);
  EXPECT_EQ(read_link("moved"), "missing");
  // A slash says that a directory is meant.
  EXPECT_EQ(rename("b/", "c"), Errno::notdir);
  EXPECT_EQ(rename("b", "c/"), Errno::notdir);
  EXPECT_EQ(rename("missing/", "c"), Errno::noent);
  EXPECT_EQ(rename("directory/", "renamed"), Errno::success);
  EXPECT_EQ(rename("renamed", "renamed-again/"), Errno::success);
  EXPECT_EQ(rename("renamed-again/", "directory/"), Errno::success);
  EXPECT_EQ(rename("directory", "full"), Errno::notempty);
  EXPECT_EQ(rename("directory", "b"), Errno::notdir);
  EXPECT_EQ(rename("b", "directory"), Errno::isdir);
  EXPECT_EQ(rename("full", "full/inside"), Errno::inval);
  EXPECT_EQ(rename("full", "directory"), Errno::success);
  EXPECT_EQ(rename("missing", "x"), Errno::noent);
  EXPECT_EQ(rename(".", "x"), Errno::busy);
  EXPECT_EQ(rename("directory/..", "x"), Errno::busy);
  EXPECT_EQ(rename("b", "."), Errno::notdir);
  EXPECT_EQ(rename("directory", "."), Errno::busy);
}

TEST_P(WasiPaths, Links) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "content");
  sandbox_.symlink("file", "link");
  sandbox_.symlink("missing", "dangling");
  EXPECT_EQ(link("file", "directory/hard"), Errno::success);
  EXPECT_EQ(stat("directory/hard").value().ino, stat("file").value().ino);
  EXPECT_EQ(link("link", "same-link"), Errno::success);
  EXPECT_EQ(stat("same-link").value().filetype, static_cast<uint8_t>(FileType::symbolic_link));
  EXPECT_EQ(link("link", "followed", true), Errno::success);
  EXPECT_EQ(stat("followed").value().ino, stat("file").value().ino);
  EXPECT_EQ(link("dangling", "x", true), Errno::noent);
  EXPECT_EQ(link("missing", "x"), Errno::noent);
  EXPECT_EQ(link("directory", "x"), Errno::perm);
  EXPECT_EQ(link(".", "x"), Errno::perm);
  EXPECT_EQ(link("file", "file"), Errno::exist);
  EXPECT_EQ(link("file", "directory"), Errno::exist);
  EXPECT_EQ(link("file", "directory/"), Errno::exist);
  EXPECT_EQ(link("file", "dangling"), Errno::exist);
  EXPECT_EQ(link("file", "."), Errno::exist);
  EXPECT_EQ(link("file", "new/"), Errno::noent);
  EXPECT_EQ(link("file/", "new"), Errno::notdir);
  EXPECT_EQ(link("link/", "new"), Errno::notdir);
  EXPECT_FALSE(test::exists(sandbox_.in_root("new")));
}

TEST_P(WasiPaths, MakesAndReadsSymbolicLinks) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "content");
  EXPECT_EQ(symlink("file", "link"), Errno::success);
  EXPECT_EQ(symlink("../../anything at all", "directory/link"), Errno::success);
  EXPECT_EQ(read_link("link"), "file");
  EXPECT_EQ(read_link("directory/link"), "../../anything at all");
  EXPECT_EQ(read_link("link", 2), "fi");
  EXPECT_EQ(read_link("link", 0), "");
  EXPECT_EQ(error_of(read_link("file")), Errno::inval);
  EXPECT_EQ(error_of(read_link("directory")), Errno::inval);
  EXPECT_EQ(error_of(read_link("directory/")), Errno::inval);
  EXPECT_EQ(error_of(read_link(".")), Errno::inval);
  EXPECT_EQ(error_of(read_link("link/")), Errno::notdir);
  EXPECT_EQ(error_of(read_link("missing")), Errno::noent);
  const Address path = guest_.text("link");
  EXPECT_EQ(guest_.call("path_readlink", kRoot, path, 4U, kNowhere, 10U, guest_.room(4)), Errno::fault);
  EXPECT_EQ(guest_.call("path_readlink", kRoot, path, 4U, guest_.room(10), ~0U, guest_.room(4)), Errno::fault);
  EXPECT_EQ(guest_.call("path_readlink", kRoot, path, 4U, guest_.room(10), 10U, kNowhere), Errno::fault);

  EXPECT_EQ(symlink("x", "link"), Errno::exist);
  EXPECT_EQ(symlink("x", "directory"), Errno::exist);
  EXPECT_EQ(symlink("x", "directory/"), Errno::exist);
  EXPECT_EQ(symlink("x", "file/"), Errno::exist);
  EXPECT_EQ(symlink("x", "."), Errno::exist);
  EXPECT_EQ(symlink("x", "new/"), Errno::noent);
  EXPECT_EQ(symlink("", "new"), Errno::noent);
  EXPECT_EQ(symlink(std::string(4096, 'x'), "new"), Errno::nametoolong);
  EXPECT_EQ(symlink(std::string_view("a\0b", 3), "new"), Errno::inval);
  EXPECT_EQ(symlink("/file", "new"), Errno::notcapable);
  EXPECT_EQ(guest_.call("path_symlink", kNowhere, 4U, kRoot, guest_.text("new"), 3U), Errno::fault);
  EXPECT_FALSE(test::exists(sandbox_.in_root("new")));
}

TEST_P(WasiPaths, NamesAreBytes) {
  const std::string name = "caf\xe9 \xff";
  EXPECT_EQ(make_directory(name), Errno::success);
  EXPECT_TRUE(stat(name));
  EXPECT_EQ(remove_directory(name), Errno::success);
}

TEST_P(WasiPaths, PathsMayBeAsLongAsTheHostTakes) {
  test::write_file(sandbox_.in_root("f"), "");
  std::string path = "./";
  while (path.size() < 4094) {
    path += path.size() % 3 == 0 ? "./" : "/";
  }
  path.resize(4094, '/');
  path.back() = '/';
  path += 'f';
  ASSERT_EQ(path.size(), 4095U);
  EXPECT_TRUE(stat(path)) << path.substr(0, 20);
  EXPECT_EQ(error_of(stat(path + "/")), Errno::nametoolong);
}

// A link puts its text into the path, which may get too long by that.
TEST_P(WasiPaths, LinksMayNotMakeThePathTooLong) {
  test::write_file(sandbox_.in_root("f"), "");
  std::string text;
  while (text.size() < 4090) {
    text += "./";
  }
  text += "f";
  ASSERT_EQ(symlink(text, "link"), Errno::success);
  EXPECT_EQ(read_link("link", 5000), text);
  EXPECT_TRUE(stat("link", true));
  EXPECT_EQ(open_error("link"), Errno::success);
  EXPECT_EQ(error_of(stat("./././link", true)), Errno::nametoolong);
  EXPECT_TRUE(stat("./././link", false));
}

TEST_P(WasiPaths, DirectoriesTooDeepForTheWalk) {
  std::string path;
  for (int i = 0; i < 258; ++i) {
    path += "d/";
    // By the host, step for step, since the guest may not get there.
    ASSERT_EQ(::mkdir(sandbox_.in_root(path).c_str(), 0777), 0) << i;
  }
  // The walk holds 256 directories open, and more for no guest; the kernel has no such limit.
  EXPECT_TRUE(stat(path.substr(0, 2 * 256)));
  EXPECT_EQ(error_of(stat(path)), GetParam() ? Errno::success : Errno::nametoolong);
  EXPECT_EQ(open_error(path, {.base = 0}), GetParam() ? Errno::success : Errno::nametoolong);
}

// A directory that is removed stays open, and nothing can be in it.
TEST_P(WasiPaths, ARemovedDirectoryIsEmpty) {
  sandbox_.mkdir("directory");
  const Fd removed = guest_.open_directory(kRoot, "directory");
  ASSERT_EQ(remove_directory("directory"), Errno::success);
  EXPECT_EQ(error_of(guest_.open(removed, "new", {.oflags = oflags::creat})), Errno::noent);
  EXPECT_EQ(guest_.with_path("path_create_directory", removed, "new"), Errno::noent);
  EXPECT_EQ(guest_.call("path_symlink", guest_.text("x"), 1U, removed, guest_.text("new"), 3U), Errno::noent);
  EXPECT_EQ(error_of(stat("x", false, removed)), Errno::noent);
  EXPECT_EQ(error_of(stat("../directory", false, removed)), Errno::notcapable);
  EXPECT_TRUE(stat(".", false, removed));
}

TEST_P(WasiPaths, DeepDirectories) {
  std::string path;
  for (int i = 0; i < 200; ++i) {
    path += (i == 0 ? "d" : "/d");
    ASSERT_EQ(make_directory(path), Errno::success) << i;
  }
  EXPECT_TRUE(stat(path));
  std::string back = path;
  for (int i = 0; i < 200; ++i) {
    back += "/..";
  }
  EXPECT_EQ(stat(back).value().ino, guest_.filestat(kRoot).ino);
  EXPECT_EQ(error_of(stat(back + "/..")), Errno::notcapable);
}

// ---- Several preopens ----------------------------------------------------------------------------------------------

TEST(WasiPreopensTogether, FilesMoveBetweenThem) {
  const TemporaryDirectory a;
  const TemporaryDirectory b;
  test::write_file(a / "file", "content");
  Guest guest({.preopens = {{a.path(), "/a"}, {b.path(), "/b"}}});
  constexpr Fd kA = 3;
  constexpr Fd kB = 4;
  EXPECT_EQ(guest.with_path("path_rename", kA, "file", kB, guest.text("moved"), 5U), Errno::success);
  EXPECT_FALSE(test::exists(a / "file"));
  EXPECT_EQ(guest.with_flags_and_path("path_link", kB, 0, "moved", kA, guest.text("linked"), 6U), Errno::success);
  EXPECT_EQ(test::read_file(a / "linked"), "content");
  // Each end needs its own right.
  const FdStat all = guest.fdstat(kA);
  const auto without = [&](Fd fd, Rights missing) {
    return guest.open(fd, ".", {.base = all.fs_rights_base & ~missing}).value_or(kClosed);
  };
  const Fd no_source = without(kA, rights::path_rename_source | rights::path_link_source);
  const Fd no_target = without(kB, rights::path_rename_target | rights::path_link_target);
  for (const auto& [from, to] : {std::pair{no_source, kB}, {kA, no_target}}) {
    EXPECT_EQ(guest.with_path("path_rename", from, "linked", to, guest.text("x"), 1U), Errno::notcapable);
    EXPECT_EQ(guest.with_flags_and_path("path_link", from, 0, "linked", to, guest.text("x"), 1U), Errno::notcapable);
  }
  EXPECT_EQ(guest.with_path("path_rename", kA, "linked", kClosed, guest.text("x"), 1U), Errno::badf);
  EXPECT_EQ(guest.with_flags_and_path("path_link", kA, 0, "linked", kClosed, guest.text("x"), 1U), Errno::badf);
  EXPECT_TRUE(test::exists(a / "linked"));
}

TEST(WasiPreopensTogether, FilesDoNotMoveBetweenFileSystems) {
  std::string other = "/dev/shm/tenon-wasi-XXXXXX";
  if (mkdtemp(other.data()) == nullptr) {
    GTEST_SKIP() << "there is no other file system";
  }
  const TemporaryDirectory here;
  test::write_file(here / "file", "content");
  struct stat a{};
  struct stat b{};
  ASSERT_EQ(stat(other.c_str(), &a), 0);
  ASSERT_EQ(stat(here.path().c_str(), &b), 0);
  if (a.st_dev != b.st_dev) {
    Guest guest({.preopens = {{here.path(), "/here"}, {other, "/other"}}});
    EXPECT_EQ(guest.with_path("path_rename", Fd{3}, "file", Fd{4}, guest.text("moved"), 5U), Errno::xdev);
    EXPECT_EQ(guest.with_flags_and_path("path_link", Fd{3}, 0, "file", Fd{4}, guest.text("linked"), 6U), Errno::xdev);
    EXPECT_EQ(test::read_file(here / "file"), "content");
  }
  std::error_code ignored;
  std::filesystem::remove_all(other, ignored);
}

// ---- Read-only preopens --------------------------------------------------------------------------------------------

class WasiReadOnly : public ::testing::TestWithParam<bool> {
 protected:
  WasiReadOnly() {
    std::filesystem::create_directory(read_only());
    std::filesystem::create_directory(host_ / "rw");
    std::filesystem::create_directory(host_ / "ro/directory");
    test::write_file(host_ / "ro/file", "content");
    test::write_file(host_ / "rw/file", "content");
    guest_ = std::make_unique<Guest>(
        Options{.preopens = {{read_only(), "/ro", true}, {host_ / "rw", "/rw"}}, .use_openat2 = GetParam()});
  }
  [[nodiscard]] std::string read_only() const { return host_ / "ro"; }

  static constexpr Fd kReadOnly = 3;
  static constexpr Fd kWritable = 4;
  TemporaryDirectory host_;
  std::unique_ptr<Guest> guest_;
};

INSTANTIATE_TEST_SUITE_P(Resolution, WasiReadOnly, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "InKernel" : "ByWalk"; });

TEST_P(WasiReadOnly, CanBeRead) {
  const auto fd = guest_->open(kReadOnly, "file");
  ASSERT_TRUE(fd);
  EXPECT_EQ(guest_->read(*fd), "content");
  EXPECT_EQ(guest_->with_flags_and_path("path_filestat_get", kReadOnly, 0, "file", guest_->room(64)), Errno::success);
  EXPECT_TRUE(guest_->open(kReadOnly, "file", {.oflags = oflags::creat}));
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "file", {.oflags = oflags::creat | oflags::excl})), Errno::exist);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "missing")), Errno::noent);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "../rw/file")), Errno::notcapable);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "../rw/new", {.oflags = oflags::creat})), Errno::notcapable);
  // Looks to libc like any other directory.
  EXPECT_EQ(guest_->fdstat(kReadOnly).fs_rights_base, guest_->fdstat(kWritable).fs_rights_base);
}

// As on a file system that is mounted so: what must be new is looked for and not opened.
TEST_P(WasiReadOnly, CreatingWhatIsThereSaysWhatItIs) {
  ASSERT_EQ(mkfifo((host_ / "ro/fifo").c_str(), 0666), 0);
  ASSERT_EQ(symlink("missing", (host_ / "ro/dangling").c_str()), 0);
  ASSERT_EQ(symlink("../rw/file", (host_ / "ro/out").c_str()), 0);
  constexpr uint16_t kNew = oflags::creat | oflags::excl;
  for (const auto* path : {"fifo", "dangling", "out", "directory"}) {
    EXPECT_EQ(error_of(guest_->open(kReadOnly, path, {.oflags = kNew})), Errno::exist) << path;
  }
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "dangling", {.oflags = oflags::creat})), Errno::rofs);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "out", {.oflags = oflags::creat})), Errno::notcapable);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "directory", {.oflags = oflags::creat})), Errno::isdir);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "file/new", {.oflags = kNew})), Errno::notdir);
  EXPECT_EQ(error_of(guest_->open(kReadOnly, "../rw/file", {.oflags = kNew})), Errno::notcapable);
  // Nothing was opened for it.
  EXPECT_EQ(guest_->open(kReadOnly, "file").value_or(0), kWritable + 1);
}

TEST_P(WasiReadOnly, CannotBeChanged) {
  // Also not through directories and files opened below it.
  for (const Fd fd :
       {kReadOnly, guest_->open_directory(kReadOnly, "."), guest_->open_directory(kReadOnly, "directory/..")}) {
    for (const Rights writes : {rights::fd_write, rights::fd_allocate, rights::fd_filestat_set_size}) {
      EXPECT_EQ(error_of(guest_->open(fd, "file", {.base = writes})), Errno::rofs);
    }
    EXPECT_EQ(error_of(guest_->open(fd, "file", {.oflags = oflags::trunc, .base = 0})), Errno::rofs);
    EXPECT_EQ(error_of(guest_->open(fd, "new", {.oflags = oflags::creat})), Errno::rofs);
    EXPECT_EQ(error_of(guest_->open(fd, "new", {.oflags = oflags::creat | oflags::excl})), Errno::rofs);
    EXPECT_EQ(guest_->with_path("path_create_directory", fd, "new"), Errno::rofs);
    EXPECT_EQ(guest_->with_path("path_remove_directory", fd, "directory"), Errno::rofs);
    EXPECT_EQ(guest_->with_path("path_unlink_file", fd, "file"), Errno::rofs);
    EXPECT_EQ(guest_->call("path_symlink", guest_->text("x"), 1U, fd, guest_->text("new"), 3U), Errno::rofs);
    EXPECT_EQ(guest_->with_flags_and_path("path_filestat_set_times", fd, 0, "file", uint64_t{0}, uint64_t{0},
                                          uint32_t{fstflags::mtim}),
              Errno::rofs);
    const auto rename = [&](Fd from, Fd to) {
      return guest_->with_path("path_rename", from, "file", to, guest_->text("new"), 3U);
    };
    const auto link = [&](Fd from, Fd to) {
      return guest_->with_flags_and_path("path_link", from, 0, "file", to, guest_->text("new"), 3U);
    };
    EXPECT_EQ(rename(fd, fd), Errno::rofs);
    EXPECT_EQ(rename(fd, kWritable), Errno::rofs);
    EXPECT_EQ(rename(kWritable, fd), Errno::rofs);
    EXPECT_EQ(link(fd, fd), Errno::rofs);
    EXPECT_EQ(link(fd, kWritable), Errno::rofs);  // the link could be written
    EXPECT_EQ(link(kWritable, fd), Errno::rofs);
    EXPECT_EQ(guest_->call("fd_filestat_set_times", fd, uint64_t{0}, uint64_t{0}, uint32_t{fstflags::mtim}),
              Errno::rofs);
    const auto file = guest_->open(fd, "file", {.base = rights::fd_read | rights::fd_filestat_set_times});
    ASSERT_TRUE(file);
    EXPECT_EQ(guest_->call("fd_filestat_set_times", *file, uint64_t{0}, uint64_t{0}, uint32_t{fstflags::mtim}),
              Errno::rofs);
  }
  EXPECT_FALSE(test::exists(host_ / "ro/new"));
  EXPECT_FALSE(test::exists(host_ / "rw/new"));
  EXPECT_EQ(test::read_file(host_ / "ro/file"), "content");
}

}  // namespace
}  // namespace tenon::wasi
