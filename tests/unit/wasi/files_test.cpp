// What is done with a descriptor: every function, what it does and each way in which it refuses.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <thread>

#include "unit/sanitizer.h"
#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::error_of;
using test::Guest;
using test::kNowhere;
using test::Sandbox;
using test::TemporaryDirectory;

constexpr Fd kClosed = 77;
constexpr Fd kRoot = Sandbox::kRoot;

class WasiFiles : public ::testing::Test {
 protected:
  Sandbox sandbox_;
  Guest& guest_ = *sandbox_.guest;

  // One buffer.
  Address vector(Address buffer, uint32_t length) { return guest_.value(IoVec{buffer, length}); }

  uint64_t position(Fd fd) {
    const Address result = guest_.room(8);
    EXPECT_EQ(guest_.call("fd_tell", fd, result), Errno::success);
    return guest_.at<uint64_t>(result);
  }
  Errno seek(Fd fd, int64_t offset, uint32_t whence) {
    return guest_.call("fd_seek", fd, static_cast<uint64_t>(offset), whence, guest_.room(8));
  }
  // A descriptor with everything but these rights.
  Fd open_without(std::string_view path, Rights missing) {
    const auto fd = guest_.open(kRoot, path, {.base = (Guest::kReads | Guest::kWrites) & ~missing});
    EXPECT_TRUE(fd);
    return fd.value_or(kClosed);
  }
};

// ---- Reading and writing -------------------------------------------------------------------------------------------

TEST_F(WasiFiles, WritesAndReads) {
  const Fd fd = guest_.create(kRoot, "file");
  EXPECT_EQ(guest_.write(fd, "hello"), 5U);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "hello");
  EXPECT_EQ(position(fd), 5U);
  EXPECT_EQ(seek(fd, 1, whence::set), Errno::success);
  EXPECT_EQ(guest_.read(fd), "ello");
  EXPECT_EQ(guest_.read(fd), "");
}

TEST_F(WasiFiles, GathersAndScatters) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address result = guest_.room(4);
  // More than fit in the buffers' own room, with empty ones in between, one of them at an address that is nowhere.
  std::vector<IoVec> vectors;
  for (int i = 0; i < 20; ++i) {
    vectors.push_back({guest_.text(std::string(3, static_cast<char>('a' + i))), 3});
    vectors.push_back({kNowhere, 0});
  }
  EXPECT_EQ(guest_.call("fd_write", fd, guest_.list(vectors), uint32_t{40}, result), Errno::success);
  EXPECT_EQ(guest_.at<uint32_t>(result), 60U);
  const std::string content = test::read_file(sandbox_.in_root("file"));
  EXPECT_EQ(content.substr(0, 6), "aaabbb");
  EXPECT_EQ(content.substr(57), "ttt");

  const Address buffer = guest_.room(100);
  EXPECT_EQ(guest_.call("fd_pread", fd, guest_.list<IoVec>({{buffer + 50, 2}, {buffer, 0}, {buffer, 5}}), uint32_t{3},
                        uint64_t{2}, result),
            Errno::success);
  EXPECT_EQ(guest_.at<uint32_t>(result), 7U);
  EXPECT_EQ(guest_.text_at(buffer + 50, 2), "ab");
  EXPECT_EQ(guest_.text_at(buffer, 5), "bbccc");
  EXPECT_EQ(position(fd), 60U);
}

TEST_F(WasiFiles, TransfersNothingForNoBuffers) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address result = guest_.room(4);
  for (const auto* name : {"fd_read", "fd_write"}) {
    EXPECT_EQ(guest_.call(name, fd, guest_.room(8), uint32_t{0}, result), Errno::success) << name;
    EXPECT_EQ(guest_.at<uint32_t>(result), 0U);
    EXPECT_EQ(guest_.call(name, fd, vector(kNowhere, 0), uint32_t{1}, result), Errno::success) << name;
  }
}

TEST_F(WasiFiles, ManyBuffersAreAShortTransfer) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address result = guest_.room(4);
  const Address letter = guest_.text("x");
  const Address vectors = guest_.list(std::vector<IoVec>(5000, {letter, 1}));
  ASSERT_EQ(guest_.call("fd_write", fd, vectors, uint32_t{5000}, result), Errno::success);
  EXPECT_EQ(guest_.at<uint32_t>(result), static_cast<uint32_t>(IOV_MAX));
  // Empty ones do not count: what looks like the end of a file is one.
  std::vector<IoVec> sparse(5000, {letter, 0});
  const Address buffer = guest_.room(1);
  sparse.back() = {buffer, 1};
  ASSERT_EQ(guest_.call("fd_pread", fd, guest_.list(sparse), uint32_t{5000}, uint64_t{0}, result), Errno::success);
  EXPECT_EQ(guest_.at<uint32_t>(result), 1U);
}

TEST_F(WasiFiles, TransfersCheckDescriptorAndRights) {
  const Fd fd = guest_.create(kRoot, "file");
  const Fd no_read = open_without("file", rights::fd_read);
  const Fd no_write = open_without("file", rights::fd_write);
  const Fd no_seek = open_without("file", rights::fd_seek);
  const Address vectors = vector(guest_.room(8), 8);
  const Address result = guest_.room(4);
  const auto errors = [&](std::string_view name, Fd subject) {
    return name.starts_with("fd_p") ? guest_.call(name, subject, vectors, uint32_t{1}, uint64_t{0}, result)
                                    : guest_.call(name, subject, vectors, uint32_t{1}, result);
  };
  for (const auto* name : {"fd_read", "fd_write", "fd_pread", "fd_pwrite"}) {
    EXPECT_EQ(errors(name, fd), Errno::success) << name;
    EXPECT_EQ(errors(name, kClosed), Errno::badf) << name;
    EXPECT_EQ(errors(name, ~Fd{0}), Errno::badf) << name;
    EXPECT_EQ(errors(name, kRoot), Errno::isdir) << name;
  }
  EXPECT_EQ(errors("fd_read", no_read), Errno::notcapable);
  EXPECT_EQ(errors("fd_pread", no_read), Errno::notcapable);
  EXPECT_EQ(errors("fd_write", no_write), Errno::notcapable);
  EXPECT_EQ(errors("fd_pwrite", no_write), Errno::notcapable);
  EXPECT_EQ(errors("fd_read", no_seek), Errno::success);
  EXPECT_EQ(errors("fd_pread", no_seek), Errno::notcapable);
  EXPECT_EQ(errors("fd_pwrite", no_seek), Errno::notcapable);
}

