// The only way untrusted bytes are read. A Reader never reads outside its span; the first failure is remembered with
// its position, later reads return zeros, so a caller may read a whole record and check once.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tenon::base {

using Bytes = std::span<const uint8_t>;

class Reader {
 public:
  /// Reads `bytes`; `origin` is added to every position that is reported (the offset of `bytes` in its file).
  explicit Reader(Bytes bytes, size_t origin = 0)
      : begin_(bytes.data()), next_(bytes.data()), end_(bytes.data() + bytes.size()), origin_(origin) {}

  [[nodiscard]] bool ok() const { return message_ == nullptr; }
  [[nodiscard]] bool at_end() const { return next_ == end_; }
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - next_); }
  /// Offset of the next byte, in the file.
  [[nodiscard]] size_t position() const { return origin_ + static_cast<size_t>(next_ - begin_); }

  /// The first failure: a static string in the words of the official test suite, and where it happened.
  [[nodiscard]] const char* message() const { return message_; }
  [[nodiscard]] size_t failed_at() const { return failed_at_; }

  /// Records a failure unless there is one already, and moves to the end so that loops stop.
  void fail(const char* message) {
    if (message_ == nullptr) {
      message_ = message;
      failed_at_ = position();
    }
    next_ = end_;
  }

  uint8_t u8() {
    if (next_ == end_) [[unlikely]] {
      fail("unexpected end");
      return 0;
    }
    return *next_++;
  }

  /// The next byte without taking it; 0 at the end.
  [[nodiscard]] uint8_t peek() const { return next_ == end_ ? 0 : *next_; }

  uint32_t u32_fixed() { return fixed<uint32_t>(); }
  uint64_t u64_fixed() { return fixed<uint64_t>(); }

  /// Unsigned and signed LEB128 of the width in the name (specification 5.2.2): too long or with
  /// bits beyond the width is a failure.
  uint32_t u32() {
    if (next_ != end_ && *next_ < 0x80) [[likely]] {
      return *next_++;
    }
    return static_cast<uint32_t>(unsigned_leb<32>());
  }
  uint64_t u64() { return unsigned_leb<64>(); }
  int32_t s32() { return static_cast<int32_t>(signed_leb<32>()); }
  int64_t s33() { return signed_leb<33>(); }
  int64_t s64() { return signed_leb<64>(); }

  /// The next `length` bytes, or an empty span and a failure if there are fewer.
  Bytes bytes(size_t length) {
    if (length > remaining()) [[unlikely]] {
      fail("unexpected end of section or function");
      return {};
    }
    Bytes result(next_, length);
    next_ += length;
    return result;
  }

  void skip(size_t length) { (void)bytes(length); }

  /// A vector's bytes as a name: length, then UTF-8, which is checked (specification 5.2.4).
  std::string_view name();

 private:
  template <class T>
  T fixed() {
    T value{};
    if (sizeof(T) > remaining()) [[unlikely]] {
      fail("unexpected end");
      return value;
    }
    std::memcpy(&value, next_, sizeof(T));  // the engine runs on little-endian hosts only
    next_ += sizeof(T);
    return value;
  }

  template <unsigned kBits>
  uint64_t unsigned_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < kBits; shift += 7) {
      if (next_ == end_) [[unlikely]] {
        fail("unexpected end");
        return 0;
      }
      const uint8_t byte = *next_++;
      if (shift + 7 > kBits && (byte & 0x7f) >> (kBits - shift) != 0) [[unlikely]] {
        --next_;
        fail((byte & 0x80) != 0 ? "integer representation too long" : "integer too large");
        return 0;
      }
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        return value;
      }
    }
    fail("integer representation too long");
    return 0;
  }

  template <unsigned kBits>
  int64_t signed_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < kBits; shift += 7) {
      if (next_ == end_) [[unlikely]] {
        fail("unexpected end");
        return 0;
      }
      const uint8_t byte = *next_++;
      if (shift + 7 > kBits) {
        if ((byte & 0x80) != 0) [[unlikely]] {
          fail("integer representation too long");
          return 0;
        }
        // The unused bits of the last byte must repeat the sign.
        const int unused = static_cast<int8_t>(byte << 1) >> (kBits - shift);
        if (unused != 0 && unused != -1) [[unlikely]] {
          fail("integer too large");
          return 0;
        }
      }
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        const unsigned used = shift + 7;
        if (used < 64 && (byte & 0x40) != 0) {
          value |= ~uint64_t{0} << used;
        }
        return static_cast<int64_t>(value);
      }
    }
    fail("integer representation too long");
    return 0;
  }

  const uint8_t* begin_;
  const uint8_t* next_;
  const uint8_t* end_;
  size_t origin_;
  const char* message_ = nullptr;
  size_t failed_at_ = 0;
};

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace tenon::base
