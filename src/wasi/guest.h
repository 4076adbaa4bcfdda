// How a WASI function takes what the guest passes by address: results, paths and lists of buffers. All of it is checked
// here, before anything is done.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/host.h"
#include "wasi/errors.h"

namespace tenon::wasi {

/// The place of a result in guest memory. Taken before the effect, so that a bad address leaves nothing done; set after
/// it, even if that took long: a memory never moves and never shrinks.
template <class T>
class GuestResult {
 public:
  [[nodiscard]] static Outcome<GuestResult> at(runtime::HostCall& call, Address address) {
    uint8_t* const place = call.span(address, sizeof(T));
    if (place == nullptr) {
      return refuse(Errno::fault);
    }
    return GuestResult(place);
  }
  void set(const T& value) const { std::memcpy(place_, &value, sizeof(T)); }

 private:
  explicit GuestResult(uint8_t* place) : place_(place) {}
  uint8_t* place_;
};

/// A path. noent when it is empty, nametoolong when it is longer than the host takes (4,095 bytes), inval when there is
/// a zero in it. Any other bytes are a path: the host's names need not be UTF-8, and what fd_readdir lists can be
/// opened.
[[nodiscard]] Outcome<std::string> guest_path(runtime::HostCall& call, Address address, uint32_t length);

/// Buffers in guest memory, ready for readv and its relatives: each is checked, those of no length are left out, and
/// there are no more of them than the host takes at once. What is left over makes the transfer a short one, which every
/// caller of read and write has to expect.
class Buffers {
 public:
  /// `address` of `count` iovecs. fault for any that is not in memory; inval for more than `limit` of them, or for a
  /// sum of lengths that the result, of 32 bits, cannot say.
  [[nodiscard]] static Outcome<Buffers> gather(runtime::HostCall& call, Address address, uint32_t count,
                                               uint32_t limit);

  [[nodiscard]] const iovec* data() const { return many_.empty() ? few_.data() : many_.data(); }
  [[nodiscard]] int count() const { return static_cast<int>(count_); }
  [[nodiscard]] bool is_empty() const { return count_ == 0; }
  /// Makes the buffers no longer than `bytes` together.
  void shorten(size_t bytes);

 private:
  void add(const iovec& buffer);
  [[nodiscard]] iovec* mutable_data() { return many_.empty() ? few_.data() : many_.data(); }

  std::array<iovec, 8> few_{};
  std::vector<iovec> many_;  ///< all of them, when there are more than few_ holds
  size_t count_ = 0;
};

}  // namespace tenon::wasi
