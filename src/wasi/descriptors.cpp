#include "wasi/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "wasi/filestat.h"

namespace tenon::wasi {

namespace {

constexpr Rights kDirectory =
    rights::fd_datasync | rights::fd_fdstat_set_flags | rights::fd_sync | rights::fd_advise |
    rights::path_create_directory | rights::path_create_file | rights::path_link_source | rights::path_link_target |
    rights::path_open | rights::fd_readdir | rights::path_readlink | rights::path_rename_source |
    rights::path_rename_target | rights::path_filestat_get | rights::path_filestat_set_size |
    rights::path_filestat_set_times | rights::fd_filestat_get | rights::fd_filestat_set_times | rights::path_symlink |
    rights::path_remove_directory | rights::path_unlink_file | rights::poll_fd_readwrite;

constexpr Rights kRegularFile = rights::fd_datasync | rights::fd_read | rights::fd_seek | rights::fd_fdstat_set_flags |
                                rights::fd_sync | rights::fd_tell | rights::fd_write | rights::fd_advise |
                                rights::fd_allocate | rights::fd_filestat_get | rights::fd_filestat_set_size |
                                rights::fd_filestat_set_times | rights::poll_fd_readwrite;

// Pipes and terminals. That a character device has no right to seek is how wasi-libc knows a terminal.
constexpr Rights kStream = rights::fd_datasync | rights::fd_read | rights::fd_fdstat_set_flags | rights::fd_sync |
                           rights::fd_write | rights::fd_filestat_get | rights::fd_filestat_set_times |
                           rights::poll_fd_readwrite;

constexpr Rights kSocket = rights::fd_read | rights::fd_fdstat_set_flags | rights::fd_write | rights::fd_filestat_get |
                           rights::poll_fd_readwrite | rights::sock_shutdown | rights::sock_accept;

// What the guest may do to the streams that the host gives it: resizing or dating the file behind a redirection is the
// host's.
constexpr Rights kStandardStream = rights::fd_datasync | rights::fd_read | rights::fd_seek |
                                   rights::fd_fdstat_set_flags | rights::fd_sync | rights::fd_tell | rights::fd_write |
                                   rights::fd_advise | rights::fd_filestat_get | rights::poll_fd_readwrite;

Rights rights_of(FileType type, int host) {
  switch (type) {
    case FileType::directory:
      return kDirectory;
    case FileType::regular_file:
    case FileType::block_device:
      return kRegularFile;
    case FileType::character_device:
      return isatty(host) != 0 ? kStream : kRegularFile;
    case FileType::socket_dgram:
    case FileType::socket_stream:
      return kSocket;
    default:
      return kStream;
  }
}

}  // namespace

Rights directory_inheriting_rights() {
  return kDirectory | kRegularFile;
}

Outcome<> Descriptor::require(Rights needed) const {
  if ((needed & ~base.load(std::memory_order_relaxed)) != 0) {
    return refuse(Errno::notcapable);
  }
  return {};
}

Outcome<> Descriptor::require_writable() const {
  if (is_read_only) {
    return refuse(Errno::rofs);
  }
  return {};
}

Outcome<DescriptorReference> describe(Handle handle, Rights base, Rights inheriting, uint16_t flags) {
  struct stat status{};
  if (fstat(handle.get(), &status) != 0) {
    return host_failure();
  }
  auto descriptor = std::make_shared<Descriptor>();
  descriptor->type = file_type(status.st_mode);
  descriptor->is_pipe = S_ISFIFO(status.st_mode);
  if (S_ISSOCK(status.st_mode)) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(handle.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM) {
      descriptor->type = FileType::socket_dgram;
    }
  }
  descriptor->base = base & rights_of(descriptor->type, handle.get());
  if (descriptor->is_directory()) {
    descriptor->inheriting = inheriting & directory_inheriting_rights();
  } else if (descriptor->is_socket()) {
    descriptor->inheriting = inheriting & kSocket;
  }
  descriptor->flags = flags;
  descriptor->handle = std::move(handle);
  return descriptor;
}

Outcome<DescriptorReference> describe_stream(int host) {
  const int mode = fcntl(host, F_GETFL);
  if (mode < 0) {
    return host_failure();
  }
  Rights base = kStandardStream;
  if ((mode & O_ACCMODE) == O_RDONLY) {
    base &= ~rights::fd_write;
  }
  if ((mode & O_ACCMODE) == O_WRONLY) {
    base &= ~rights::fd_read;
  }
  return describe(Handle::borrow(host), base, 0, fdflags_from_host(mode));
}

Outcome<DescriptorReference> DescriptorTable::get(Fd fd, Rights needed) const {
  DescriptorReference found;
  {
    const std::lock_guard lock(mutex_);
    if (fd < entries_.size()) {
      found = entries_[fd];
    }
  }
  if (found == nullptr) {
    return refuse(Errno::badf);
  }
  TENON_CHECK(found->require(needed));
  return found;
}

Outcome<DescriptorReference> DescriptorTable::get_directory(Fd fd, Rights needed) const {
  auto descriptor = TENON_TRY(get(fd));
  if (!descriptor->is_directory()) {
    return refuse(Errno::notdir);
  }
  TENON_CHECK(descriptor->require(needed));
  return descriptor;
}

Outcome<DescriptorReference> DescriptorTable::get_file(Fd fd, Rights needed) const {
  auto descriptor = TENON_TRY(get(fd));
  if (descriptor->is_directory()) {
    return refuse(Errno::isdir);
  }
  TENON_CHECK(descriptor->require(needed));
  return descriptor;
}

size_t DescriptorTable::lowest_free() const {
  return static_cast<size_t>(std::ranges::find(entries_, nullptr) - entries_.begin());
}

Outcome<Fd> DescriptorTable::insert(DescriptorReference descriptor) {
  const std::lock_guard lock(mutex_);
  const size_t fd = lowest_free();
  if (fd >= limit_) {  // sandbox: the guest cannot make the table, or the host's, grow without bound
    return refuse(Errno::mfile);
  }
  if (fd == entries_.size()) {
    entries_.emplace_back();
  }
  entries_[fd] = std::move(descriptor);
  return static_cast<Fd>(fd);
}

Outcome<> DescriptorTable::insert_at(Fd fd, DescriptorReference descriptor) {
  const std::lock_guard lock(mutex_);
  if (fd >= limit_) {
    return refuse(Errno::mfile);
  }
  if (fd >= entries_.size()) {
    entries_.resize(size_t{fd} + 1);
  }
  if (entries_[fd] != nullptr) {
    return refuse(Errno::exist);
  }
  entries_[fd] = std::move(descriptor);
  return {};
}

bool DescriptorTable::has_room() const {
  const std::lock_guard lock(mutex_);
  return lowest_free() < limit_;
}

Outcome<> DescriptorTable::close(Fd fd) {
  DescriptorReference closed;
  const std::lock_guard lock(mutex_);
  if (fd >= entries_.size() || entries_[fd] == nullptr) {
    return refuse(Errno::badf);
  }
  closed.swap(entries_[fd]);
  return {};
}

Outcome<> DescriptorTable::renumber(Fd from, Fd to) {
  DescriptorReference overwritten;
  const std::lock_guard lock(mutex_);
  if (from >= entries_.size() || entries_[from] == nullptr || to >= entries_.size() || entries_[to] == nullptr) {
    return refuse(Errno::badf);
  }
  if (from != to) {
    overwritten = std::exchange(entries_[to], std::exchange(entries_[from], nullptr));
  }
  return {};
}

}  // namespace tenon::wasi
