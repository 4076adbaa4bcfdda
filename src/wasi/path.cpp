#include "wasi/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tenon::wasi {

namespace {

// As many symbolic links as the kernel follows for one path.
constexpr int kMaximumLinks = 40;
// Directories that one walk holds open. The kernel's own resolution has no such limit.
constexpr size_t kMaximumDepth = 256;
// How often the kernel is asked again when renames disturb it, before the path is walked.
constexpr int kKernelAttempts = 16;

bool is_absolute(std::string_view path) {
  return path.starts_with('/');
}

// The text of the symbolic link `name` in `directory` (an empty name: the link that `directory` itself is a handle of).
Outcome<std::string> read_link(int directory, const char* name) {
  std::array<char, PATH_MAX> text;
  const ssize_t length = readlinkat(directory, name, text.data(), text.size());
  if (length < 0) {
    return host_failure();
  }
  return std::string(text.data(), static_cast<size_t>(length));
}

// One resolution by steps.
class Walk {
 public:
  Walk(int root, const std::string& path) : root_(root), pending_(path) {}

  Outcome<Handle> run(int flags, mode_t mode, bool follow) {
    if (is_absolute(pending_)) {
      return refuse(Errno::notcapable);
    }
    while (true) {
      const std::string name = next_name();
      if (name.empty() || name == ".") {
        if (name.empty() || pending_.empty()) {
          return open_here(flags);
        }
      } else if (name == "..") {
        // sandbox: `..` goes back to a handle that is held; nothing is above the root.
        if (chain_.empty()) {
          return refuse(Errno::notcapable);
        }
        chain_.pop_back();
      } else if (!pending_.empty()) {
        if ((flags & O_CREAT) != 0 && is_end()) {
          return refuse(Errno::isdir);  // `name/`: a directory is not created by opening it
        }
        TENON_CHECK(enter(name));
      } else if (auto handle = TENON_TRY(open_last(name, flags, mode, follow))) {
        return handle;
      }
    }
  }

 private:
  [[nodiscard]] int here() const { return chain_.empty() ? root_ : chain_.back().get(); }

  // Whether nothing but slashes remains.
  [[nodiscard]] bool is_end() const { return pending_.find_first_not_of('/') == std::string::npos; }

  // Takes the next component, without its slash; leaves the slash, so that pending_ is empty exactly after a last
  // component without one. Empty at the end.
  std::string next_name() {
    const size_t begin = pending_.find_first_not_of('/');
    if (begin == std::string::npos) {
      pending_.clear();
      return {};
    }
    const size_t end = pending_.find('/', begin);
    std::string name = pending_.substr(begin, end == std::string::npos ? end : end - begin);
    pending_.erase(0, end);  // npos: all of it
    return name;
  }

  // Goes into the directory `name`, or puts what it is a link to in front of the rest.
  Outcome<> enter(const std::string& name) {
    // sandbox: one name, not followed; O_PATH, so that nothing happens to what is not a directory.
    Handle handle(openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!handle || fstat(handle.get(), &status) != 0) {
      return host_failure();
    }
    if (S_ISLNK(status.st_mode)) {
      const std::string target = TENON_TRY(read_link(handle.get(), ""));
      return expand(target);
    }
    if (!S_ISDIR(status.st_mode)) {
      return refuse(Errno::notdir);
    }
    if (chain_.size() == kMaximumDepth) {
      return refuse(Errno::nametoolong);
    }
    chain_.push_back(std::move(handle));
    return {};
  }

  Outcome<> expand(const std::string& target) {
    if (++links_ > kMaximumLinks) {
      return refuse(Errno::loop);
    }
    if (is_absolute(target)) {  // sandbox: absolute links lead out
      return refuse(Errno::notcapable);
    }
    pending_.insert(0, target);
    return {};
  }

  // The path ends here, at a directory by its form.
  Outcome<Handle> open_here(int flags) {
    Handle handle(openat(here(), ".", flags | O_NOFOLLOW | O_CLOEXEC, 0));
    if (!handle) {
      return host_failure();
    }
    return handle;
  }

