// Reading a directory by cookies.
//
// A cookie is what the host's file system calls the offset of an entry (d_off), so it stays good for as long as the
// host says: on any file system of today, whatever is created or removed meanwhile. The file systems of some older
// kernels count entries instead, and lose their place when one is removed; so as long as the guest goes on where it
// stopped, which all do, the host's position is left alone and never set again from the cookie.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "wasi/errors.h"

namespace tenon::wasi {

/// What a directory descriptor remembers between two calls of fd_readdir. Thread-safe.
class DirectoryStream {
 public:
  /// Writes entries from `cookie` on, each a DirEnt and its name, until `output` is full (the last one is cut) or the
  /// directory ends. Returns the bytes written: fewer than there is room for mean the end.
  [[nodiscard]] Outcome<uint32_t> read(int directory, uint64_t cookie, std::span<uint8_t> output);

 private:
  // Reads the host's next entries into batch_; false at the end.
  [[nodiscard]] Outcome<bool> fill(int directory);
  // Moves to the entry that `cookie` names.
  [[nodiscard]] Outcome<> go_to(int directory, uint64_t cookie);

  // Guards all below and the host descriptor's position. Held while the host reads the directory: waiting for it can
  // only be another reader of the same descriptor.
  std::mutex mutex_;
  std::vector<uint8_t> batch_;  ///< as getdents64 left them; empty between directories' ends
  size_t next_ = 0;             ///< offset in batch_ of the next entry
  uint64_t batch_cookie_ = 0;   ///< of the first entry in batch_
  uint64_t host_cookie_ = 0;    ///< of the entry that the host would read next: the one after batch_
  bool positioned_ = false;     ///< whether host_cookie_ is known
};

}  // namespace tenon::wasi
