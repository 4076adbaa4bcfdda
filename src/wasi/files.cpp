// What is done with a descriptor: read, write, position, size, times, flags, rights.
//
// Bytes go between guest memory and the host's kernel directly (readv and its relatives): never through a buffer, so a
// guest that asks for 4 GiB costs the host nothing.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

#include "base/result.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"
#include "wasi/system_call.h"

namespace tenon::wasi {

namespace {

// A file offset or size as the host takes it; inval when it is more than that.
Outcome<off_t> to_offset(uint64_t value) {
  if (value > INT64_MAX) {
    return refuse(Errno::inval);
  }
  return static_cast<off_t>(value);
}

bool is_ready(int descriptor, short events) {
  pollfd entry{.fd = descriptor, .events = events, .revents = 0};
  int count = 0;
  do {  // a signal cuts short even what does not wait, and says nothing of the descriptor
    count = poll(&entry, 1, 0);
  } while (count < 0 && errno == EINTR);
  return count != 0;
}

Outcome<uint32_t> read_into(HostCall& call, const Descriptor& descriptor, const Buffers& buffers,
                            std::optional<off_t> offset) {
  if (buffers.is_empty()) {
    return 0;
  }
  if (descriptor.emulates_nonblocking() && !is_ready(descriptor.host(), POLLIN)) {
    return refuse(Errno::again);
  }
  const ssize_t count = waiting(call, [&] {
    return offset ? preadv(descriptor.host(), buffers.data(), buffers.count(), *offset)
                  : readv(descriptor.host(), buffers.data(), buffers.count());
  });
  if (count < 0) {
    return host_failure();
  }
  return static_cast<uint32_t>(count);  // no more than the buffers hold, which was checked
}

Outcome<uint32_t> write_from(Process& process, HostCall& call, const Descriptor& descriptor, Buffers& buffers,
                             std::optional<off_t> offset) {
  if (buffers.is_empty()) {
    return 0;
  }
  if (descriptor.emulates_nonblocking()) {
    if (!is_ready(descriptor.host(), POLLOUT)) {
      return refuse(Errno::again);
    }
    if (descriptor.is_pipe) {
      buffers.shorten(PIPE_BUF);  // what a pipe that is ready takes without waiting
    }
  }
  const auto write = [&]() -> ssize_t {
    if (offset) {
      return pwritev(descriptor.host(), buffers.data(), buffers.count(), *offset);
    }
    if (descriptor.is_socket()) {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(buffers.data());
      message.msg_iovlen = static_cast<size_t>(buffers.count());
      return sendmsg(descriptor.host(), &message,
                     MSG_NOSIGNAL | (descriptor.emulates_nonblocking() ? MSG_DONTWAIT : 0));
    }
    return writev(descriptor.host(), buffers.data(), buffers.count());
  };
  const bool may_raise = descriptor.is_pipe || process.has_file_size_limit;
  const ssize_t count = waiting(call, [&] { return may_raise ? without_write_signals(write) : write(); });
  if (count < 0) {
    return host_failure();
  }
  return static_cast<uint32_t>(count);
}

Outcome<> seek(Process& process, HostCall& call, Fd fd, uint64_t offset, int host_whence, Address result) {
  // What changes nothing needs only the lesser right.
  const bool is_tell = host_whence == SEEK_CUR && offset == 0;
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, 0));
  if (!descriptor->is_seekable()) {
    return refuse(Errno::spipe);
  }
  if (!is_tell || !descriptor->require(rights::fd_tell)) {
    TENON_CHECK(descriptor->require(rights::fd_seek));
  }
  const auto position = TENON_TRY(GuestResult<uint64_t>::at(call, result));
  const off_t reached = lseek(descriptor->host(), static_cast<off_t>(offset), host_whence);
  if (reached < 0) {
    return host_failure();
  }
  position.set(static_cast<uint64_t>(reached));
  return {};
}

Outcome<FileStat> filestat_of(Process& process, Fd fd) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_filestat_get));
  struct stat status{};
  if (fstat(descriptor->host(), &status) != 0) {
    return host_failure();
  }
  FileStat filestat = to_filestat(status);
  filestat.filetype = static_cast<uint8_t>(descriptor->type);  // knows a datagram socket
  return filestat;
}

}  // namespace

