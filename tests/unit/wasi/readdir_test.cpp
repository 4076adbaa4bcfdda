// Reading directories: entries, cookies, buffers of every size, and changes in between.
#include <algorithm>
#include <map>
#include <set>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::kNowhere;
using test::Sandbox;

constexpr Fd kRoot = Sandbox::kRoot;

struct Entry {
  DirEnt entry;
  std::string name;
};

class WasiReaddir : public ::testing::Test {
 protected:
  // One call: the whole entries, and whether the directory ended.
  std::pair<std::vector<Entry>, bool> read_once(Fd fd, uint64_t cookie, uint32_t size) {
    const Address buffer = guest_.room(size);
    const Address result = guest_.room(4);
    EXPECT_EQ(guest_.call("fd_readdir", fd, buffer, size, cookie, result), Errno::success);
    const uint32_t used = guest_.at<uint32_t>(result);
    EXPECT_LE(used, size);
    std::vector<Entry> entries;
    for (uint32_t at = 0; at + sizeof(DirEnt) <= used;) {
      const auto entry = guest_.at<DirEnt>(buffer + at);
      at += sizeof(DirEnt);
      if (at + entry.d_namlen > used) {
        break;
      }
      entries.push_back({entry, guest_.text_at(buffer + at, entry.d_namlen)});
      at += entry.d_namlen;
    }
    return {entries, used < size};
  }
  // The whole directory as libc reads it; `between` is called after each call.
  template <class Between>
  std::vector<Entry> read_all(Fd fd, uint32_t size, Between between) {
    std::vector<Entry> all;
    uint64_t cookie = 0;
    while (true) {
      const auto [entries, is_end] = read_once(fd, cookie, size);
      all.insert(all.end(), entries.begin(), entries.end());
      between(entries);
      if (is_end) {
        return all;
      }
      if (entries.empty()) {
        ADD_FAILURE() << "no progress";
        return all;
      }
      cookie = entries.back().entry.d_next;
    }
  }
  std::vector<Entry> read_all(Fd fd, uint32_t size) {
    return read_all(fd, size, [](const auto&) {});
  }
  static std::multiset<std::string> names(const std::vector<Entry>& entries) {
    std::multiset<std::string> result;
    for (const Entry& entry : entries) {
      result.insert(entry.name);
    }
    return result;
  }
  std::multiset<std::string> make_files(int count) const {
    std::multiset<std::string> made = {".", ".."};
    for (int i = 0; i < count; ++i) {
      const std::string name = "file-" + std::to_string(i) + std::string(static_cast<size_t>(i % 50), 'x');
      test::write_file(sandbox_.in_root(name), "");
      made.insert(name);
    }
    return made;
  }

  Sandbox sandbox_;
  Guest& guest_ = *sandbox_.guest;
};

TEST_F(WasiReaddir, ListsAnEmptyDirectory) {
  const auto [entries, is_end] = read_once(kRoot, 0, 1000);
  EXPECT_TRUE(is_end);
  EXPECT_EQ(names(entries), (std::multiset<std::string>{".", ".."}));
  for (const Entry& entry : entries) {
    EXPECT_EQ(entry.entry.d_type, static_cast<uint8_t>(FileType::directory));
    // Also of `..`: what is above the preopen is not told.
    EXPECT_EQ(entry.entry.d_ino, guest_.filestat(kRoot).ino) << entry.name;
  }
}

