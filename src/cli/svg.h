// Pictures, as SVG text.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::cli {

/// Untrusted text for XML: valid UTF-8 without what XML forbids, markup or control characters, or what changes the
/// direction of text.
[[nodiscard]] std::string xml_escaped(std::string_view text);

/// How many columns of a monospace font `text` takes, roughly: wide characters count as two.
[[nodiscard]] size_t text_columns(std::string_view text);

/// `text`, cut in the middle to at most `columns`.
[[nodiscard]] std::string shortened(std::string_view text, size_t columns);

/// Width of `columns` in a monospace font of `size` pixels.
[[nodiscard]] constexpr double columns_width(size_t columns, double size) {
  return 0.61 * size * static_cast<double>(columns);
}

/// A picture that grows while it is drawn.
class Svg {
 public:
  /// Appends elements as they are: everything untrusted in them went through xml_escaped.
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(body_), format, std::forward<Args>(args)...);
    body_ += '\n';
  }

  /// The whole picture, on white: readable on dark pages as well.
  [[nodiscard]] std::string finish(std::string_view title, double width, double height) const;

 private:
  std::string body_;
};

}  // namespace tenon::cli
