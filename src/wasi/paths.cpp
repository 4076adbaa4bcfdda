// What is done with a directory descriptor and a path. Where a path leads is path.h's business: here are the rights,
// and what the host's kernel would make of each kind of last name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

#include "base/result.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"
#include "wasi/system_call.h"

namespace tenon::wasi {

namespace {

// A path of the guest's and the directory it is relative to. `location` borrows from `directory`.
struct Named {
  DescriptorReference directory;
  Location location;

  [[nodiscard]] int parent() const { return location.directory.get(); }
  [[nodiscard]] const char* name() const { return location.name.c_str(); }
};

// Whether a function looks at the file system or changes it: a read-only directory refuses the latter.
enum class Intent : uint8_t { look, change };

// Descriptor, rights, path, resolution: how the functions here begin. One look-up of the descriptor: what is checked is
// what is used, whatever other threads do to its number.
Outcome<Named> resolve(Process& process, HostCall& call, Intent intent, Fd fd, Rights needed, Address path,
                       uint32_t path_len, Follow follow) {
  Named named;
  named.directory = TENON_TRY(process.descriptors.get_directory(fd, needed));
  if (intent == Intent::change) {
    TENON_CHECK(named.directory->require_writable());  // sandbox: what is read-only stays so
  }
  const std::string text = TENON_TRY(guest_path(call, path, path_len));
  named.location = TENON_TRY(process.resolver.locate(named.directory->host(), text, follow));
  return named;
}

Outcome<Follow> to_follow(uint32_t flags) {
  if ((flags & ~lookupflags::all) != 0) {
    return refuse(Errno::inval);
  }
  return (flags & lookupflags::symlink_follow) != 0 ? Follow::always : Follow::with_slash;
}

// Whether there is an entry, of whatever kind, and which.
Outcome<FileType> type_of(const Named& named) {
  struct stat status{};
  if (fstatat(named.parent(), named.name(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return host_failure();
  }
  return file_type(status.st_mode);
}

// A new entry that is no directory cannot be called `name/`: exist when there is something, noent when there is not.
Outcome<> refuse_slash(const Named& named) {
  if (named.location.is_directory) {
    TENON_TRY(type_of(named));
    return refuse(Errno::exist);
  }
  return {};
}

Outcome<> to_outcome(int result) {
  if (result != 0) {
    return host_failure();
  }
  return {};
}

Outcome<FileStat> filestat_at(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path,
                              uint32_t path_len) {
  const Follow follow = TENON_TRY(to_follow(flags));
  const auto named =
      TENON_TRY(resolve(process, call, Intent::look, fd, rights::path_filestat_get, path, path_len, follow));
  struct stat status{};
  // sandbox: should the name have become a link since it was resolved, this is the link's own status.
  if (fstatat(named.parent(), named.name(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return host_failure();
  }
  if (named.location.is_directory && !S_ISDIR(status.st_mode)) {
    return refuse(Errno::notdir);
  }
  return to_filestat(status);
}

}  // namespace

Outcome<> path_create_directory(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len) {
  const auto named = TENON_TRY(
      resolve(process, call, Intent::change, fd, rights::path_create_directory, path, path_len, Follow::never));
  return to_outcome(mkdirat(named.parent(), named.name(), 0777));
}

Outcome<> path_filestat_get(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path, uint32_t path_len,
                            Address result) {
  const auto stat = TENON_TRY(filestat_at(process, call, fd, flags, path, path_len));
  TENON_TRY(GuestResult<FileStat>::at(call, result)).set(stat);
  return {};
}

Outcome<> unstable_path_filestat_get(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path,
                                     uint32_t path_len, Address result) {
  const auto stat = TENON_TRY(filestat_at(process, call, fd, flags, path, path_len));
  TENON_TRY(GuestResult<unstable::FileStat>::at(call, result)).set(to_unstable(stat));
  return {};
}

Outcome<> path_filestat_set_times(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path,
                                  uint32_t path_len, uint64_t atim, uint64_t mtim, uint32_t fst_flags) {
  const Follow follow = TENON_TRY(to_follow(flags));
  const auto times = TENON_TRY(times_to_set(atim, mtim, fst_flags));
  const auto named =
      TENON_TRY(resolve(process, call, Intent::change, fd, rights::path_filestat_set_times, path, path_len, follow));
  if (named.location.is_directory) {
    TENON_CHECK(require_directory(named.location));
  }
  // sandbox: as above, a link is dated itself.
  return to_outcome(utimensat(named.parent(), named.name(), times.data(), AT_SYMLINK_NOFOLLOW));
}

Outcome<> path_link(Process& process, HostCall& call, Fd old_fd, uint32_t old_flags, Address old_path,
                    uint32_t old_path_len, Fd new_fd, Address new_path, uint32_t new_path_len) {
  const Follow follow = TENON_TRY(to_follow(old_flags));
  // sandbox: a link to a file in a read-only directory, made in one that is not, would make the file writable.
  const auto old = TENON_TRY(
      resolve(process, call, Intent::change, old_fd, rights::path_link_source, old_path, old_path_len, follow));
  const auto created = TENON_TRY(
      resolve(process, call, Intent::change, new_fd, rights::path_link_target, new_path, new_path_len, Follow::never));
  if (old.location.is_directory) {
    TENON_CHECK(require_directory(old.location));
  }
  TENON_CHECK(refuse_slash(created));
  // sandbox: without AT_SYMLINK_FOLLOW a link is linked itself.
  return to_outcome(linkat(old.parent(), old.name(), created.parent(), created.name(), 0));
}

Outcome<> path_open(Process& process, HostCall& call, Fd fd, uint32_t dirflags, Address path, uint32_t path_len,
                    uint32_t open_flags, Rights base, Rights inheriting, uint32_t fd_flags, Address result) {
  if ((dirflags & ~lookupflags::all) != 0 || (open_flags & ~uint32_t{oflags::all}) != 0 ||
      (fd_flags & ~uint32_t{fdflags::all}) != 0) {
    return refuse(Errno::inval);
  }
  const bool creates = (open_flags & oflags::creat) != 0;
  const bool truncates = (open_flags & oflags::trunc) != 0;
  const bool is_exclusive = (open_flags & oflags::excl) != 0;
  if (creates && (open_flags & oflags::directory) != 0) {
    return refuse(Errno::inval);
  }

  Rights needed = rights::path_open;
  if (creates) {
    needed |= rights::path_create_file;
  }
  if (truncates) {
    needed |= rights::path_filestat_set_size;
  }
  const auto directory = TENON_TRY(process.descriptors.get_directory(fd, needed));
  Rights inherited = base | inheriting;
  if ((fd_flags & fdflags::dsync) != 0) {
    inherited |= rights::fd_datasync;
  }
  if ((fd_flags & (fdflags::rsync | fdflags::sync)) != 0) {
    inherited |= rights::fd_sync;
  }
  // sandbox: a descriptor never has rights that the one it came from could not pass on.
  if ((inherited & ~directory->inheriting.load()) != 0) {
    return refuse(Errno::notcapable);
  }

  const bool reads = (base & (rights::fd_read | rights::fd_readdir)) != 0;
  const bool writes = (base & (rights::fd_write | rights::fd_allocate | rights::fd_filestat_set_size)) != 0;
  // O_NOCTTY: a terminal that the guest opens does not become the host's.
  int flags = O_NOCTTY | fdflags_to_host(static_cast<uint16_t>(fd_flags));
  flags |= writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if ((open_flags & oflags::directory) != 0) {
    flags |= O_DIRECTORY;
  }
  if (directory->is_read_only) {
    if (writes || truncates) {
      return refuse(Errno::rofs);
    }
    if (creates && is_exclusive) {
      // Whether it is there is all that matters: a link that leads nowhere is, and a pipe is not waited for.
      flags = O_PATH;
    }
  } else {
    flags |= (creates ? O_CREAT : 0) | (creates && is_exclusive ? O_EXCL : 0) | (truncates ? O_TRUNC : 0);
  }

  const std::string text = TENON_TRY(guest_path(call, path, path_len));
  const auto opened_fd = TENON_TRY(GuestResult<Fd>::at(call, result));
  if (!process.descriptors.has_room()) {  // before a file is created or truncated for nothing
    return refuse(Errno::mfile);
  }

  const bool follows = (dirflags & lookupflags::symlink_follow) != 0 && (flags & O_PATH) == 0;
  auto handle = process.resolver.open(directory->host(), text, flags, 0666, follows);
  while (!handle && handle.error() == Errno::intr && !is_interrupted(call)) {
    handle = process.resolver.open(directory->host(), text, flags, 0666, follows);
  }
  if (directory->is_read_only && creates) {
    if (handle && is_exclusive) {
      return refuse(Errno::exist);
    }
    if (!handle && handle.error() == Errno::noent) {
      return refuse(Errno::rofs);
    }
  }
  if (!handle) {
    return refuse(handle.error());
  }
  auto descriptor = TENON_TRY(describe(std::move(*handle), base, inheriting, static_cast<uint16_t>(fd_flags)));
  if (creates && descriptor->is_directory()) {
    return refuse(Errno::isdir);  // which the host has said already, unless it was not to create anything
  }
  descriptor->is_read_only = directory->is_read_only;
  opened_fd.set(TENON_TRY(process.descriptors.insert(std::move(descriptor))));
  return {};
}

Outcome<> path_readlink(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len, Address buf,
                        uint32_t buf_len, Address result) {
  const auto named =
      TENON_TRY(resolve(process, call, Intent::look, fd, rights::path_readlink, path, path_len, Follow::with_slash));
  uint8_t* const bytes = call.span(buf, buf_len);
  if (bytes == nullptr) {
    return refuse(Errno::fault);
  }
  const auto used = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  if (named.location.is_directory) {
    TENON_CHECK(require_directory(named.location));
    return refuse(Errno::inval);  // a directory, then, and no link
  }
  // By way of a buffer of the host's: the kernel wants one of at least a byte, and takes its length as an int.
  std::array<char, PATH_MAX> text;
  const ssize_t length = readlinkat(named.parent(), named.name(), text.data(), text.size());
  if (length < 0) {
    return host_failure();
  }
  const size_t given = std::min<size_t>(static_cast<size_t>(length), buf_len);
  std::memcpy(bytes, text.data(), given);
  used.set(static_cast<uint32_t>(given));
  return {};
}

Outcome<> path_remove_directory(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len) {
  const auto named = TENON_TRY(
      resolve(process, call, Intent::change, fd, rights::path_remove_directory, path, path_len, Follow::never));
  return to_outcome(unlinkat(named.parent(), named.name(), AT_REMOVEDIR));
}

Outcome<> path_rename(Process& process, HostCall& call, Fd old_fd, Address old_path, uint32_t old_path_len, Fd new_fd,
                      Address new_path, uint32_t new_path_len) {
  const auto old = TENON_TRY(resolve(process, call, Intent::change, old_fd, rights::path_rename_source, old_path,
                                     old_path_len, Follow::never));
  const auto target = TENON_TRY(resolve(process, call, Intent::change, new_fd, rights::path_rename_target, new_path,
                                        new_path_len, Follow::never));
  if (old.location.is_directory || target.location.is_directory) {
    TENON_CHECK(require_directory(old.location));  // a slash behind either says that a directory is renamed
  }
  return to_outcome(renameat(old.parent(), old.name(), target.parent(), target.name()));
}

Outcome<> path_symlink(Process& process, HostCall& call, Address old_path, uint32_t old_path_len, Fd fd,
                       Address new_path, uint32_t new_path_len) {
  const std::string target = TENON_TRY(guest_path(call, old_path, old_path_len));
  const auto named = TENON_TRY(
      resolve(process, call, Intent::change, fd, rights::path_symlink, new_path, new_path_len, Follow::never));
  if (target.starts_with('/')) {
    // No resolution here would follow it, but it would mean a file of the host to whoever else looks.
    return refuse(Errno::notcapable);
  }
  TENON_CHECK(refuse_slash(named));
  return to_outcome(symlinkat(target.c_str(), named.parent(), named.name()));
}

Outcome<> path_unlink_file(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len) {
  const auto named =
      TENON_TRY(resolve(process, call, Intent::change, fd, rights::path_unlink_file, path, path_len, Follow::never));
  if (named.location.is_directory) {
    const FileType type = TENON_TRY(type_of(named));
    return refuse(type == FileType::directory ? Errno::isdir : Errno::notdir);
  }
  return to_outcome(unlinkat(named.parent(), named.name(), 0));
}

}  // namespace tenon::wasi