TEST_F(WasiFiles, TransfersCheckBuffers) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address buffer = guest_.room(16);
  const Address result = guest_.room(4);
  const auto end = static_cast<Address>(guest_.size());
  for (const std::string_view name : {"fd_read", "fd_write", "fd_pread", "fd_pwrite"}) {
    const auto run = [&](Address vectors, uint32_t count, Address length) {
      return name.starts_with("fd_p") ? guest_.call(name, fd, vectors, count, uint64_t{0}, length)
                                      : guest_.call(name, fd, vectors, count, length);
    };
    EXPECT_EQ(run(kNowhere, 1, result), Errno::fault) << name;
    EXPECT_EQ(run(end - 7, 1, result), Errno::fault) << name;
    EXPECT_EQ(run(buffer, 65537, result), Errno::inval) << name;
    EXPECT_EQ(run(buffer, ~0U, result), Errno::inval) << name;
    EXPECT_EQ(run(end - 8, 2, result), Errno::fault) << name;
    EXPECT_EQ(run(vector(kNowhere, 1), 1, result), Errno::fault) << name;
    EXPECT_EQ(run(vector(end - 3, 4), 1, result), Errno::fault) << name;
    EXPECT_EQ(run(vector(1, ~0U), 1, result), Errno::fault) << name;
    EXPECT_EQ(run(guest_.list<IoVec>({{buffer, 4}, {kNowhere, 4}}), 2, result), Errno::fault) << name;
    EXPECT_EQ(run(vector(buffer, 4), 1, kNowhere), Errno::fault) << name;
    EXPECT_EQ(run(vector(buffer, 4), 1, end - 3), Errno::fault) << name;
  }
  EXPECT_EQ(guest_.filestat(fd).size, 0U);  // nothing was done
}

TEST_F(WasiFiles, RefusesLengthsThatNoResultCanSay) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address result = guest_.room(4);
  EXPECT_EQ(guest_.call("fd_read", fd, guest_.list(std::vector<IoVec>(1024, {0, 1 << 20})), uint32_t{1024}, result),
            Errno::success);
  Guest large({.preopens = {{sandbox_.root(), "/"}}}, uint64_t{1} << 32);
  const auto opened = large.open(kRoot, "file");
  ASSERT_TRUE(opened);
  const Address large_result = large.room(4);
  // One buffer of all the memory but a byte is fine; a byte more in another is not.
  EXPECT_EQ(large.call("fd_read", *opened, large.list<IoVec>({{0, ~0U}}), uint32_t{1}, large_result), Errno::success);
  EXPECT_EQ(large.call("fd_read", *opened, large.list<IoVec>({{0, ~0U}, {0, 1}}), uint32_t{2}, large_result),
            Errno::inval);
}

TEST_F(WasiFiles, ReadsIntoHugeBufferWithoutCopies) {
  test::write_file(sandbox_.in_root("file"), "content");
  Guest large({.preopens = {{sandbox_.root(), "/"}}}, uint64_t{1} << 32);
  const auto fd = large.open(kRoot, "file");
  ASSERT_TRUE(fd);
  const Address result = large.room(4);
  EXPECT_EQ(large.call("fd_read", *fd, large.value(IoVec{4096, ~0U - 4096}), uint32_t{1}, result), Errno::success);
  EXPECT_EQ(large.at<uint32_t>(result), 7U);
  EXPECT_EQ(large.text_at(4096, 7), "content");
}

TEST_F(WasiFiles, PositionedTransfersCheckTheOffset) {
  const Fd fd = guest_.create(kRoot, "file");
  const Address vectors = vector(guest_.text("abcd"), 4);
  const Address result = guest_.room(4);
  EXPECT_EQ(guest_.call("fd_pwrite", fd, vectors, uint32_t{1}, uint64_t{3}, result), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).size, 7U);
  for (const auto* name : {"fd_pread", "fd_pwrite"}) {
    EXPECT_EQ(guest_.call(name, fd, vectors, uint32_t{1}, uint64_t{1} << 63, result), Errno::inval) << name;
    EXPECT_EQ(guest_.call(name, fd, vectors, uint32_t{1}, ~uint64_t{0}, result), Errno::inval) << name;
    EXPECT_EQ(guest_.call(name, fd, vectors, uint32_t{1}, uint64_t{0}, kNowhere), Errno::fault) << name;
  }
  EXPECT_EQ(guest_.call("fd_pread", fd, vectors, uint32_t{1}, uint64_t{1} << 40, result), Errno::success);
  EXPECT_EQ(guest_.at<uint32_t>(result), 0U);
  // The last offset there is: where the transfer would end is none.
  for (const auto* name : {"fd_pread", "fd_pwrite"}) {
    const Errno error = guest_.call(name, fd, vectors, uint32_t{1}, uint64_t{INT64_MAX}, result);
    EXPECT_TRUE(error == Errno::inval || error == Errno::overflow) << name << " " << static_cast<int>(error);
  }
  EXPECT_EQ(guest_.filestat(fd).size, 7U);
}

TEST_F(WasiFiles, PositionedWritesAppendWhereAllWritesDo) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, "abc"));
  ASSERT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{fdflags::append}), Errno::success);
  const Address vectors = vector(guest_.text("d"), 1);
  ASSERT_EQ(guest_.call("fd_pwrite", fd, vectors, uint32_t{1}, uint64_t{0}, guest_.room(4)), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "abcd");
}

