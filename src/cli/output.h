// What the command says: answers on standard output, complaints on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::cli {

constexpr std::string_view kVersionText = "tenon " TENON_VERSION "\n";

/// Writes all of `text` to standard output. False when that failed, which has been complained about then.
[[nodiscard]] bool write_output(std::string_view text);

/// The same to the file at `path`, which is made or replaced; to standard output when it is empty.
[[nodiscard]] bool write_to(const std::string& path, std::string_view text);

/// Writes `tenon: MESSAGE` to standard error.
void complain(std::string_view message);

template <class... Args>
void complain(fmt::format_string<Args...> format, Args&&... args) {
  complain(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

/// A name from a module, whole, with control characters spelled out: it can neither break a line nor move a terminal's
/// cursor.
[[nodiscard]] std::string escaped(std::string_view name);

/// "12 bytes", "619 KiB", "1.5 MiB"
[[nodiscard]] std::string format_size(uint64_t bytes);

}  // namespace tenon::cli
