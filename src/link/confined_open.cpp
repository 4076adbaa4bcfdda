#include "link/confined_open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <vector>

namespace tenon::link {

namespace {

constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kMaximumLinks = 40;  // as the kernel's own
constexpr int kMaximumRaces = 16;

/// Components of a path still to be resolved, the next one last.
class PathComponents {
 public:
  explicit PathComponents(const std::string& path) { push(path); }

  [[nodiscard]] bool empty() const { return components_.empty(); }

  std::string pop() {
    std::string component = std::move(components_.back());
    components_.pop_back();
    return component;
  }

  /// Puts the components of `path` before what is left.
  void push(const std::string& path) {
    size_t end = path.size();
    while (end != std::string::npos && end != 0) {
      const size_t slash = path.rfind('/', end - 1);
      const size_t begin = slash == std::string::npos ? 0 : slash + 1;
      if (begin != end) {
        components_.push_back(path.substr(begin, end - begin));
      }
      end = slash;
    }
  }

 private:
  std::vector<std::string> components_;
};

/// What openat2 does, component by component. Every directory that was entered stays open, so that `..` goes back to
/// where we came from, wherever it has been moved meanwhile.
// sandbox: each component is opened with O_NOFOLLOW relative to a directory that was reached this way, and `..` never
// goes above the first.
std::expected<Descriptor, int> walk_below(int directory, const std::string& name) {
  if (name.starts_with('/')) {
    return std::unexpected(EXDEV);
  }
  PathComponents left(name);
  std::vector<Descriptor> entered;
  int links = 0;
  const auto current = [&] { return entered.empty() ? directory : entered.back().get(); };
  while (!left.empty()) {
    const std::string component = left.pop();
    if (component == ".") {
      continue;
    }
    if (component == "..") {
      if (entered.empty()) {
        return std::unexpected(EXDEV);
      }
      entered.pop_back();
      continue;
    }
    Descriptor next(openat(current(), component.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next.is_open()) {
      return std::unexpected(errno);
    }
    struct stat status{};
    if (fstat(next.get(), &status) != 0) {
      return std::unexpected(errno);
    }
    if (S_ISLNK(status.st_mode)) {
      if (++links > kMaximumLinks) {
        return std::unexpected(ELOOP);
      }
      std::string target(PATH_MAX, '\0');
      const ssize_t length = readlinkat(next.get(), "", target.data(), target.size());
      if (length < 0) {
        return std::unexpected(errno);
      }
      target.resize(static_cast<size_t>(length));
      if (target.starts_with('/')) {
        return std::unexpected(EXDEV);
      }
      left.push(target);
      continue;
    }
    if (left.empty() && !S_ISDIR(status.st_mode)) {
      // The name may mean another file by now: then it is that one which is opened, or O_NOFOLLOW refuses it.
      Descriptor file(openat(current(), component.c_str(), kOpenFlags | O_NOFOLLOW));
      return file.is_open() ? std::expected<Descriptor, int>(std::move(file)) : std::unexpected(errno);
    }
    if (!S_ISDIR(status.st_mode)) {
      return std::unexpected(ENOTDIR);
    }
    entered.push_back(std::move(next));
  }
  Descriptor file(openat(current(), ".", kOpenFlags));
  return file.is_open() ? std::expected<Descriptor, int>(std::move(file)) : std::unexpected(errno);
}

}  // namespace

std::expected<Descriptor, int> open_below(int directory, const std::string& name, Confinement confinement) {
  if (name.empty() || name.contains('\0')) {
    return std::unexpected(ENOENT);
  }
  static std::atomic<bool> kernel_has_openat2{true};
  if (confinement == Confinement::automatic && kernel_has_openat2.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<uint64_t>(kOpenFlags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int race = 0; race < kMaximumRaces; ++race) {
      const long number = syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how));
      if (number >= 0) {
        return Descriptor(static_cast<int>(number));
      }
      if (errno != EAGAIN && errno != EINTR) {  // EAGAIN: a rename was seen while resolving `..`
        break;
      }
    }
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) {
      return std::unexpected(errno);
    }
    if (errno == ENOSYS) {
      kernel_has_openat2.store(false, std::memory_order_relaxed);
    }
  }
  return walk_below(directory, name);
}

}  // namespace tenon::link