// ---- Position ------------------------------------------------------------------------------------------------------

TEST_F(WasiFiles, Seeks) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, "0123456789"));
  EXPECT_EQ(seek(fd, 4, whence::set), Errno::success);
  EXPECT_EQ(position(fd), 4U);
  EXPECT_EQ(seek(fd, -1, whence::cur), Errno::success);
  EXPECT_EQ(position(fd), 3U);
  EXPECT_EQ(seek(fd, -2, whence::end), Errno::success);
  EXPECT_EQ(position(fd), 8U);
  EXPECT_EQ(guest_.read(fd), "89");
  EXPECT_EQ(seek(fd, 100, whence::end), Errno::success);
  EXPECT_EQ(position(fd), 110U);
}

TEST_F(WasiFiles, SeekRefuses) {
  const Fd fd = guest_.create(kRoot, "file");
  EXPECT_EQ(seek(fd, -1, whence::set), Errno::inval);
  EXPECT_EQ(seek(fd, INT64_MIN, whence::cur), Errno::inval);
  EXPECT_EQ(seek(fd, -1, whence::end), Errno::inval);
  EXPECT_EQ(seek(fd, INT64_MIN, whence::end), Errno::inval);
  EXPECT_EQ(seek(fd, 0, 3), Errno::inval);
  EXPECT_EQ(seek(fd, 0, ~0U), Errno::inval);
  EXPECT_EQ(seek(kClosed, 0, whence::set), Errno::badf);
  EXPECT_EQ(seek(kRoot, 0, whence::set), Errno::isdir);
  EXPECT_EQ(guest_.call("fd_tell", kRoot, guest_.room(8)), Errno::isdir);
  EXPECT_EQ(guest_.call("fd_seek", fd, uint64_t{5}, whence::set, kNowhere), Errno::fault);
  EXPECT_EQ(position(fd), 0U);
  EXPECT_EQ(guest_.call("fd_tell", fd, kNowhere), Errno::fault);
  EXPECT_EQ(guest_.call("fd_tell", kClosed, guest_.room(8)), Errno::badf);
}

TEST_F(WasiFiles, SeekAndTellNeedRights) {
  guest_.create(kRoot, "file");
  const Fd no_seek = open_without("file", rights::fd_seek);
  EXPECT_EQ(seek(no_seek, 1, whence::set), Errno::notcapable);
  EXPECT_EQ(seek(no_seek, 0, whence::set), Errno::notcapable);
  EXPECT_EQ(seek(no_seek, 0, whence::cur), Errno::success);  // is a tell
  position(no_seek);
  const Fd no_tell = open_without("file", rights::fd_tell);
  position(no_tell);  // the right to seek includes it
  const Fd neither = open_without("file", rights::fd_seek | rights::fd_tell);
  EXPECT_EQ(guest_.call("fd_tell", neither, guest_.room(8)), Errno::notcapable);
}

// ---- Size, times, advice -------------------------------------------------------------------------------------------

TEST_F(WasiFiles, Advises) {
  const Fd fd = guest_.create(kRoot, "file");
  for (uint32_t advice = 0; advice <= advice::noreuse; ++advice) {
    EXPECT_EQ(guest_.call("fd_advise", fd, uint64_t{0}, uint64_t{100}, advice), Errno::success) << advice;
  }
  EXPECT_EQ(guest_.call("fd_advise", fd, uint64_t{0}, uint64_t{0}, uint32_t{6}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_advise", fd, uint64_t{1} << 63, uint64_t{0}, advice::normal), Errno::inval);
  EXPECT_EQ(guest_.call("fd_advise", fd, uint64_t{0}, ~uint64_t{0}, advice::normal), Errno::inval);
  EXPECT_EQ(guest_.call("fd_advise", kClosed, uint64_t{0}, uint64_t{0}, advice::normal), Errno::badf);
  EXPECT_EQ(guest_.call("fd_advise", open_without("file", rights::fd_advise), uint64_t{0}, uint64_t{0}, advice::normal),
            Errno::notcapable);
}

TEST_F(WasiFiles, Allocates) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_EQ(guest_.call("fd_allocate", fd, uint64_t{10}, uint64_t{90}), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).size, 100U);
  EXPECT_EQ(guest_.call("fd_allocate", fd, uint64_t{10}, uint64_t{10}), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).size, 100U);
  EXPECT_EQ(guest_.call("fd_allocate", fd, uint64_t{0}, uint64_t{0}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_allocate", fd, uint64_t{1} << 63, uint64_t{1}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_allocate", fd, uint64_t{1}, ~uint64_t{0}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_allocate", fd, uint64_t{INT64_MAX}, uint64_t{INT64_MAX}), Errno::fbig);
  EXPECT_EQ(guest_.call("fd_allocate", kClosed, uint64_t{0}, uint64_t{1}), Errno::badf);
  EXPECT_EQ(guest_.call("fd_allocate", kRoot, uint64_t{0}, uint64_t{1}), Errno::isdir);
  EXPECT_EQ(guest_.call("fd_allocate", open_without("file", rights::fd_allocate), uint64_t{0}, uint64_t{1}),
            Errno::notcapable);
}

TEST_F(WasiFiles, Syncs) {
  const Fd fd = guest_.create(kRoot, "file");
  for (const auto& [name, right] : {std::pair{"fd_sync", rights::fd_sync}, {"fd_datasync", rights::fd_datasync}}) {
    EXPECT_EQ(guest_.call(name, fd), Errno::success);
    EXPECT_EQ(guest_.call(name, kRoot), Errno::success);
    EXPECT_EQ(guest_.call(name, kClosed), Errno::badf);
    EXPECT_EQ(guest_.call(name, open_without("file", right)), Errno::notcapable);
  }
}

TEST_F(WasiFiles, SetsSize) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, "abc"));
  EXPECT_EQ(guest_.call("fd_filestat_set_size", fd, uint64_t{5}), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), std::string("abc\0\0", 5));
  EXPECT_EQ(guest_.call("fd_filestat_set_size", fd, uint64_t{1}), Errno::success);
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "a");
  EXPECT_EQ(guest_.call("fd_filestat_set_size", fd, ~uint64_t{0}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", fd, uint64_t{INT64_MAX}), Errno::fbig);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", kClosed, uint64_t{0}), Errno::badf);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", kRoot, uint64_t{0}), Errno::isdir);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", open_without("file", rights::fd_filestat_set_size), uint64_t{0}),
            Errno::notcapable);
}

