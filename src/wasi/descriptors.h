// The guest's file descriptors: what each is, what it may be used for, and the table of their numbers.
//
// A Descriptor is reference counted: a call looks it up once and holds the reference while it works, perhaps blocked in
// the host's kernel. Another thread that closes or renumbers the number meanwhile takes it out of the table only; the
// host's descriptor is closed when the last such call is done, so its number is never reused under one.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "wasi/errors.h"
#include "wasi/handle.h"
#include "wasi/readdir.h"
#include "wasi/types.h"

namespace tenon::wasi {

/// An open file, directory, socket or stream. Everything but the atomics and `stream` (which has its own lock) is
/// written before the descriptor enters the table and never after, so threads share it freely.
struct Descriptor {
  Handle handle;
  FileType type = FileType::unknown;
  bool is_pipe = false;
  bool is_read_only = false;  ///< below a read-only preopen: whatever would change the file system is refused
  bool is_preopen = false;
  std::string preopen_name;  ///< the guest's name of the directory

  // Rights only ever shrink, each by one atomic operation.
  std::atomic<Rights> base{0};
  std::atomic<Rights> inheriting{0};
  std::atomic<uint16_t> flags{0};  ///< fdflags, as the guest set them

  DirectoryStream stream;

  [[nodiscard]] int host() const { return handle.get(); }
  [[nodiscard]] bool is_directory() const { return type == FileType::directory; }
  [[nodiscard]] bool is_socket() const { return type == FileType::socket_stream || type == FileType::socket_dgram; }
  /// Whether a position makes sense: not for pipes, sockets and terminals.
  [[nodiscard]] bool is_seekable() const {
    return type == FileType::regular_file || type == FileType::block_device || type == FileType::character_device;
  }

  /// Non-blocking mode of a host descriptor is a property of the open file, which the host and perhaps other processes
  /// share (the terminal of the user's shell). So for descriptors that are the host's, the mode is kept here alone, and
  /// reads and writes ask poll(2) first.
  [[nodiscard]] bool emulates_nonblocking() const {
    return !handle.owned() && (flags.load(std::memory_order_relaxed) & fdflags::nonblock) != 0;
  }

  /// notcapable when one of `needed` is missing.
  [[nodiscard]] Outcome<> require(Rights needed) const;
  /// rofs when the guest may not change what this leads to.
  [[nodiscard]] Outcome<> require_writable() const;
};

using DescriptorReference = std::shared_ptr<Descriptor>;

/// All rights that make sense for what a directory leads to: a preopen's inheriting rights.
[[nodiscard]] Rights directory_inheriting_rights();

/// A descriptor for an open file of the host, of the type that fstat says, with those of the rights that make sense for
/// the type. Takes `handle`.
[[nodiscard]] Outcome<DescriptorReference> describe(Handle handle, Rights base, Rights inheriting, uint16_t flags);

/// A descriptor for one of the host's standard streams, with the rights that its access mode gives. Borrows `host`.
[[nodiscard]] Outcome<DescriptorReference> describe_stream(int host);

/// The numbers. Thread-safe.
class DescriptorTable {
 public:
  /// No more than `limit` numbers are ever in use.
  explicit DescriptorTable(uint32_t limit) : limit_(limit) {}

  /// badf when `fd` is not open, notcapable when it lacks one of the rights.
  [[nodiscard]] Outcome<DescriptorReference> get(Fd fd, Rights needed = 0) const;
  /// The same for a directory; notdir when it is none.
  [[nodiscard]] Outcome<DescriptorReference> get_directory(Fd fd, Rights needed) const;
  /// The same for anything that is read, written or positioned; isdir for a directory.
  [[nodiscard]] Outcome<DescriptorReference> get_file(Fd fd, Rights needed) const;

  /// Puts it under the lowest free number; mfile when the limit is reached.
  [[nodiscard]] Outcome<Fd> insert(DescriptorReference descriptor);
  /// Puts it under `fd`, which must be free; mfile when that is over the limit.
  [[nodiscard]] Outcome<> insert_at(Fd fd, DescriptorReference descriptor);
  /// Whether insert() would succeed now: asked before an effect that could not be undone.
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] Outcome<> close(Fd fd);
  /// `to` becomes what `from` was, `from` becomes free. Both must be open.
  [[nodiscard]] Outcome<> renumber(Fd from, Fd to);

 private:
  [[nodiscard]] size_t lowest_free() const;

  const uint32_t limit_;
  // Guards entries_ and nothing else. Held for a few instructions, never during a system call: references that are
  // dropped, which may close a file, are dropped after it is released.
  mutable std::mutex mutex_;
  std::vector<DescriptorReference> entries_;  ///< by number; null is free
};

}  // namespace tenon::wasi