Outcome<> fd_advise(Process& process, HostCall& /*call*/, Fd fd, uint64_t offset, uint64_t len, uint32_t advice) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_advise));
  int host_advice = 0;
  switch (advice) {
    case advice::normal:
      host_advice = POSIX_FADV_NORMAL;
      break;
    case advice::sequential:
      host_advice = POSIX_FADV_SEQUENTIAL;
      break;
    case advice::random:
      host_advice = POSIX_FADV_RANDOM;
      break;
    case advice::willneed:
      host_advice = POSIX_FADV_WILLNEED;
      break;
    case advice::dontneed:
      host_advice = POSIX_FADV_DONTNEED;
      break;
    case advice::noreuse:
      host_advice = POSIX_FADV_NOREUSE;
      break;
    default:
      return refuse(Errno::inval);
  }
  const off_t host_offset = TENON_TRY(to_offset(offset));
  const off_t host_length = TENON_TRY(to_offset(len));
  const int error = posix_fadvise(descriptor->host(), host_offset, host_length, host_advice);
  if (error != 0) {
    return refuse(from_host(error));
  }
  return {};
}

Outcome<> fd_allocate(Process& process, HostCall& call, Fd fd, uint64_t offset, uint64_t len) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, rights::fd_allocate));
  const off_t host_offset = TENON_TRY(to_offset(offset));
  const off_t host_length = TENON_TRY(to_offset(len));
  // Not posix_fallocate: where the file system cannot, that writes all the blocks one by one.
  const int result = waiting(call, [&] {
    return without_write_signals([&] { return fallocate(descriptor->host(), 0, host_offset, host_length); });
  });
  if (result != 0) {
    return host_failure();
  }
  return {};
}

Outcome<> fd_close(Process& process, HostCall& /*call*/, Fd fd) {
  return process.descriptors.close(fd);
}

Outcome<> fd_datasync(Process& process, HostCall& call, Fd fd) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_datasync));
  if (waiting(call, [&] { return fdatasync(descriptor->host()); }) != 0) {
    return host_failure();
  }
  return {};
}

Outcome<> fd_sync(Process& process, HostCall& call, Fd fd) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_sync));
  if (waiting(call, [&] { return fsync(descriptor->host()); }) != 0) {
    return host_failure();
  }
  return {};
}

Outcome<> fd_fdstat_get(Process& process, HostCall& call, Fd fd, Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd));
  const auto stat = TENON_TRY(GuestResult<FdStat>::at(call, result));
  FdStat value{};
  value.fs_filetype = static_cast<uint8_t>(descriptor->type);
  value.fs_flags = descriptor->flags;
  value.fs_rights_base = descriptor->base;
  value.fs_rights_inheriting = descriptor->inheriting;
  stat.set(value);
  return {};
}

Outcome<> fd_fdstat_set_flags(Process& process, HostCall& /*call*/, Fd fd, uint32_t flags) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_fdstat_set_flags));
  if ((flags & ~uint32_t{fdflags::all}) != 0) {
    return refuse(Errno::inval);
  }
  const auto wanted = static_cast<uint16_t>(flags);
  const uint16_t changed = wanted ^ descriptor->flags.load();
  if ((changed & (fdflags::dsync | fdflags::rsync | fdflags::sync)) != 0) {
    return refuse(Errno::notsup);  // the host decides on these when a file is opened
  }
  if (!descriptor->handle.owned()) {
    // sandbox: the open file is the host's too, and its flags are not the guest's to change.
    if ((changed & fdflags::append) != 0) {
      return refuse(Errno::notsup);
    }
  } else if (changed != 0) {
    const int current = fcntl(descriptor->host(), F_GETFL);
    const int kept = current & ~(O_APPEND | O_NONBLOCK);
    if (current < 0 || fcntl(descriptor->host(), F_SETFL, kept | fdflags_to_host(wanted)) != 0) {
      return host_failure();
    }
  }
  descriptor->flags = wanted;
  return {};
}

Outcome<> fd_fdstat_set_rights(Process& process, HostCall& /*call*/, Fd fd, Rights base, Rights inheriting) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd));
  if ((base & ~descriptor->base.load()) != 0 || (inheriting & ~descriptor->inheriting.load()) != 0) {
    return refuse(Errno::notcapable);
  }
  // sandbox: rights are only ever taken away, also when two threads do so at once.
  descriptor->base &= base;
  descriptor->inheriting &= inheriting;
  return {};
}

Outcome<> fd_filestat_get(Process& process, HostCall& call, Fd fd, Address result) {
  const auto stat = TENON_TRY(filestat_of(process, fd));
  TENON_TRY(GuestResult<FileStat>::at(call, result)).set(stat);
  return {};
}

Outcome<> unstable_fd_filestat_get(Process& process, HostCall& call, Fd fd, Address result) {
  const auto stat = TENON_TRY(filestat_of(process, fd));
  TENON_TRY(GuestResult<unstable::FileStat>::at(call, result)).set(to_unstable(stat));
  return {};
}

Outcome<> fd_filestat_set_size(Process& process, HostCall& call, Fd fd, uint64_t size) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, rights::fd_filestat_set_size));
  const off_t host_size = TENON_TRY(to_offset(size));
  const int result =
      waiting(call, [&] { return without_write_signals([&] { return ftruncate(descriptor->host(), host_size); }); });
  if (result != 0) {
    return host_failure();
  }
  return {};
}

