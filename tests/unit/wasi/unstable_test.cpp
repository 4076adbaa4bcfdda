// The older module, wasi_unstable, where it differs: whence, filestat, no sock_accept. (poll_oneoff is in
// poll_test.cpp.)
#include <algorithm>
#include <set>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::kNowhere;
using test::Sandbox;

constexpr Fd kRoot = Sandbox::kRoot;

TEST(WasiUnstable, HasTheSameFunctionsButOne) {
  std::set<std::string_view> names;
  std::set<std::string_view> older;
  for (const auto& function : Wasi::functions()) {
    names.insert(function.name);
  }
  for (const auto& function : Wasi::unstable_functions()) {
    older.insert(function.name);
  }
  EXPECT_EQ(older.size(), Wasi::unstable_functions().size());
  older.insert("sock_accept");
  EXPECT_EQ(older, names);
}

TEST(WasiUnstable, CountsWhenceInAnotherOrder) {
  const Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  const Fd fd = guest.create(kRoot, "file");
  ASSERT_TRUE(guest.write(fd, "0123456789"));
  const Address position = guest.room(8);
  const auto seek = [&](int64_t offset, uint32_t whence) {
    EXPECT_EQ(guest.call_unstable("fd_seek", fd, static_cast<uint64_t>(offset), whence, position), Errno::success);
    return guest.at<uint64_t>(position);
  };
  EXPECT_EQ(seek(4, unstable::whence::set), 4U);
  EXPECT_EQ(seek(1, unstable::whence::cur), 5U);
  EXPECT_EQ(seek(-1, unstable::whence::end), 9U);
  EXPECT_EQ(guest.call_unstable("fd_seek", fd, uint64_t{0}, 3U, position), Errno::inval);
  EXPECT_EQ(guest.call_unstable("fd_seek", Fd{77}, uint64_t{0}, 0U, position), Errno::badf);
}

TEST(WasiUnstable, HasAShorterFilestat) {
  const Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  const Fd fd = guest.create(kRoot, "file");
  ASSERT_TRUE(guest.write(fd, "abc"));
  const FileStat expected = guest.filestat(fd);
  // At the very end of memory, where the newer one does not fit.
  const auto place = static_cast<Address>(guest.size() - sizeof(unstable::FileStat));
  const auto check = [&] {
    const auto stat = guest.at<unstable::FileStat>(place);
    EXPECT_EQ(stat.dev, expected.dev);
    EXPECT_EQ(stat.ino, expected.ino);
    EXPECT_EQ(stat.filetype, expected.filetype);
    EXPECT_EQ(stat.nlink, 1U);
    EXPECT_EQ(stat.size, 3U);
    EXPECT_EQ(stat.atim, expected.atim);
    EXPECT_EQ(stat.mtim, expected.mtim);
    EXPECT_EQ(stat.ctim, expected.ctim);
    std::memset(guest.bytes() + place, 0, sizeof(unstable::FileStat));
  };
  ASSERT_EQ(guest.call_unstable("fd_filestat_get", fd, place), Errno::success);
  check();
  ASSERT_EQ(guest.call_unstable("path_filestat_get", kRoot, 0U, guest.text("file"), 4U, place), Errno::success);
  check();
  EXPECT_EQ(guest.call("fd_filestat_get", fd, place), Errno::fault);
  EXPECT_EQ(guest.call_unstable("fd_filestat_get", fd, place + 1), Errno::fault);
  EXPECT_EQ(guest.call_unstable("path_filestat_get", kRoot, 0U, guest.text("file"), 4U, kNowhere), Errno::fault);
  EXPECT_EQ(guest.call_unstable("path_filestat_get", kRoot, 0U, guest.text("../secret"), 9U, place), Errno::notcapable);
}

}  // namespace
}  // namespace tenon::wasi
