// A file descriptor of the host, closed when it goes out of scope unless it is somebody else's.
#pragma once

#include <unistd.h>

#include <utility>

namespace tenon::wasi {

class Handle {
 public:
  Handle() = default;
  /// Takes ownership of `descriptor`; a negative one is none.
  explicit Handle(int descriptor) : descriptor_(descriptor), owned_(true) {}
  /// A descriptor that the caller keeps open for as long as the handle lives.
  [[nodiscard]] static Handle borrow(int descriptor) {
    Handle handle;
    handle.descriptor_ = descriptor;
    return handle;
  }

  Handle(Handle&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), owned_(std::exchange(other.owned_, false)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~Handle() {
    if (owned_ && descriptor_ >= 0) {
      close(descriptor_);
    }
  }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool owned() const { return owned_; }
  /// Gives the descriptor away.
  [[nodiscard]] int release() {
    owned_ = false;
    return std::exchange(descriptor_, -1);
  }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
  bool owned_ = false;
};

}  // namespace tenon::wasi
