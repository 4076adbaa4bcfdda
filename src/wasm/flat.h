// What a Module's tables are made of, so that they can be used where they lie in a mapped file (see snapshot.h): things
// that point to each other by distances and not by addresses.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::wasm {

/// A view of an array whose place is kept as its distance from this object: an object and its array may be mapped
/// anywhere, as long as it is together. A copy views the same array. In the order of the host; without padding.
template <class T>
class FlatSpan {
 public:
  FlatSpan() = default;
  /// The array must outlive this; at most 2^32 - 1 elements.
  FlatSpan(std::span<const T> array)
      : distance_(array.empty() ? 0 : address(array.data()) - address(this)), size_(array.size()) {}
  FlatSpan(const FlatSpan& other) : FlatSpan(other.view()) {}
  FlatSpan& operator=(const FlatSpan& other) {
    distance_ = other.size_ == 0 ? 0 : address(other.data()) - address(this);
    size_ = other.size_;
    return *this;
  }
  ~FlatSpan() = default;

  [[nodiscard]] const T* data() const { return reinterpret_cast<const T*>(address(this) + distance_); }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::span<const T> view() const { return {data(), size()}; }
  [[nodiscard]] const T* begin() const { return data(); }
  [[nodiscard]] const T* end() const { return data() + size_; }
  [[nodiscard]] const T& operator[](size_t index) const { return data()[index]; }
  [[nodiscard]] const T& front() const { return data()[0]; }
  [[nodiscard]] const T& back() const { return data()[size_ - 1]; }

 private:
  static uintptr_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

  uint64_t distance_ = 0;  ///< modulo 2^64
  uint64_t size_ = 0;
};

/// The hash by which names are looked up. In snapshots: a change of it is a change of their format.
[[nodiscard]] constexpr uint32_t hash_name(std::string_view name) {
  constexpr uint64_t kFirst = 0x9e3779b97f4a7c15;
  constexpr uint64_t kSecond = 0xd6e8feb86659fd93;
  uint64_t hash = name.size() * kFirst;
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * kSecond;
    hash ^= hash >> 32;
  };
  size_t at = 0;
  const auto take = [&](size_t count) {
    uint64_t word = 0;
    if consteval {
      for (size_t i = 0; i < count; ++i) {
        word |= uint64_t{static_cast<uint8_t>(name[at + i])} << (8 * i);
      }
    } else {
      std::memcpy(&word, name.data() + at, count);
    }
    at += count;
    return word;
  };
  while (name.size() - at >= 8) {
    mix(take(8));
  }
  if (name.size() - at >= 4) {
    mix(take(4));
  }
  while (at < name.size()) {
    mix(take(1));
  }
  hash *= kFirst;
  return static_cast<uint32_t>(hash >> 32);
}

/// A name with its hash; flat as FlatSpan is.
class Name {
 public:
  Name() = default;
  /// `text` must outlive this; shorter than 4 GiB.
  explicit Name(std::string_view text)
      : distance_(text.empty() ? 0 : address(text.data()) - address(this)),
        size_(static_cast<uint32_t>(text.size())),
        hash_(hash_name(text)) {}
  Name(const Name& other) { *this = other; }
  Name& operator=(const Name& other) {
    distance_ = other.size_ == 0 ? 0 : other.distance_ + address(&other) - address(this);
    size_ = other.size_;
    hash_ = other.hash_;
    return *this;
  }
  ~Name() = default;

  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(address(this) + distance_), size_};
  }
  operator std::string_view() const { return view(); }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] uint32_t hash() const { return hash_; }

  friend bool operator==(const Name& left, std::string_view right) { return left.view() == right; }
  friend bool operator==(const Name& left, const Name& right) {
    return left.hash_ == right.hash_ && left.view() == right.view();
  }

 private:
  static uintptr_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

  uint64_t distance_ = 0;  ///< modulo 2^64
  uint32_t size_ = 0;
  uint32_t hash_ = 0;  ///< as of any empty name
};

/// A table of a Module: its own, or one in a snapshot. Never changes once the module is made.
template <class T>
class Array {
 public:
  Array() = default;
  /// Looks at a table that outlives this.
  explicit Array(std::span<const T> view) : view_(view) {}
  Array(Array&& other) noexcept : own_(std::move(other.own_)), view_(std::exchange(other.view_, {})) {}
  Array& operator=(Array&& other) noexcept {
    own_ = std::move(other.own_);
    view_ = std::exchange(other.view_, {});
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() = default;

  [[nodiscard]] const T* data() const { return view_.data(); }
  [[nodiscard]] size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  [[nodiscard]] std::span<const T> view() const { return view_; }
  [[nodiscard]] const T* begin() const { return view_.data(); }
  [[nodiscard]] const T* end() const { return view_.data() + view_.size(); }
  [[nodiscard]] const T& operator[](size_t index) const { return view_[index]; }
  [[nodiscard]] const T& front() const { return view_.front(); }
  [[nodiscard]] const T& back() const { return view_.back(); }

  // While the module is being made. Not of a table in a snapshot.
  void reserve(size_t size) {
    own_.reserve(size);
    view_ = own_;
  }
  void resize(size_t size) {
    own_.resize(size);
    view_ = own_;
  }
  void push_back(const T& element) {
    own_.push_back(element);
    view_ = own_;
  }
  T& emplace_back() {
    T& element = own_.emplace_back();
    view_ = own_;
    return element;
  }
  [[nodiscard]] std::span<T> own() { return own_; }

 private:
  std::vector<T> own_;
  std::span<const T> view_;
};

}  // namespace tenon::wasm

template <>
struct fmt::formatter<tenon::wasm::Name> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const tenon::wasm::Name& name, Context& context) const {
    return fmt::formatter<std::string_view>::format(name.view(), context);
  }
};
