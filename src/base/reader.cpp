#include "base/reader.h"

namespace tenon::base {

std::string_view Reader::name() {
  const uint32_t length = u32();
  const Bytes content = bytes(length);
  const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  if (ok() && !is_utf8(text)) {
    fail("malformed UTF-8 encoding");
    return {};
  }
  return text;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const auto* const end = p + text.size();
  const auto continuation = [&](uint8_t low, uint8_t high) {
    if (p == end || *p < low || *p > high) {
      return false;
    }
    ++p;
    return true;
  };
  while (p != end) {
    const uint8_t lead = *p++;
    if (lead < 0x80) {
      continue;
    }
    bool good = false;
    if (lead >= 0xc2 && lead <= 0xdf) {
      good = continuation(0x80, 0xbf);
    } else if (lead >= 0xe0 && lead <= 0xef) {
      good = continuation(lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && continuation(0x80, 0xbf);
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      good = continuation(lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && continuation(0x80, 0xbf) &&
             continuation(0x80, 0xbf);
    }
    if (!good) {
      return false;
    }
  }
  return true;
}

}  // namespace tenon::base