Outcome<> fd_filestat_set_times(Process& process, HostCall& /*call*/, Fd fd, uint64_t atim, uint64_t mtim,
                                uint32_t flags) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd, rights::fd_filestat_set_times));
  TENON_CHECK(descriptor->require_writable());
  const auto times = TENON_TRY(times_to_set(atim, mtim, flags));
  if (futimens(descriptor->host(), times.data()) != 0) {
    return host_failure();
  }
  return {};
}

Outcome<> fd_read(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, rights::fd_read));
  const auto buffers = TENON_TRY(Buffers::gather(call, iovs, iovs_len, process.limits.iovecs));
  const auto count = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  count.set(TENON_TRY(read_into(call, *descriptor, buffers, std::nullopt)));
  return {};
}

Outcome<> fd_pread(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, uint64_t offset,
                   Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, 0));
  if (!descriptor->is_seekable()) {
    return refuse(Errno::spipe);
  }
  TENON_CHECK(descriptor->require(rights::fd_read | rights::fd_seek));
  const off_t host_offset = TENON_TRY(to_offset(offset));
  const auto buffers = TENON_TRY(Buffers::gather(call, iovs, iovs_len, process.limits.iovecs));
  const auto count = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  count.set(TENON_TRY(read_into(call, *descriptor, buffers, host_offset)));
  return {};
}

Outcome<> fd_write(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, rights::fd_write));
  auto buffers = TENON_TRY(Buffers::gather(call, iovs, iovs_len, process.limits.iovecs));
  const auto count = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  count.set(TENON_TRY(write_from(process, call, *descriptor, buffers, std::nullopt)));
  return {};
}

Outcome<> fd_pwrite(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, uint64_t offset,
                    Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get_file(fd, 0));
  if (!descriptor->is_seekable()) {
    return refuse(Errno::spipe);
  }
  TENON_CHECK(descriptor->require(rights::fd_write | rights::fd_seek));
  const off_t host_offset = TENON_TRY(to_offset(offset));
  auto buffers = TENON_TRY(Buffers::gather(call, iovs, iovs_len, process.limits.iovecs));
  const auto count = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  count.set(TENON_TRY(write_from(process, call, *descriptor, buffers, host_offset)));
  return {};
}

Outcome<> fd_prestat_get(Process& process, HostCall& call, Fd fd, Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd));
  if (!descriptor->is_preopen) {
    return refuse(Errno::badf);  // how wasi-libc knows that it has seen them all
  }
  const auto stat = TENON_TRY(GuestResult<PreStat>::at(call, result));
  PreStat value{};
  value.pr_name_len = static_cast<uint32_t>(descriptor->preopen_name.size());
  stat.set(value);
  return {};
}

Outcome<> fd_prestat_dir_name(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len) {
  const auto descriptor = TENON_TRY(process.descriptors.get(fd));
  if (!descriptor->is_preopen) {
    return refuse(Errno::badf);
  }
  const std::string& name = descriptor->preopen_name;
  if (path_len < name.size()) {
    return refuse(Errno::nametoolong);
  }
  uint8_t* const bytes = call.span(path, path_len);
  if (bytes == nullptr) {
    return refuse(Errno::fault);
  }
  std::ranges::copy(name, bytes);
  return {};
}

Outcome<> fd_renumber(Process& process, HostCall& /*call*/, Fd fd, Fd to) {
  return process.descriptors.renumber(fd, to);
}

Outcome<> fd_seek(Process& process, HostCall& call, Fd fd, uint64_t offset, uint32_t whence, Address result) {
  switch (whence) {
    case whence::set:
      return seek(process, call, fd, offset, SEEK_SET, result);
    case whence::cur:
      return seek(process, call, fd, offset, SEEK_CUR, result);
    case whence::end:
      return seek(process, call, fd, offset, SEEK_END, result);
    default:
      return refuse(Errno::inval);
  }
}

Outcome<> unstable_fd_seek(Process& process, HostCall& call, Fd fd, uint64_t offset, uint32_t whence, Address result) {
  switch (whence) {
    case unstable::whence::set:
      return seek(process, call, fd, offset, SEEK_SET, result);
    case unstable::whence::cur:
      return seek(process, call, fd, offset, SEEK_CUR, result);
    case unstable::whence::end:
      return seek(process, call, fd, offset, SEEK_END, result);
    default:
      return refuse(Errno::inval);
  }
}

Outcome<> fd_tell(Process& process, HostCall& call, Fd fd, Address result) {
  return seek(process, call, fd, 0, SEEK_CUR, result);
}

}  // namespace tenon::wasi
