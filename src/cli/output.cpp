#include "cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tenon::cli {

namespace {

/// An errno, or 0.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return errno;
    }
    if (count > 0) {
      text.remove_prefix(static_cast<size_t>(count));
    }
  }
  return 0;
}

}  // namespace

bool write_output(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error != 0) {
    complain("cannot write to standard output: {}", strerror(error));
  }
  return error == 0;
}

bool write_to(const std::string& path, std::string_view text) {
  if (path.empty()) {
    return write_output(text);
  }
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int error = descriptor < 0 ? errno : write_all(descriptor, text);
  if (descriptor >= 0 && close(descriptor) != 0 && error == 0) {
    error = errno;
  }
  if (error != 0) {
    complain("cannot write to {}: {}", escaped(path), strerror(error));
  }
  return error == 0;
}

void complain(std::string_view message) {
  (void)write_all(STDERR_FILENO, fmt::format("tenon: {}\n", message));  // nobody is left to tell when this fails
}

std::string escaped(std::string_view name) {
  std::string result;
  result.reserve(name.size());
  for (const char c : name) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string format_size(uint64_t bytes) {
  constexpr uint64_t kKibi = 1024;
  if (bytes < kKibi) {
    return fmt::format("{} bytes", bytes);
  }
  if (bytes < kKibi * kKibi) {
    return fmt::format("{:.0f} KiB", static_cast<double>(bytes) / kKibi);
  }
  if (bytes < kKibi * kKibi * kKibi) {
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (kKibi * kKibi));
  }
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (kKibi * kKibi * kKibi));
}

}  // namespace tenon::cli