  // Opens the last component; an empty handle when it was a link to follow, which has been expanded.
  Outcome<Handle> open_last(const std::string& name, int flags, mode_t mode, bool follow) {
    // sandbox: one name, not followed.
    Handle handle(openat(here(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
    const int error = handle ? 0 : errno;
    if (!follow) {
      if (!handle) {
        return refuse(from_host(error));
      }
      return handle;
    }
    if (handle) {
      if ((flags & O_PATH) != 0) {
        struct stat status{};
        if (fstat(handle.get(), &status) != 0) {
          return host_failure();
        }
        if (S_ISLNK(status.st_mode)) {
          const std::string target = TENON_TRY(read_link(handle.get(), ""));
          TENON_CHECK(expand(target));
          return Handle();
        }
      }
      return handle;
    }
    // What the kernel says of a link that it may not follow: ELOOP, or ENOTDIR with O_DIRECTORY.
    if (error == ELOOP || error == ENOTDIR) {
      if (const auto target = read_link(here(), name.c_str())) {
        TENON_CHECK(expand(*target));
        return Handle();
      }
    }
    return refuse(from_host(error));
  }

  const int root_;
  std::string pending_;        ///< what remains of the path, after a component with its slash in front
  std::vector<Handle> chain_;  ///< the directories entered, below root_
  int links_ = 0;
};

int open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  // sandbox: the kernel refuses whatever leads above `directory`.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how)));
}

}  // namespace

Resolver Resolver::detect(bool may_use_kernel) {
  Resolver resolver;
  if (may_use_kernel) {
    // A kernel without it says ENOSYS, a container that does not know it EPERM; the path does not matter.
    const Handle probe(open_beneath(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    resolver.in_kernel_ = probe || (errno != ENOSYS && errno != EPERM);
  }
  return resolver;
}

Outcome<Handle> Resolver::open(int directory, const std::string& path, int flags, mode_t mode, bool follow) const {
  if (path.empty()) {
    return refuse(Errno::noent);
  }
  for (int attempt = 0; in_kernel_ && attempt < kKernelAttempts; ++attempt) {
    Handle handle(open_beneath(directory, path, flags | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW), mode));
    if (handle) {
      return handle;
    }
    if (errno == EXDEV) {
      return refuse(Errno::notcapable);
    }
    if (errno != EAGAIN) {
      return host_failure();
    }
  }
  return Walk(directory, path).run(flags, mode, follow);
}

Outcome<Location> Resolver::locate(int directory, const std::string& path, Follow follow) const {
  std::string remaining = path;
  for (int links = 0; links <= kMaximumLinks; ++links) {
    if (remaining.empty()) {
      return refuse(Errno::noent);
    }
    if (is_absolute(remaining)) {
      return refuse(Errno::notcapable);
    }
    const size_t length = remaining.find_last_not_of('/') + 1;  // not zero: the path is not absolute
    const bool has_slash = length != remaining.size();
    const size_t slash = remaining.find_last_of('/', length - 1);
    const size_t begin = slash == std::string::npos ? 0 : slash + 1;
    std::string name = remaining.substr(begin, length - begin);

    if (name == "." || name == "..") {
      // sandbox: `..` is resolved, never handed on as a name.
      return Location{.directory = TENON_TRY(open(directory, remaining, O_PATH | O_DIRECTORY, 0, true)),
                      .name = ".",
                      .is_directory = true};
    }
    const std::string parent = remaining.substr(0, begin);
    Handle handle = Handle::borrow(directory);
    if (!parent.empty()) {
      handle = TENON_TRY(open(directory, parent, O_PATH | O_DIRECTORY, 0, true));
    }
    if (follow == Follow::never || (follow == Follow::with_slash && !has_slash)) {
      return Location{.directory = std::move(handle), .name = std::move(name), .is_directory = has_slash};
    }
    const auto target = read_link(handle.get(), name.c_str());
    if (!target) {
      if (target.error() == Errno::inval || target.error() == Errno::noent) {  // no link, or nothing at all
        return Location{.directory = std::move(handle), .name = std::move(name), .is_directory = has_slash};
      }
      return refuse(target.error());
    }
    if (is_absolute(*target)) {  // sandbox: absolute links lead out
      return refuse(Errno::notcapable);
    }
    remaining = parent + *target + (has_slash ? "/" : "");
    if (remaining.size() >= PATH_MAX) {
      return refuse(Errno::nametoolong);
    }
  }
  return refuse(Errno::loop);
}

Outcome<> require_directory(const Location& location) {
  struct stat status{};
  if (fstatat(location.directory.get(), location.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return host_failure();
  }
  if (!S_ISDIR(status.st_mode)) {
    return refuse(Errno::notdir);
  }
  return {};
}

}  // namespace tenon::wasi
