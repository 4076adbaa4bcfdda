#include "wasi/filestat.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>

namespace tenon::wasi {

namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK:
      return FileType::block_device;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFDIR:
      return FileType::directory;
    case S_IFREG:
      return FileType::regular_file;
    case S_IFLNK:
      return FileType::symbolic_link;
    case S_IFSOCK:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

FileType directory_entry_type(uint8_t d_type) {
  return file_type(DTTOIF(d_type));
}

uint64_t to_timestamp(const timespec& time) {
  if (time.tv_sec < 0) {
    return 0;
  }
  uint64_t nanoseconds = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(time.tv_sec), kNanosecondsPerSecond, &nanoseconds) ||
      __builtin_add_overflow(nanoseconds, static_cast<uint64_t>(time.tv_nsec), &nanoseconds)) {
    return UINT64_MAX;
  }
  return nanoseconds;
}

timespec from_timestamp(uint64_t nanoseconds) {
  return {.tv_sec = static_cast<time_t>(nanoseconds / kNanosecondsPerSecond),
          .tv_nsec = static_cast<long>(nanoseconds % kNanosecondsPerSecond)};
}

FileStat to_filestat(const struct stat& status) {
  FileStat filestat{};
  filestat.dev = status.st_dev;
  filestat.ino = status.st_ino;
  filestat.filetype = static_cast<uint8_t>(file_type(status.st_mode));
  filestat.nlink = status.st_nlink;
  filestat.size = static_cast<uint64_t>(std::max<off_t>(status.st_size, 0));
  filestat.atim = to_timestamp(status.st_atim);
  filestat.mtim = to_timestamp(status.st_mtim);
  filestat.ctim = to_timestamp(status.st_ctim);
  return filestat;
}

unstable::FileStat to_unstable(const FileStat& filestat) {
  unstable::FileStat result{};
  result.dev = filestat.dev;
  result.ino = filestat.ino;
  result.filetype = filestat.filetype;
  result.nlink = static_cast<uint32_t>(std::min<uint64_t>(filestat.nlink, UINT32_MAX));
  result.size = filestat.size;
  result.atim = filestat.atim;
  result.mtim = filestat.mtim;
  result.ctim = filestat.ctim;
  return result;
}

Outcome<std::array<timespec, 2>> times_to_set(uint64_t atim, uint64_t mtim, uint32_t flags) {
  constexpr uint32_t kBothAtim = fstflags::atim | fstflags::atim_now;
  constexpr uint32_t kBothMtim = fstflags::mtim | fstflags::mtim_now;
  if ((flags & ~uint32_t{fstflags::all}) != 0 || (flags & kBothAtim) == kBothAtim || (flags & kBothMtim) == kBothMtim) {
    return refuse(Errno::inval);
  }
  const auto choose = [flags](uint64_t time, uint32_t given, uint32_t now) -> timespec {
    if ((flags & given) != 0) {
      return from_timestamp(time);
    }
    return {.tv_sec = 0, .tv_nsec = (flags & now) != 0 ? UTIME_NOW : UTIME_OMIT};
  };
  return std::array{choose(atim, fstflags::atim, fstflags::atim_now), choose(mtim, fstflags::mtim, fstflags::mtim_now)};
}

uint16_t fdflags_from_host(int flags) {
  uint16_t result = 0;
  if ((flags & O_APPEND) != 0) {
    result |= fdflags::append;
  }
  if ((flags & O_NONBLOCK) != 0) {
    result |= fdflags::nonblock;
  }
  // O_SYNC is O_DSYNC and one bit more; O_RSYNC is O_SYNC.
  if ((flags & O_SYNC) == O_SYNC) {
    result |= fdflags::sync;
  } else if ((flags & O_DSYNC) != 0) {
    result |= fdflags::dsync;
  }
  return result;
}

int fdflags_to_host(uint16_t flags) {
  int result = 0;
  if ((flags & fdflags::append) != 0) {
    result |= O_APPEND;
  }
  if ((flags & fdflags::nonblock) != 0) {
    result |= O_NONBLOCK;
  }
  if ((flags & fdflags::dsync) != 0) {
    result |= O_DSYNC;
  }
  if ((flags & fdflags::rsync) != 0) {
    result |= O_RSYNC;
  }
  if ((flags & fdflags::sync) != 0) {
    result |= O_SYNC;
  }
  return result;
}

}  // namespace tenon::wasi
