#include "base/mapped_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

namespace tenon::base {

struct FileBytes::Storage {
  Bytes view;
  void* mapping = nullptr;
  std::vector<uint8_t> owned;
  std::shared_ptr<const void> owner;
  FileIdentity identity;

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

/// Tells a file from one that was removed before and had the same inode number.
int64_t time_of_birth(int descriptor) {
  struct statx status{};
  if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || (status.stx_mask & STATX_BTIME) == 0) {
    return 0;
  }
  return status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
}

Result<FileIdentity> identify(int descriptor, const std::string& name) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    return fail(ErrorKind::io, "cannot read {}: {}", name, strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::io, "cannot read {}: it is a directory, not a WebAssembly module", name);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::io, "cannot read {}: it is not a regular file", name);
  }
  if (status.st_size > UINT32_MAX) {
    return fail(ErrorKind::limit, "cannot load {}: {} bytes are more than a module may have (4 GiB)", name,
                status.st_size);
  }
  const auto nanoseconds = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return FileIdentity{status.st_dev,
                      status.st_ino,
                      static_cast<uint64_t>(status.st_size),
                      nanoseconds(status.st_mtim),
                      nanoseconds(status.st_ctim),
                      time_of_birth(descriptor)};
}

}  // namespace

Result<FileBytes> FileBytes::map(int descriptor, const std::string& name) {
  auto storage = std::make_shared<Storage>();
  storage->identity = TENON_TRY(identify(descriptor, name));
  if (storage->identity.size != 0) {
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
  size_t done = 0;
  while (done < storage->owned.size()) {
    const ssize_t count =
        pread(descriptor, storage->owned.data() + done, storage->owned.size() - done, static_cast<off_t>(done));
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
    siglongjmp(*guarded_jump, 1);
  }
  if ((previous_sigbus.sa_flags & SA_SIGINFO) != 0) {
    previous_sigbus.sa_sigaction(signal_number, info, context);
  } else if (previous_sigbus.sa_handler != SIG_DFL && previous_sigbus.sa_handler != SIG_IGN) {
    previous_sigbus.sa_handler(signal_number);
  } else {
    signal(signal_number, SIG_DFL);  // a fault of the host: the instruction runs again and ends the process
  }
}

std::once_flag sigbus_installed;

}  // namespace

bool guarded_call(void (*body)(void*), void* context) {
  std::call_once(sigbus_installed, [] {
    struct sigaction action{};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;  // left by a jump that restores no signal mask
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