TEST_F(WasiFiles, TellsStatus) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, "abc"));
  ASSERT_EQ(link(sandbox_.in_root("file").c_str(), sandbox_.in_root("link").c_str()), 0);
  struct stat status{};
  ASSERT_EQ(stat(sandbox_.in_root("file").c_str(), &status), 0);
  const FileStat filestat = guest_.filestat(fd);
  EXPECT_EQ(filestat.dev, status.st_dev);
  EXPECT_EQ(filestat.ino, status.st_ino);
  EXPECT_EQ(filestat.filetype, static_cast<uint8_t>(FileType::regular_file));
  EXPECT_EQ(filestat.nlink, 2U);
  EXPECT_EQ(filestat.size, 3U);
  EXPECT_EQ(filestat.mtim, static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                               static_cast<uint64_t>(status.st_mtim.tv_nsec));
  EXPECT_EQ(guest_.filestat(kRoot).filetype, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(guest_.call("fd_filestat_get", fd, kNowhere), Errno::fault);
  EXPECT_EQ(guest_.call("fd_filestat_get", fd, static_cast<Address>(guest_.size() - 63)), Errno::fault);
  EXPECT_EQ(guest_.call("fd_filestat_get", kClosed, guest_.room(64)), Errno::badf);
  EXPECT_EQ(guest_.call("fd_filestat_get", open_without("file", rights::fd_filestat_get), guest_.room(64)),
            Errno::notcapable);
}

TEST_F(WasiFiles, TimesBeforeTheEpochAreTold) {
  const Fd fd = guest_.create(kRoot, "file");
  const timespec times[2] = {{.tv_sec = -5, .tv_nsec = 0}, {.tv_sec = -5, .tv_nsec = 1}};
  ASSERT_EQ(utimensat(AT_FDCWD, sandbox_.in_root("file").c_str(), times, 0), 0);
  EXPECT_EQ(guest_.filestat(fd).mtim, 0U);
}

TEST_F(WasiFiles, SetsTimes) {
  const Fd fd = guest_.create(kRoot, "file");
  const auto set = [&](uint64_t atim, uint64_t mtim, uint32_t flags) {
    return guest_.call("fd_filestat_set_times", fd, atim, mtim, flags);
  };
  ASSERT_EQ(set(1'000'000'002, 3'000'000'004, fstflags::atim | fstflags::mtim), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).atim, 1'000'000'002U);
  EXPECT_EQ(guest_.filestat(fd).mtim, 3'000'000'004U);
  ASSERT_EQ(set(5, 6, fstflags::atim), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).atim, 5U);
  EXPECT_EQ(guest_.filestat(fd).mtim, 3'000'000'004U);
  ASSERT_EQ(set(7, 8, fstflags::mtim_now), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).atim, 5U);
  EXPECT_GT(guest_.filestat(fd).mtim, uint64_t{1'500'000'000} * 1'000'000'000);
  ASSERT_EQ(set(0, 9, fstflags::mtim | fstflags::atim_now), Errno::success);
  EXPECT_EQ(guest_.filestat(fd).mtim, 9U);
  EXPECT_GT(guest_.filestat(fd).atim, uint64_t{1'500'000'000} * 1'000'000'000);
  EXPECT_EQ(set(0, 0, 0), Errno::success);
  EXPECT_EQ(set(0, 0, fstflags::atim | fstflags::atim_now), Errno::inval);
  EXPECT_EQ(set(0, 0, fstflags::mtim | fstflags::mtim_now), Errno::inval);
  EXPECT_EQ(set(0, 0, 16), Errno::inval);
  EXPECT_EQ(set(0, 0, 1U << 31), Errno::inval);
  EXPECT_EQ(set(0, 0, fstflags::all), Errno::inval);
  EXPECT_EQ(guest_.filestat(fd).mtim, 9U);
  // Later than any file system can say: it takes its latest.
  EXPECT_EQ(set(0, ~uint64_t{0}, fstflags::mtim), Errno::success);
  EXPECT_GT(guest_.filestat(fd).mtim, uint64_t{2'000'000'000} * 1'000'000'000);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", kRoot, uint64_t{1}, uint64_t{2}, uint32_t{fstflags::mtim}),
            Errno::success);
  EXPECT_EQ(guest_.filestat(kRoot).mtim, 2U);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", kClosed, uint64_t{0}, uint64_t{0}, uint32_t{0}), Errno::badf);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", open_without("file", rights::fd_filestat_set_times), uint64_t{0},
                        uint64_t{0}, uint32_t{0}),
            Errno::notcapable);
}

// ---- Flags and rights ----------------------------------------------------------------------------------------------

TEST_F(WasiFiles, TellsDescriptorStatus) {
  const auto fd = guest_.open(kRoot, "file",
                              {.oflags = oflags::creat,
                               .base = rights::fd_read | rights::fd_write | rights::path_open,
                               .inheriting = rights::fd_read,
                               .fdflags = fdflags::append | fdflags::sync});
  ASSERT_TRUE(fd);
  const FdStat stat = guest_.fdstat(*fd);
  EXPECT_EQ(stat.fs_filetype, static_cast<uint8_t>(FileType::regular_file));
  EXPECT_EQ(stat.fs_flags, fdflags::append | fdflags::sync);
  EXPECT_EQ(stat.fs_rights_base, rights::fd_read | rights::fd_write);  // a file is no directory to open paths in
  EXPECT_EQ(stat.fs_rights_inheriting, 0U);
  EXPECT_EQ(guest_.call("fd_fdstat_get", kClosed, guest_.room(24)), Errno::badf);
  EXPECT_EQ(guest_.call("fd_fdstat_get", *fd, kNowhere), Errno::fault);
  EXPECT_EQ(guest_.call("fd_fdstat_get", *fd, static_cast<Address>(guest_.size() - 23)), Errno::fault);
}

