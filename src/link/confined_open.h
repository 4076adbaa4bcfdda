// Opens a file below a directory and nowhere else: `..`, absolute names and symbolic links that lead out of it, also
// ones that are put there while the name is being resolved, end in an error.
#pragma once

#include <unistd.h>

#include <expected>
#include <string>
#include <utility>

namespace tenon::link {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// How names are resolved; `automatic` asks the kernel and walks where it has no openat2.
enum class Confinement : uint8_t { automatic, walk };

/// Opens `name`, relative to and below `directory`, for reading. Does not block on FIFOs. The error is an errno; EXDEV
/// says that the name leads out of the directory.
[[nodiscard]] std::expected<Descriptor, int> open_below(int directory, const std::string& name,
                                                        Confinement confinement = Confinement::automatic);

}  // namespace tenon::link