TEST_F(WasiReaddir, TellsTypesAndNumbers) {
  sandbox_.mkdir("directory");
  test::write_file(sandbox_.in_root("file"), "");
  sandbox_.symlink("file", "link");
  ASSERT_EQ(mkfifo(sandbox_.in_root("fifo").c_str(), 0666), 0);
  std::map<std::string, DirEnt> found;
  for (const Entry& entry : read_all(kRoot, 1000)) {
    found[entry.name] = entry.entry;
  }
  EXPECT_EQ(found.size(), 6U);
  EXPECT_EQ(found["directory"].d_type, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(found["file"].d_type, static_cast<uint8_t>(FileType::regular_file));
  EXPECT_EQ(found["link"].d_type, static_cast<uint8_t>(FileType::symbolic_link));
  EXPECT_EQ(found["fifo"].d_type, static_cast<uint8_t>(FileType::unknown));
  struct stat status{};
  ASSERT_EQ(stat(sandbox_.in_root("file").c_str(), &status), 0);
  EXPECT_EQ(found["file"].d_ino, status.st_ino);
}

TEST_F(WasiReaddir, ListsManyWithBuffersOfEverySize) {
  const auto made = make_files(700);
  for (const uint32_t size : {100U, 128U, 500U, 4096U, 16384U, 65536U, 300'000U}) {
    EXPECT_EQ(names(read_all(kRoot, size)), made) << size;
  }
}

TEST_F(WasiReaddir, CutsTheLastEntry) {
  test::write_file(sandbox_.in_root("a-rather-long-name"), "");
  const Address buffer = guest_.room(1000);
  const Address result = guest_.room(4);
  ASSERT_EQ(guest_.call("fd_readdir", kRoot, buffer, uint32_t{1000}, uint64_t{0}, result), Errno::success);
  const uint32_t all = guest_.at<uint32_t>(result);
  const std::string whole = guest_.text_at(buffer, all);
  for (uint32_t size = 0; size <= all; ++size) {
    std::memset(guest_.bytes() + buffer, '#', 1000);
    ASSERT_EQ(guest_.call("fd_readdir", kRoot, buffer, size, uint64_t{0}, result), Errno::success);
    EXPECT_EQ(guest_.at<uint32_t>(result), size);
    EXPECT_EQ(guest_.text_at(buffer, size), whole.substr(0, size));
    EXPECT_EQ(guest_.at<uint8_t>(buffer + size), '#');
  }
}

TEST_F(WasiReaddir, CookiesStayGood) {
  make_files(300);
  const auto all = read_all(kRoot, 65536);
  // Backwards, so that no position is the one that was left.
  for (size_t i = all.size() - 1; i > 0; i -= 7) {
    const auto [entries, is_end] = read_once(kRoot, all[i - 1].entry.d_next, 400);
    ASSERT_FALSE(entries.empty());
    EXPECT_EQ(entries[0].name, all[i].name);
    if (i < 7) {
      break;
    }
  }
  const auto [entries, is_end] = read_once(kRoot, all.back().entry.d_next, 400);
  EXPECT_TRUE(entries.empty());
  EXPECT_TRUE(is_end);
}

TEST_F(WasiReaddir, RemovingWhileReadingLosesNothing) {
  const auto made = make_files(500);
  const auto all = read_all(kRoot, 600, [&](const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      if (!entry.name.starts_with('.')) {
        EXPECT_EQ(guest_.with_path("path_unlink_file", kRoot, entry.name), Errno::success);
      }
    }
  });
  EXPECT_EQ(names(all), made);
  EXPECT_EQ(read_all(kRoot, 600).size(), 2U);
}

TEST_F(WasiReaddir, StartingAnewSeesWhatIsNew) {
  EXPECT_EQ(read_all(kRoot, 1000).size(), 2U);
  test::write_file(sandbox_.in_root("new"), "");
  EXPECT_EQ(read_all(kRoot, 1000).size(), 3U);
  ASSERT_EQ(unlink(sandbox_.in_root("new").c_str()), 0);
  EXPECT_EQ(read_all(kRoot, 1000).size(), 2U);
}

TEST_F(WasiReaddir, DescriptorsReadIndependently) {
  const auto made = make_files(100);
  const Fd a = guest_.open_directory(kRoot, ".");
  const Fd b = guest_.open_directory(kRoot, ".");
  const auto all = read_all(a, 300, [&](const auto&) { read_once(b, 0, 200); });
  EXPECT_EQ(names(all), made);
}

TEST_F(WasiReaddir, Refuses) {
  const Fd file = guest_.create(kRoot, "file");
  const Address buffer = guest_.room(100);
  const Address result = guest_.room(4);
  const auto run = [&](Fd fd, Address address, uint32_t size, uint64_t cookie, Address used) {
    return guest_.call("fd_readdir", fd, address, size, cookie, used);
  };
  EXPECT_EQ(run(77, buffer, 100, 0, result), Errno::badf);
  EXPECT_EQ(run(file, buffer, 100, 0, result), Errno::notdir);
  EXPECT_EQ(run(kRoot, kNowhere, 100, 0, result), Errno::fault);
  EXPECT_EQ(run(kRoot, static_cast<Address>(guest_.size() - 99), 100, 0, result), Errno::fault);
  EXPECT_EQ(run(kRoot, buffer, ~0U, 0, result), Errno::fault);
  EXPECT_EQ(run(kRoot, buffer, 100, 0, kNowhere), Errno::fault);
  EXPECT_EQ(run(kRoot, buffer, 100, ~uint64_t{0}, result), Errno::inval);
  EXPECT_EQ(run(kRoot, buffer, 100, uint64_t{1} << 63, result), Errno::inval);
  const auto no_readdir = guest_.open(kRoot, ".", {.oflags = oflags::directory, .base = rights::path_open});
  ASSERT_TRUE(no_readdir);
  EXPECT_EQ(run(*no_readdir, buffer, 100, 0, result), Errno::notcapable);
  // Any other cookie means something or nothing, but harms nobody; and the descriptor goes on.
  for (const uint64_t cookie : {uint64_t{1}, uint64_t{3}, uint64_t{12345}, uint64_t{INT64_MAX}, uint64_t{1} << 40}) {
    const Errno error = run(kRoot, buffer, 100, cookie, result);
    EXPECT_TRUE(error == Errno::success || error == Errno::inval) << cookie;
  }
  EXPECT_EQ(read_all(kRoot, 1000).size(), 3U);
}

TEST_F(WasiReaddir, ARemovedDirectoryIsEmptyOrGone) {
  sandbox_.mkdir("directory");
  const Fd fd = guest_.open_directory(kRoot, "directory");
  ASSERT_EQ(rmdir(sandbox_.in_root("directory").c_str()), 0);
  const Address result = guest_.room(4);
  const Errno error = guest_.call("fd_readdir", fd, guest_.room(100), uint32_t{100}, uint64_t{0}, result);
  EXPECT_TRUE(error == Errno::noent || (error == Errno::success && guest_.at<uint32_t>(result) == 0));
}

}  // namespace
}  // namespace tenon::wasi