TEST_F(WasiFiles, PreopensHaveTheRightsThatLibcLooksFor) {
  const FdStat stat = guest_.fdstat(kRoot);
  EXPECT_EQ(stat.fs_filetype, static_cast<uint8_t>(FileType::directory));
  EXPECT_EQ(stat.fs_flags, 0);
  const Rights directory = rights::path_create_directory | rights::path_create_file | rights::path_link_source |
                           rights::path_link_target | rights::path_open | rights::fd_readdir | rights::path_readlink |
                           rights::path_rename_source | rights::path_rename_target | rights::path_symlink |
                           rights::path_remove_directory | rights::path_unlink_file | rights::path_filestat_get |
                           rights::path_filestat_set_size | rights::path_filestat_set_times | rights::fd_filestat_get |
                           rights::fd_filestat_set_times;
  EXPECT_EQ(stat.fs_rights_base & directory, directory);
  EXPECT_EQ(stat.fs_rights_base & (rights::fd_seek | rights::fd_read | rights::fd_write), 0U);
  const Rights file = Guest::kReads | Guest::kWrites;
  EXPECT_EQ(stat.fs_rights_inheriting & (directory | file), directory | file);
}

TEST_F(WasiFiles, SetsFlags) {
  const Fd fd = guest_.create(kRoot, "file");
  ASSERT_TRUE(guest_.write(fd, "abc"));
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{fdflags::append | fdflags::nonblock}), Errno::success);
  EXPECT_EQ(guest_.fdstat(fd).fs_flags, fdflags::append | fdflags::nonblock);
  EXPECT_EQ(seek(fd, 0, whence::set), Errno::success);
  ASSERT_TRUE(guest_.write(fd, "d"));
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{0}), Errno::success);
  EXPECT_EQ(guest_.fdstat(fd).fs_flags, 0);
  EXPECT_EQ(seek(fd, 0, whence::set), Errno::success);
  ASSERT_TRUE(guest_.write(fd, "e"));
  EXPECT_EQ(test::read_file(sandbox_.in_root("file")), "ebcd");

  for (const uint16_t flag : {fdflags::dsync, fdflags::rsync, fdflags::sync}) {
    EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{flag}), Errno::notsup) << flag;
  }
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{32}), Errno::inval);
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, uint32_t{1} << 16), Errno::inval);
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", kClosed, uint32_t{0}), Errno::badf);
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", open_without("file", rights::fd_fdstat_set_flags), uint32_t{0}),
            Errno::notcapable);
}

TEST_F(WasiFiles, RightsOnlyShrink) {
  const Fd fd = guest_.create(kRoot, "file");
  const Rights before = guest_.fdstat(fd).fs_rights_base;
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", fd, before | rights::path_open, uint64_t{0}), Errno::notcapable);
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", fd, before, uint64_t{rights::fd_read}), Errno::notcapable);
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", fd, before & ~rights::fd_write, uint64_t{0}), Errno::success);
  EXPECT_EQ(guest_.fdstat(fd).fs_rights_base, before & ~rights::fd_write);
  EXPECT_EQ(error_of(guest_.write(fd, "x")), Errno::notcapable);
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", fd, before, uint64_t{0}), Errno::notcapable);
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", kClosed, uint64_t{0}, uint64_t{0}), Errno::badf);
  // A directory without the right to pass one on does not.
  const Rights base = guest_.fdstat(kRoot).fs_rights_base;
  const Rights inheriting = guest_.fdstat(kRoot).fs_rights_inheriting;
  EXPECT_EQ(guest_.call("fd_fdstat_set_rights", kRoot, base, inheriting & ~rights::fd_write), Errno::success);
  EXPECT_EQ(error_of(guest_.open(kRoot, "file", {.base = rights::fd_write})), Errno::notcapable);
  EXPECT_EQ(error_of(guest_.open(kRoot, "file", {.base = 0, .inheriting = rights::fd_write})), Errno::notcapable);
  EXPECT_TRUE(guest_.open(kRoot, "file"));
}

// ---- Numbers -------------------------------------------------------------------------------------------------------

TEST_F(WasiFiles, NumbersAreTheLowestFree) {
  const Fd a = guest_.create(kRoot, "a");
  const Fd b = guest_.create(kRoot, "b");
  const Fd c = guest_.create(kRoot, "c");
  EXPECT_EQ(a, 4U);
  EXPECT_EQ(b, 5U);
  EXPECT_EQ(c, 6U);
  EXPECT_EQ(guest_.call("fd_close", a), Errno::success);
  EXPECT_EQ(guest_.call("fd_close", b), Errno::success);
  EXPECT_EQ(guest_.call("fd_close", b), Errno::badf);
  EXPECT_EQ(guest_.call("fd_close", ~Fd{0}), Errno::badf);
  EXPECT_EQ(guest_.create(kRoot, "d"), a);
  EXPECT_EQ(guest_.create(kRoot, "e"), b);
  EXPECT_EQ(guest_.create(kRoot, "f"), 7U);
}

