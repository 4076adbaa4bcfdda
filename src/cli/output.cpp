#include "cli/output.h"

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

}  // namespace tenon::cli
