// Memory for many small things that go away together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tenon::base {

/// What it gives out lives as long as the arena, and never moves. For things that need no destructor. Used by one
/// thread at a time.
class Arena {
 public:
  template <class T>
  [[nodiscard]] std::span<T> copy(std::span<const T> source) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (source.empty()) {
      return {};
    }
    T* const place = static_cast<T*>(allocate(source.size_bytes(), alignof(T)));
    std::uninitialized_copy(source.begin(), source.end(), place);
    return {place, source.size()};
  }

  [[nodiscard]] std::string_view copy(std::string_view text) {
    const std::span<char> copied = copy(std::span<const char>(text));
    return {copied.data(), copied.size()};
  }

 private:
  static constexpr size_t kFirstChunk = 1024;
  static constexpr size_t kLargestChunk = size_t{64} << 10;

  void* allocate(size_t size, size_t alignment) {
    size_t padding = -reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
    if (padding + size > left_) {
      const size_t chunk = std::max(chunk_size_, size);
      chunk_size_ = std::min(2 * chunk_size_, kLargestChunk);
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk));  // aligned for everything
      next_ = chunks_.back().get();
      left_ = chunk;
      padding = 0;
    }
    std::byte* const place = next_ + padding;
    next_ = place + size;
    left_ -= padding + size;
    return place;
  }

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
  size_t chunk_size_ = kFirstChunk;
};

}  // namespace tenon::base