TEST_F(WasiFiles, Renumbers) {
  const Fd a = guest_.create(kRoot, "a");
  const Fd b = guest_.create(kRoot, "b");
  ASSERT_TRUE(guest_.write(a, "from a"));
  EXPECT_EQ(guest_.call("fd_renumber", a, b), Errno::success);
  EXPECT_EQ(guest_.call("fd_close", a), Errno::badf);
  EXPECT_EQ(position(b), 6U);
  EXPECT_EQ(guest_.call("fd_renumber", b, b), Errno::success);
  EXPECT_EQ(position(b), 6U);
  EXPECT_EQ(guest_.call("fd_renumber", b, kClosed), Errno::badf);
  EXPECT_EQ(guest_.call("fd_renumber", kClosed, b), Errno::badf);
  EXPECT_EQ(guest_.call("fd_renumber", b, ~Fd{0}), Errno::badf);
  EXPECT_EQ(position(b), 6U);
  // Over a preopen, too.
  EXPECT_EQ(guest_.call("fd_renumber", b, kRoot), Errno::success);
  EXPECT_EQ(guest_.call("fd_prestat_get", kRoot, guest_.room(8)), Errno::badf);
  EXPECT_EQ(position(kRoot), 6U);
}

TEST_F(WasiFiles, RenumbersPreopens) {
  test::write_file(sandbox_.in_root("file"), "");
  const Fd a = guest_.create(kRoot, "a");
  EXPECT_EQ(guest_.call("fd_renumber", kRoot, kRoot), Errno::success);
  EXPECT_EQ(guest_.call("fd_prestat_get", kRoot, guest_.room(8)), Errno::success);
  EXPECT_EQ(guest_.call("fd_renumber", kRoot, a), Errno::success);
  EXPECT_EQ(guest_.call("fd_prestat_get", kRoot, guest_.room(8)), Errno::badf);
  EXPECT_EQ(error_of(guest_.open(kRoot, "file")), Errno::badf);
  // It is what it was under its new number, and leads no further.
  EXPECT_EQ(guest_.call("fd_prestat_get", a, guest_.room(8)), Errno::success);
  EXPECT_TRUE(guest_.open(a, "file"));
  EXPECT_EQ(error_of(guest_.open(a, "../secret")), Errno::notcapable);
  EXPECT_EQ(guest_.call("fd_renumber", kClosed, kClosed), Errno::badf);
}

TEST(WasiDescriptors, HaveALimit) {
  Sandbox sandbox(true, {.limits = {.descriptors = 6}});
  Guest& guest = *sandbox.guest;
  const Fd a = guest.create(kRoot, "a");
  guest.create(kRoot, "b");
  const auto refused = guest.open(kRoot, "c", {.oflags = oflags::creat});
  EXPECT_EQ(error_of(refused), Errno::mfile);
  EXPECT_FALSE(test::exists(sandbox.in_root("c")));  // not created for nothing
  test::write_file(sandbox.in_root("full"), "full");
  EXPECT_EQ(error_of(guest.open(kRoot, "full", {.oflags = oflags::trunc})), Errno::mfile);
  EXPECT_EQ(test::read_file(sandbox.in_root("full")), "full");
  EXPECT_EQ(guest.call("fd_close", a), Errno::success);
  EXPECT_EQ(guest.create(kRoot, "c"), a);
}

TEST_F(WasiFiles, OpenChecksResultAddressFirst) {
  const Address path = guest_.text("new");
  EXPECT_EQ(guest_.call("path_open", kRoot, uint32_t{0}, path, uint32_t{3}, uint32_t{oflags::creat}, uint64_t{0},
                        uint64_t{0}, uint32_t{0}, kNowhere),
            Errno::fault);
  EXPECT_FALSE(test::exists(sandbox_.in_root("new")));
  EXPECT_EQ(guest_.create(kRoot, "other"), 4U);
}

// ---- Preopens ------------------------------------------------------------------------------------------------------

TEST(WasiPreopens, AreNamed) {
  const TemporaryDirectory host;
  Guest guest({.preopens = {{host.path(), "/data"}, {host.path(), "."}}});
  const Address stat = guest.room(8);
  const Address name = guest.room(16);
  ASSERT_EQ(guest.call("fd_prestat_get", Fd{3}, stat), Errno::success);
  EXPECT_EQ(guest.at<uint8_t>(stat), 0);
  EXPECT_EQ(guest.at<uint32_t>(stat + 4), 5U);
  ASSERT_EQ(guest.call("fd_prestat_dir_name", Fd{3}, name, uint32_t{5}), Errno::success);
  EXPECT_EQ(guest.text_at(name, 5), "/data");
  EXPECT_EQ(guest.call("fd_prestat_dir_name", Fd{3}, name, uint32_t{16}), Errno::success);
  ASSERT_EQ(guest.call("fd_prestat_dir_name", Fd{4}, name, uint32_t{1}), Errno::success);
  EXPECT_EQ(guest.text_at(name, 5), ".data");

  EXPECT_EQ(guest.call("fd_prestat_dir_name", Fd{3}, name, uint32_t{4}), Errno::nametoolong);
  EXPECT_EQ(guest.call("fd_prestat_dir_name", Fd{3}, kNowhere, uint32_t{5}), Errno::fault);
  EXPECT_EQ(guest.call("fd_prestat_dir_name", Fd{3}, static_cast<Address>(guest.size() - 4), uint32_t{5}),
            Errno::fault);
  EXPECT_EQ(guest.call("fd_prestat_get", Fd{3}, kNowhere), Errno::fault);
  for (const Fd fd : {0U, 5U, ~0U}) {
    EXPECT_EQ(guest.call("fd_prestat_get", fd, stat), Errno::badf) << fd;
    EXPECT_EQ(guest.call("fd_prestat_dir_name", fd, name, uint32_t{16}), Errno::badf) << fd;
  }
  EXPECT_EQ(guest.call("fd_close", Fd{3}), Errno::success);
  EXPECT_EQ(guest.call("fd_prestat_get", Fd{3}, stat), Errno::badf);
}

// ---- The standard streams ------------------------------------------------------------------------------------------

