// Calls of C functions whose types are known only when they run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon::capi {

/// Of the platform's C convention.
#if defined(__aarch64__)
constexpr size_t kIntegerRegisters = 8;
#else
constexpr size_t kIntegerRegisters = 6;
#endif
constexpr size_t kFloatRegisters = 8;

/// Where the arguments go, and the result comes from: what native_call.S reads and writes.
struct NativeCall {
  const void* function = nullptr;
  const uint64_t* stack = nullptr;
  uint64_t stack_size = 0;  ///< in words
  std::array<uint64_t, kFloatRegisters> floats{};
  uint64_t integer_result = 0;
  uint64_t float_result = 0;
  std::array<uint64_t, kIntegerRegisters> integers{};
};
static_assert(offsetof(NativeCall, stack) == 8);
static_assert(offsetof(NativeCall, stack_size) == 16);
static_assert(offsetof(NativeCall, floats) == 24);
static_assert(offsetof(NativeCall, integer_result) == 88);
static_assert(offsetof(NativeCall, float_result) == 96);
static_assert(offsetof(NativeCall, integers) == 104);

extern "C" void tenon_call_native_function(NativeCall* call);

/// Arguments one after the other, then the call.
class NativeCaller {
 public:
  void add_integer(uint64_t value) {
    if (integers_ < kIntegerRegisters) {
      call_.integers[integers_++] = value;
    } else {
      stack_.push_back(value);
    }
  }
  /// The bits of a float or a double.
  void add_float(uint64_t bits) {
    if (floats_ < kFloatRegisters) {
      call_.floats[floats_++] = bits;
    } else {
      stack_.push_back(bits);
    }
  }
  void call(const void* function) {
    call_.function = function;
    call_.stack = stack_.data();
    call_.stack_size = stack_.size();
    tenon_call_native_function(&call_);
  }
  [[nodiscard]] uint64_t integer_result() const { return call_.integer_result; }
  [[nodiscard]] uint64_t float_result() const { return call_.float_result; }

 private:
  NativeCall call_;
  size_t integers_ = 0;
  size_t floats_ = 0;
  std::vector<uint64_t> stack_;
};

}  // namespace tenon::capi
