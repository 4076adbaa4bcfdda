// Between what the host says of files (struct stat, open flags, timespec) and what the guest is told.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <ctime>

#include "wasi/errors.h"
#include "wasi/types.h"

namespace tenon::wasi {

/// The type of a file by its mode; a socket counts as a stream socket.
[[nodiscard]] FileType file_type(mode_t mode);
/// The type of a directory entry by its d_type.
[[nodiscard]] FileType directory_entry_type(uint8_t d_type);

[[nodiscard]] FileStat to_filestat(const struct stat& status);
/// The layout of wasi_unstable; a link count that does not fit is UINT32_MAX.
[[nodiscard]] unstable::FileStat to_unstable(const FileStat& filestat);

/// Nanoseconds, 0 for a time before the epoch, UINT64_MAX for one after the year 2554.
[[nodiscard]] uint64_t to_timestamp(const timespec& time);
[[nodiscard]] timespec from_timestamp(uint64_t nanoseconds);

/// What utimensat and futimens take, from what fd_filestat_set_times and path_filestat_set_times are given; inval for
/// unknown flags, or when a time is to be both now and another.
[[nodiscard]] Outcome<std::array<timespec, 2>> times_to_set(uint64_t atim, uint64_t mtim, uint32_t flags);

/// fdflags by the flags that fcntl(F_GETFL) tells.
[[nodiscard]] uint16_t fdflags_from_host(int flags);
/// Open flags by fdflags.
[[nodiscard]] int fdflags_to_host(uint16_t flags);

}  // namespace tenon::wasi