class WasiStreams : public ::testing::Test {
 protected:
  WasiStreams() {
    EXPECT_EQ(pipe2(in_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out_.data(), O_CLOEXEC), 0);
  }
  ~WasiStreams() override {
    for (const int descriptor : {in_[0], in_[1], out_[0], out_[1]}) {
      close(descriptor);
    }
  }
  Options options() const { return {.stdin_fd = in_[0], .stdout_fd = out_[1], .stderr_fd = -1}; }

  std::array<int, 2> in_{};
  std::array<int, 2> out_{};
};

TEST_F(WasiStreams, AreReadAndWritten) {
  Guest guest(options());
  ASSERT_EQ(write(in_[1], "input", 5), 5);
  EXPECT_EQ(guest.read(0), "input");
  EXPECT_EQ(guest.write(1, "output"), 6U);
  std::array<char, 16> buffer{};
  EXPECT_EQ(read(out_[0], buffer.data(), buffer.size()), 6);
  EXPECT_STREQ(buffer.data(), "output");
  // Each in its direction only; and a pipe has no position.
  EXPECT_EQ(error_of(guest.write(0, "x")), Errno::notcapable);
  EXPECT_EQ(error_of(guest.read(1)), Errno::notcapable);
  EXPECT_EQ(guest.call("fd_seek", Fd{0}, uint64_t{0}, whence::cur, guest.room(8)), Errno::spipe);
  EXPECT_EQ(guest.call("fd_tell", Fd{1}, guest.room(8)), Errno::spipe);
  const Address vectors = guest.value(IoVec{guest.room(4), 4});
  EXPECT_EQ(guest.call("fd_pread", Fd{0}, vectors, uint32_t{1}, uint64_t{0}, guest.room(4)), Errno::spipe);
  EXPECT_EQ(guest.call("fd_pwrite", Fd{1}, vectors, uint32_t{1}, uint64_t{0}, guest.room(4)), Errno::spipe);
  EXPECT_EQ(guest.fdstat(0).fs_filetype, static_cast<uint8_t>(FileType::unknown));
}

TEST_F(WasiStreams, CloseInTheGuestOnly) {
  Guest guest(options());
  EXPECT_EQ(guest.call("fd_close", Fd{1}), Errno::success);
  EXPECT_EQ(error_of(guest.write(1, "x")), Errno::badf);
  EXPECT_EQ(write(out_[1], "still open", 10), 10);
}

TEST_F(WasiStreams, NonBlockingModeIsNotTheHosts) {
  Guest guest(options());
  for (const Fd fd : {0U, 1U}) {
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, uint32_t{fdflags::nonblock}), Errno::success);
    EXPECT_EQ(guest.fdstat(fd).fs_flags, fdflags::nonblock);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, uint32_t{fdflags::nonblock | fdflags::append}), Errno::notsup);
  }
  EXPECT_EQ(fcntl(in_[0], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(out_[1], F_GETFL) & (O_NONBLOCK | O_APPEND), 0);

  EXPECT_EQ(error_of(guest.read(0)), Errno::again);
  ASSERT_EQ(write(in_[1], "x", 1), 1);
  EXPECT_EQ(guest.read(0), "x");
  // The pipe fills up, in pieces that never wait.
  size_t total = 0;
  while (true) {
    const auto written = guest.write(1, std::string(100'000, 'x'));
    if (!written) {
      EXPECT_EQ(error_of(written), Errno::again);
      break;
    }
    total += *written;
    ASSERT_LT(total, 10'000'000U);
  }
  EXPECT_GE(total, 4096U);
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", Fd{0}, uint32_t{0}), Errno::success);
  close(in_[1]);
  EXPECT_EQ(guest.read(0), "");
  in_[1] = -1;
}

// A signal that comes just then does not make a stream look ready.
TEST_F(WasiStreams, NonBlockingModeDoesNotWaitAmongSignals) {
  TENON_NEEDS_SIGNALS();
  Guest guest(options());
  ASSERT_EQ(guest.call("fd_fdstat_set_flags", Fd{0}, uint32_t{fdflags::nonblock}), Errno::success);
  // A read that waits after all is let go: it then has something to return.
  std::atomic<bool> done = false;
  std::thread rescue([&] {
    for (int i = 0; i < 1000 && !done; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (!done) {
      (void)!write(in_[1], "x", 1);
    }
  });
  {
    const test::Signals signals(std::chrono::microseconds(20));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < end) {
      const auto outcome = guest.read(0, 1);
      if (error_of(outcome) != Errno::again) {
        ADD_FAILURE() << "waited";
        break;
      }
    }
  }
  done = true;
  rescue.join();
}

TEST_F(WasiStreams, AClosedPipeIsAnErrorAndNotASignal) {
  struct sigaction before{};
  struct sigaction deadly{};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &before), 0);
  Guest guest(options());
  close(out_[0]);
  out_[0] = -1;
  EXPECT_EQ(error_of(guest.write(1, "x")), Errno::pipe);
  EXPECT_EQ(error_of(guest.write(1, "x")), Errno::pipe);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGPIPE), 0);
  ASSERT_EQ(sigaction(SIGPIPE, &before, nullptr), 0);
}

