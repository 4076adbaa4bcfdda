#include "base/mapped_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/signal_chain.h"

namespace tenon::base {

struct FileBytes::Storage {
  Bytes view;
  void* mapping = nullptr;
  std::vector<uint8_t> owned;
  std::shared_ptr<const void> owner;
  FileIdentity identity;
  bool is_host_file = false;

  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    if (mapping != nullptr) {
      munmap(mapping, view.size());
    }
  }
};

namespace {

// Mapping takes longer than reading so much: the mapping itself, the fault of its first page, and unmapping.
constexpr size_t kSmallFile = 16 << 10;

Result<FileIdentity> identify(int descriptor, const std::string& name) {
  struct statx status{};
  if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    return fail(ErrorKind::io, "cannot read {}: {}", name, strerror(errno));
  }
  if (S_ISDIR(status.stx_mode)) {
    return fail(ErrorKind::io, "cannot read {}: it is a directory, not a WebAssembly module", name);
  }
  if (!S_ISREG(status.stx_mode)) {
    return fail(ErrorKind::io, "cannot read {}: it is not a regular file", name);
  }
  if (status.stx_size > UINT32_MAX) {
    return fail(ErrorKind::limit, "cannot load {}: {} bytes are more than a module may have (4 GiB)", name,
                status.stx_size);
  }
  const auto nanoseconds = [](const statx_timestamp& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return FileIdentity{makedev(status.stx_dev_major, status.stx_dev_minor),
                      status.stx_ino,
                      status.stx_size,
                      nanoseconds(status.stx_mtime),
                      nanoseconds(status.stx_ctime),
                      (status.stx_mask & STATX_BTIME) != 0 ? nanoseconds(status.stx_btime) : 0};
}

Result<> read_whole(int descriptor, std::vector<uint8_t>& bytes, const std::string& name) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return fail(ErrorKind::io, "cannot read {}: {}", name, strerror(errno));
    }
    if (count == 0) {
      return fail(ErrorKind::io, "cannot read {}: it was truncated while being read", name);
    }
    done += static_cast<size_t>(count);
  }
  return {};
}

}  // namespace

Result<FileBytes> FileBytes::map(int descriptor, const std::string& name) {
  auto storage = std::make_shared<Storage>();
  storage->identity = TENON_TRY(identify(descriptor, name));
  storage->is_host_file = true;
  if (storage->identity.size <= kSmallFile) {
    storage->owned.resize(storage->identity.size);
    TENON_CHECK(read_whole(descriptor, storage->owned, name));
    storage->view = storage->owned;
  } else {
    void* const address = mmap(nullptr, storage->identity.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      return fail(ErrorKind::io, "cannot map {}: {}", name, strerror(errno));
    }
    storage->mapping = address;
    storage->view = Bytes(static_cast<const uint8_t*>(address), storage->identity.size);
  }
  FileBytes result;
  result.storage_ = std::move(storage);
  return result;
}

Result<FileBytes> FileBytes::read(int descriptor, const std::string& name) {
  auto storage = std::make_shared<Storage>();
  storage->identity = TENON_TRY(identify(descriptor, name));
  storage->owned.resize(storage->identity.size);
  TENON_CHECK(read_whole(descriptor, storage->owned, name));
  storage->view = storage->owned;
  FileBytes result;
  result.storage_ = std::move(storage);
  return result;
}

Result<FileBytes> FileBytes::map(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const auto kind = errno == ENOENT || errno == ENOTDIR ? ErrorKind::not_found : ErrorKind::io;
    return fail(kind, "cannot open {}: {}", path, strerror(errno));
  }
  auto result = map(descriptor, path);
  close(descriptor);
  return result;
}

FileBytes FileBytes::own(std::vector<uint8_t> bytes) {
  auto storage = std::make_shared<Storage>();
  storage->owned = std::move(bytes);
  storage->view = storage->owned;
  FileBytes result;
  result.storage_ = std::move(storage);
  return result;
}

FileBytes FileBytes::borrow(Bytes bytes) {
  auto storage = std::make_shared<Storage>();
  storage->view = bytes;
  FileBytes result;
  result.storage_ = std::move(storage);
  return result;
}

FileBytes FileBytes::share(Bytes bytes, std::shared_ptr<const void> owner) {
  auto storage = std::make_shared<Storage>();
  storage->view = bytes;
  storage->owner = std::move(owner);
  FileBytes result;
  result.storage_ = std::move(storage);
  return result;
}

Bytes FileBytes::view() const {
  return storage_ == nullptr ? Bytes() : storage_->view;
}
bool FileBytes::is_mapped() const {
  return storage_ != nullptr && storage_->mapping != nullptr;
}

bool FileBytes::is_host_file() const {
  return storage_ != nullptr && storage_->is_host_file;
}

const FileIdentity& FileBytes::identity() const {
  static const FileIdentity none;
  return storage_ == nullptr ? none : storage_->identity;
}

namespace {

// The guarded call this thread is in, innermost. Read by the signal handler of the same thread only.
thread_local constinit sigjmp_buf* guarded_jump = nullptr;
struct sigaction previous_sigbus;

void on_sigbus(int signal_number, siginfo_t* info, void* context) {
  if (guarded_jump != nullptr) {
    restore_signal_mask(context);
    siglongjmp(*guarded_jump, 1);
  }
  if (!call_previous_handler(previous_sigbus, signal_number, info, context)) {
    signal(signal_number, SIG_DFL);  // a fault of the host: the instruction runs again and ends the process
  }
}

std::once_flag sigbus_installed;

}  // namespace

bool guarded_call(void (*body)(void*), void* context) {
  std::call_once(sigbus_installed, [] {
    struct sigaction action{};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_sigbus);
  });
  sigjmp_buf jump;
  sigjmp_buf* const outer = guarded_jump;
  if (sigsetjmp(jump, 0) != 0) {
    guarded_jump = outer;
    return false;
  }
  guarded_jump = &jump;
  body(context);
  guarded_jump = outer;
  return true;
}

bool guarded_copy(void* destination, Bytes source) {
  struct Copy {
    void* destination;
    Bytes source;
  } copy{destination, source};
  return guarded_call(
      [](void* context) {
        const auto& [to, from] = *static_cast<Copy*>(context);
        if (!from.empty()) {
          std::memcpy(to, from.data(), from.size());
        }
      },
      &copy);
}

}  // namespace tenon::base
