#include "wasi/readdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/result.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"

namespace tenon::wasi {

namespace {

// What one descriptor may hold of the host's memory while its directory is being read.
constexpr size_t kBatchBytes = 16384;

// An entry in a batch: the fixed part of struct dirent64, which is copied out because nothing aligns it here.
struct HostEntry {
  uint64_t inode;
  uint64_t next_cookie;
  uint16_t length;  ///< of the whole entry
  uint8_t type;
};
constexpr size_t kNameOffset = offsetof(dirent64, d_name);

HostEntry entry_at(const uint8_t* bytes) {
  HostEntry entry{};
  std::memcpy(&entry.inode, bytes + offsetof(dirent64, d_ino), sizeof(entry.inode));
  std::memcpy(&entry.next_cookie, bytes + offsetof(dirent64, d_off), sizeof(entry.next_cookie));
  std::memcpy(&entry.length, bytes + offsetof(dirent64, d_reclen), sizeof(entry.length));
  entry.type = bytes[offsetof(dirent64, d_type)];
  return entry;
}

}  // namespace

Outcome<bool> DirectoryStream::fill(int directory) {
  batch_.resize(kBatchBytes);
  const ssize_t count = getdents64(directory, batch_.data(), batch_.size());
  if (count <= 0) {
    batch_ = {};  // an idle descriptor holds no memory
    next_ = 0;
    if (count < 0) {
      positioned_ = false;
      return host_failure();
    }
    return false;
  }
  batch_.resize(static_cast<size_t>(count));
  next_ = 0;
  batch_cookie_ = host_cookie_;
  for (size_t at = 0; at < batch_.size();) {
    const HostEntry entry = entry_at(batch_.data() + at);
    host_cookie_ = entry.next_cookie;
    at += entry.length;
  }
  return true;
}

Outcome<> DirectoryStream::go_to(int directory, uint64_t cookie) {
  if (positioned_ && cookie != 0) {  // 0 starts anew, with what has been created since
    uint64_t at_cookie = batch_cookie_;
    for (size_t at = 0; at < batch_.size();) {
      if (at_cookie == cookie) {
        next_ = at;
        return {};
      }
      const HostEntry entry = entry_at(batch_.data() + at);
      at_cookie = entry.next_cookie;
      at += entry.length;
    }
    if (cookie == host_cookie_) {
      next_ = batch_.size();
      return {};
    }
  }
  positioned_ = false;
  batch_ = {};
  next_ = 0;
  if (cookie > INT64_MAX || lseek(directory, static_cast<off_t>(cookie), SEEK_SET) < 0) {
    return refuse(Errno::inval);
  }
  host_cookie_ = cookie;
  positioned_ = true;
  return {};
}

Outcome<uint32_t> DirectoryStream::read(int directory, uint64_t cookie, std::span<uint8_t> output) {
  const std::lock_guard lock(mutex_);
  TENON_CHECK(go_to(directory, cookie));
  size_t used = 0;
  const auto put = [&](const void* bytes, size_t length) {
    length = std::min(length, output.size() - used);
    std::memcpy(output.data() + used, bytes, length);
    used += length;
  };
  while (used < output.size()) {
    if (next_ == batch_.size() && !TENON_TRY(fill(directory))) {
      break;
    }
    const HostEntry entry = entry_at(batch_.data() + next_);
    const char* const text = reinterpret_cast<const char*>(batch_.data() + next_ + kNameOffset);
    const std::string_view name(text, strnlen(text, entry.length - kNameOffset));
    next_ += entry.length;

    DirEnt result{};
    result.d_next = entry.next_cookie;
    result.d_ino = entry.inode;
    result.d_namlen = static_cast<uint32_t>(name.size());
    result.d_type = static_cast<uint8_t>(directory_entry_type(entry.type));
    if (name == "..") {
      // What is above may be no business of the guest's: `..` is numbered as in a root directory.
      struct stat status{};
      result.d_ino = fstat(directory, &status) == 0 ? status.st_ino : 0;
    } else if (entry.type == DT_UNKNOWN) {
      struct stat status{};
      if (fstatat(directory, text, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        result.d_type = static_cast<uint8_t>(file_type(status.st_mode));
      }
    }
    put(&result, sizeof(result));
    put(name.data(), name.size());
  }
  return static_cast<uint32_t>(used);
}

Outcome<> fd_readdir(Process& process, runtime::HostCall& call, Fd fd, Address buf, uint32_t buf_len, uint64_t cookie,
                     Address result) {
  const auto descriptor = TENON_TRY(process.descriptors.get_directory(fd, rights::fd_readdir));
  uint8_t* const output = call.span(buf, buf_len);
  if (output == nullptr) {
    return refuse(Errno::fault);
  }
  const auto used = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  used.set(TENON_TRY(descriptor->stream.read(descriptor->host(), cookie, {output, buf_len})));
  return {};
}

}  // namespace tenon::wasi