TEST_F(WasiStreams, HaveNothingToSync) {
  Guest guest(options());
  for (const Fd fd : {0U, 1U}) {
    EXPECT_EQ(guest.call("fd_sync", fd), Errno::inval);
    EXPECT_EQ(guest.call("fd_datasync", fd), Errno::inval);
    EXPECT_EQ(guest.call("fd_advise", fd, uint64_t{0}, uint64_t{0}, advice::normal), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_readdir", fd, guest.room(64), uint32_t{64}, uint64_t{0}, guest.room(4)), Errno::notdir);
    EXPECT_EQ(error_of(guest.open(fd, "x")), Errno::notdir);
  }
}

// A descriptor of the guest's own is not blocking for the host as well: no poll first, the kernel says it.
TEST_F(WasiFiles, AFullPipeIsAnError) {
  ASSERT_EQ(mkfifo(sandbox_.in_root("fifo").c_str(), 0666), 0);
  const auto reader = guest_.open(kRoot, "fifo", {.base = rights::fd_read, .fdflags = fdflags::nonblock});
  const auto writer = guest_.open(kRoot, "fifo", {.base = rights::fd_write, .fdflags = fdflags::nonblock});
  ASSERT_TRUE(reader && writer);
  size_t total = 0;
  auto written = guest_.write(*writer, std::string(100'000, 'x'));
  while (written && total < 10'000'000) {
    total += *written;
    written = guest_.write(*writer, std::string(100'000, 'x'));
  }
  EXPECT_EQ(error_of(written), Errno::again);
  EXPECT_GE(total, 4096U);
}

TEST(WasiDevices, TellWhatTheyCannot) {
  Guest guest({.preopens = {{.host = "/dev", .guest = "/dev"}}});
  const auto full = guest.open(kRoot, "full", {.base = Guest::kReads | Guest::kWrites});
  if (!full) {
    GTEST_SKIP() << "this host has no /dev/full";
  }
  EXPECT_EQ(guest.fdstat(*full).fs_filetype, static_cast<uint8_t>(FileType::character_device));
  EXPECT_EQ(error_of(guest.write(*full, "x")), Errno::nospc);
  EXPECT_EQ(guest.read(*full, 3), std::string(3, '\0'));
  EXPECT_EQ(guest.call("fd_allocate", *full, uint64_t{0}, uint64_t{10}), Errno::nodev);
  EXPECT_EQ(guest.call("fd_filestat_set_size", *full, uint64_t{0}), Errno::inval);
  EXPECT_EQ(guest.call("fd_sync", *full), Errno::inval);
  EXPECT_EQ(guest.call("fd_readdir", *full, guest.room(64), uint32_t{64}, uint64_t{0}, guest.room(4)), Errno::notdir);
}

TEST(WasiDevices, TellThatReadingFails) {
  Guest guest({.preopens = {{.host = "/proc/self", .guest = "/proc"}}});
  const auto memory = guest.open(kRoot, "mem");
  if (!memory) {
    GTEST_SKIP() << "this host does not show a process's memory";
  }
  EXPECT_EQ(error_of(guest.read(*memory, 8)), Errno::io);  // nothing is at address 0
}

TEST(WasiStreamsOfFiles, CannotBeResizedOrDated) {
  const TemporaryDirectory host;
  const int file = open((host / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  Guest guest({.stdin_fd = -1, .stdout_fd = file, .stderr_fd = -1});
  EXPECT_EQ(guest.write(1, "abc"), 3U);
  EXPECT_EQ(guest.call("fd_seek", Fd{1}, uint64_t{0}, whence::set, guest.room(8)), Errno::success);
  EXPECT_EQ(guest.read(1), "abc");
  EXPECT_EQ(guest.call("fd_filestat_set_size", Fd{1}, uint64_t{0}), Errno::notcapable);
  EXPECT_EQ(guest.call("fd_allocate", Fd{1}, uint64_t{0}, uint64_t{10}), Errno::notcapable);
  EXPECT_EQ(guest.call("fd_filestat_set_times", Fd{1}, uint64_t{0}, uint64_t{0}, uint32_t{0}), Errno::notcapable);
  close(file);
}

TEST(WasiStreamsOfFiles, ADirectoryLeadsNowhere) {
  const TemporaryDirectory host;
  test::write_file(host / "file", "x");
  const int directory = open(host.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Guest guest({.stdin_fd = directory, .stdout_fd = -1, .stderr_fd = -1});
  EXPECT_EQ(error_of(guest.open(0, "file")), Errno::notcapable);
  EXPECT_EQ(guest.call("fd_readdir", Fd{0}, guest.room(64), uint32_t{64}, uint64_t{0}, guest.room(4)),
            Errno::notcapable);
  EXPECT_EQ(guest.call("fd_prestat_get", Fd{0}, guest.room(8)), Errno::badf);
  close(directory);
}

TEST(WasiStreamsOfFiles, OnlyATerminalLooksLikeOne) {
  // wasi-libc: a character device without the rights to seek and tell is a terminal.
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  Guest guest({.stdin_fd = null, .stdout_fd = -1, .stderr_fd = -1});
  EXPECT_EQ(guest.fdstat(0).fs_filetype, static_cast<uint8_t>(FileType::character_device));
  EXPECT_NE(guest.fdstat(0).fs_rights_base & (rights::fd_seek | rights::fd_tell), 0U);
  close(null);
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) {
    Guest other({.stdin_fd = terminal, .stdout_fd = -1, .stderr_fd = -1});
    EXPECT_EQ(other.fdstat(0).fs_filetype, static_cast<uint8_t>(FileType::character_device));
    EXPECT_EQ(other.fdstat(0).fs_rights_base & (rights::fd_seek | rights::fd_tell), 0U);
    close(terminal);
  }
}

// Runs under a limit of 4,096 bytes; a signal would end it.
[[noreturn]] void write_beyond_limit() {
  const rlimit limit{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &limit);
  const Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  const Fd fd = guest.create(kRoot, "file");
  const bool is_right =
      guest.write(fd, std::string(4096, 'x')) == 4096U && guest.write(fd, "y").error() == Errno::fbig &&
      guest.call("fd_pwrite", fd, guest.value(IoVec{guest.text("y"), 1}), uint32_t{1}, uint64_t{5000}, guest.room(4)) ==
          Errno::fbig &&
      guest.call("fd_filestat_set_size", fd, uint64_t{5000}) == Errno::fbig &&
      guest.call("fd_allocate", fd, uint64_t{0}, uint64_t{5000}) == Errno::fbig;
  _exit(is_right ? 0 : 1);
}

TEST(WasiFileSizeLimitDeathTest, IsAnErrorAndNotASignal) {
  EXPECT_EXIT(write_beyond_limit(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace tenon::wasi
