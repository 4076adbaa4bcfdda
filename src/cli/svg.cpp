#include "cli/svg.h"

namespace tenon::cli {

namespace {

constexpr uint32_t kReplacement = 0xfffd;

/// Takes one character off the front; U+FFFD, and one byte off, for what is not UTF-8.
uint32_t take_character(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  uint32_t character = kReplacement;
  size_t taken = 1;
  if (length == 1) {
    character = first;
  } else if (length != 0 && length <= text.size()) {
    uint32_t value = first & (0x7f >> length);
    bool valid = true;
    for (size_t i = 1; i < length; ++i) {
      valid &= (byte(i) & 0xc0) == 0x80;
      value = value << 6 | (byte(i) & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (valid && value >= kLeast[length] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff)) {
      character = value;
      taken = length;
    }
  }
  text.remove_prefix(taken);
  return character;
}

bool is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/// Invisible, or moves what stands around it, or not allowed in XML.
bool is_replaced(uint32_t character) {
  return (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2060 && character <= 0x206f) || character == 0xfeff || character == 0x061c ||
         (character & 0xfffe) == 0xfffe;
}

size_t width_of(uint32_t character) {
  const bool is_wide = (character >= 0x1100 && character <= 0x115f) || (character >= 0x2e80 && character <= 0xa4cf) ||
                       (character >= 0xac00 && character <= 0xd7a3) || (character >= 0xf900 && character <= 0xfaff) ||
                       (character >= 0xfe30 && character <= 0xfe6f) || (character >= 0xff00 && character <= 0xff60) ||
                       (character >= 0x1f300 && character <= 0x1faff) || character >= 0x20000;
  return is_control(character) ? 4 : is_wide ? 2 : 1;
}

/// The end of the characters of `text` that fit `columns`.
size_t prefix_of(std::string_view text, size_t columns) {
  std::string_view rest = text;
  size_t used = 0;
  while (!rest.empty()) {
    const size_t start = text.size() - rest.size();
    used += width_of(take_character(rest));
    if (used > columns) {
      return start;
    }
  }
  return text.size();
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const uint32_t character = take_character(text);
    if (is_control(character)) {
      result += fmt::format("\\x{:02x}", character);
    } else if (character == kReplacement || is_replaced(character)) {
      result += "\xef\xbf\xbd";
    } else if (character == '&') {
      result += "&amp;";
    } else if (character == '<') {
      result += "&lt;";
    } else if (character == '>') {
      result += "&gt;";
    } else if (character == '"') {
      result += "&quot;";
    } else if (character == '\'') {
      result += "&#39;";
    } else {
      result += before.substr(0, before.size() - text.size());
    }
  }
  return result;
}

size_t text_columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    columns += width_of(take_character(text));
  }
  return columns;
}

std::string shortened(std::string_view text, size_t columns) {
  if (text_columns(text) <= columns) {
    return std::string(text);
  }
  // The end says as much as the beginning: libraries differ in either.
  const size_t tail_columns = (columns - 1) / 2;
  const std::string_view head = text.substr(0, prefix_of(text, columns - 1 - tail_columns));
  size_t tail = prefix_of(text, text_columns(text) - tail_columns);
  while (text_columns(text.substr(tail)) > tail_columns) {
    std::string_view rest = text.substr(tail);
    (void)take_character(rest);
    tail = text.size() - rest.size();
  }
  return std::string(head) + "\xe2\x80\xa6" + std::string(text.substr(tail));
}

std::string Svg::finish(std::string_view title, double width, double height) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n"
      "<title>{2}</title>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n"
      "{3}</svg>\n",
      width, height, xml_escaped(title), body_);
}

}  // namespace tenon::cli
