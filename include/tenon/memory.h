// The guest's memory, seen by the host.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tenon {

/// A linear memory of a program. Everything that comes from the guest is untrusted: what this gives out is inside of
/// the memory, whatever the address is. Copyable; keeps the program's memory alive. Thread-safe, but other threads of
/// the guest may write the same bytes at any time: read a value once, then check the copy.
class MemoryView {
 public:
  /// Of no memory: 0 bytes.
  MemoryView() = default;
  /// `size` is the number of bytes at `base` that may be accessed; it can grow, `base` never moves. `owner` keeps both.
  MemoryView(std::shared_ptr<const void> owner, uint8_t* base, const std::atomic<uint64_t>* size)
      : owner_(std::move(owner)), base_(base), size_(size) {}

  /// In bytes, now.
  [[nodiscard]] uint64_t size() const { return size_ == nullptr ? 0 : size_->load(std::memory_order_acquire); }

  /// The bytes [address, address + length); nothing when they are not all in the memory. Valid as long as the program.
  [[nodiscard]] std::optional<std::span<uint8_t>> bytes(uint64_t address, uint64_t length) const {
    const uint64_t all = size();
    if (length > all || address > all - length) {
      return std::nullopt;
    }
    return std::span(base_ + address, length);
  }

  /// A value at `address`, which need not be aligned, in the host's byte order (WebAssembly's is little-endian).
  template <class T>
    requires std::is_trivially_copyable_v<T> && std::default_initializable<T>
  [[nodiscard]] std::optional<T> read(uint64_t address) const {
    const auto source = bytes(address, sizeof(T));
    if (!source) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, source->data(), sizeof(T));
    return value;
  }
  /// False when it is not all in the memory: nothing is written then.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] bool write(uint64_t address, const T& value) const {
    const auto target = bytes(address, sizeof(T));
    if (target) {
      std::memcpy(target->data(), &value, sizeof(T));
    }
    return target.has_value();
  }

  /// A copy of `length` bytes.
  [[nodiscard]] std::optional<std::string> string(uint64_t address, uint64_t length) const {
    const auto source = bytes(address, length);
    return source ? std::optional(std::string(reinterpret_cast<const char*>(source->data()), length)) : std::nullopt;
  }
  /// A copy of the bytes up to a zero; nothing when there is none among the `most` next ones.
  [[nodiscard]] std::optional<std::string> c_string(uint64_t address, uint64_t most = 65536) const {
    const uint64_t all = size();
    if (address >= all) {
      return std::nullopt;
    }
    const std::string_view rest(reinterpret_cast<const char*>(base_ + address), std::min(most, all - address));
    std::string copy;
    for (const char& letter : rest) {
      // Once: another thread may write it meanwhile.
      const char now = *static_cast<const volatile char*>(&letter);
      if (now == '\0') {
        return copy;
      }
      copy.push_back(now);
    }
    return std::nullopt;
  }
  /// Writes bytes; false when they do not all fit.
  [[nodiscard]] bool copy_in(uint64_t address, std::span<const uint8_t> source) const {
    const auto target = bytes(address, source.size());
    if (target && !source.empty()) {
      std::memcpy(target->data(), source.data(), source.size());
    }
    return target.has_value();
  }

 private:
  std::shared_ptr<const void> owner_;
  uint8_t* base_ = nullptr;
  const std::atomic<uint64_t>* size_ = nullptr;
};

}  // namespace tenon
