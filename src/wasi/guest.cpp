#include "wasi/guest.h"

#include <climits>
#include <cstdint>

#include "base/result.h"

namespace tenon::wasi {

Outcome<std::string> guest_path(runtime::HostCall& call, Address address, uint32_t length) {
  const uint8_t* const bytes = call.span(address, length);
  if (bytes == nullptr) {
    return refuse(Errno::fault);
  }
  if (length == 0) {
    return refuse(Errno::noent);
  }
  if (length >= PATH_MAX) {
    return refuse(Errno::nametoolong);
  }
  // sandbox: what is checked is the copy; another thread of the guest may change the original at any time.
  std::string path(reinterpret_cast<const char*>(bytes), length);
  if (path.find('\0') != std::string::npos) {  // the host would take what stands before it for the path
    return refuse(Errno::inval);
  }
  return path;
}

void Buffers::add(const iovec& buffer) {
  if (count_ < few_.size()) {
    few_[count_] = buffer;
  } else {
    if (many_.empty()) {
      many_.assign(few_.begin(), few_.end());
    }
    many_.push_back(buffer);
  }
  ++count_;
}

Outcome<Buffers> Buffers::gather(runtime::HostCall& call, Address address, uint32_t count, uint32_t limit) {
  if (count > limit) {
    return refuse(Errno::inval);
  }
  const uint8_t* const list = call.span(address, uint64_t{count} * sizeof(IoVec));
  if (list == nullptr) {
    return refuse(Errno::fault);
  }
  Buffers buffers;
  uint64_t total = 0;
  for (uint32_t i = 0; i < count && buffers.count_ < IOV_MAX; ++i) {
    IoVec vector;  // sandbox: read once, so that what is checked is what is used
    std::memcpy(&vector, list + size_t{i} * sizeof(IoVec), sizeof(IoVec));
    if (vector.buf_len == 0) {
      continue;
    }
    uint8_t* const bytes = call.span(vector.buf, vector.buf_len);
    if (bytes == nullptr) {
      return refuse(Errno::fault);
    }
    total += vector.buf_len;
    if (total > UINT32_MAX) {
      return refuse(Errno::inval);
    }
    buffers.add({.iov_base = bytes, .iov_len = vector.buf_len});
  }
  return buffers;
}

void Buffers::shorten(size_t bytes) {
  iovec* const buffers = mutable_data();
  for (size_t i = 0; i < count_; ++i) {
    if (bytes <= buffers[i].iov_len) {
      buffers[i].iov_len = bytes;
      count_ = i + 1;
      return;
    }
    bytes -= buffers[i].iov_len;
  }
}

}  // namespace tenon::wasi
