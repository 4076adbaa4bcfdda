// Bytes of a file, mapped or owned, and reads of mapped bytes that survive the file being truncated by someone else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "base/reader.h"
#include "base/result.h"

namespace tenon::base {

/// What tells one file from another, and one state of a file from a later one. Equal identities: same bytes, as far as
/// the host's file system says.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  int64_t born_ns = 0;  ///< when the file was made; 0 where the file system does not say

  bool operator==(const FileIdentity&) const = default;
  /// Same file, whatever its content is by now.
  [[nodiscard]] bool same_file(const FileIdentity& other) const {
    return device == other.device && inode == other.inode && born_ns == other.born_ns;
  }
};

/// Read-only bytes that are kept alive by every copy of this handle. Thread-safe as a shared_ptr is.
class FileBytes {
 public:
  FileBytes() = default;

  /// Maps an open regular file, or reads it if it is small (the descriptor is not kept and not closed). For files that
  /// the guest cannot write.
  [[nodiscard]] static Result<FileBytes> map(int descriptor, const std::string& name);
  /// Reads an open regular file into memory. For files that the guest could write.
  [[nodiscard]] static Result<FileBytes> read(int descriptor, const std::string& name);
  /// Opens and maps `path`. Errors: not_found, io (also for a directory).
  [[nodiscard]] static Result<FileBytes> map(const std::string& path);
  /// Takes bytes from memory.
  [[nodiscard]] static FileBytes own(std::vector<uint8_t> bytes);
  /// Looks at bytes that the caller keeps alive and unchanged for as long as any copy of this handle lives.
  [[nodiscard]] static FileBytes borrow(Bytes bytes);
  /// Looks at bytes that `owner` keeps alive and unchanged.
  [[nodiscard]] static FileBytes share(Bytes bytes, std::shared_ptr<const void> owner);

  [[nodiscard]] Bytes view() const;
  /// Whether reading may fault.
  [[nodiscard]] bool is_mapped() const;
  /// Whether map() made it: these are the bytes of a file that the guest cannot write, and identity() is the file's.
  [[nodiscard]] bool is_host_file() const;
  [[nodiscard]] const FileIdentity& identity() const;

 private:
  struct Storage;
  std::shared_ptr<const Storage> storage_;
};

/// Calls `body(context)`; if it faults reading mapped file bytes (SIGBUS: the file was truncated), leaves it and
/// returns false. `body` must not hold locks, own memory or have anything else to undo. Installs the process's SIGBUS
/// handler at first use; faults outside of a guarded call go to the handler that was there before.
[[nodiscard]] bool guarded_call(void (*body)(void*), void* context);

/// Copies `source` (perhaps mapped) to `destination`. False when the file shrank under it.
[[nodiscard]] bool guarded_copy(void* destination, Bytes source);

}  // namespace tenon::base
