// Host functions: what a guest can call that is not WebAssembly.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "abi/abi.h"
#include "wasm/types.h"

namespace tenon::runtime {

/// One call of a host function by the guest. Valid during the call only; used by the calling thread only.
///
/// Arguments arrive in cells() from 0 on, results are left there from 0 on, a v128 in two. All the guest passes is
/// untrusted: addresses go through span() or read()/write(), which check them.
class HostCall {
 public:
  HostCall(abi::Thread& thread, abi::Memory* memory, abi::Cell* cells)
      : thread_(thread), memory_(memory), cells_(cells) {}

  [[nodiscard]] abi::Thread& thread() { return thread_; }
  [[nodiscard]] abi::Cell* cells() { return cells_; }
  /// Memory 0 of the caller; null when it has none.
  [[nodiscard]] const abi::Memory* memory() const { return memory_; }

  [[nodiscard]] uint32_t u32(size_t argument) const { return cells_[argument].u32; }
  [[nodiscard]] uint64_t u64(size_t argument) const { return cells_[argument].u64; }
  /// `cell`: the first of its two.
  [[nodiscard]] abi::V128 v128(size_t cell) const { return {cells_[cell].u64, cells_[cell + 1].u64}; }
  void set_u32(uint32_t result) { cells_[0].u64 = result; }
  void set_v128(abi::V128 result) {
    cells_[0].u64 = result.low;
    cells_[1].u64 = result.high;
  }

  /// Bytes of memory 0 that may be accessed at this moment; 0 without a memory. Other threads of the guest may write
  /// them at any time: read a value once, then check the copy.
  [[nodiscard]] uint64_t memory_size() const {
    return memory_ == nullptr ? 0 : memory_->size.load(std::memory_order_acquire);
  }

  /// The guest's bytes [address, address + length), or null when they are not all in memory.
  // sandbox: the only way a host function turns a guest address into a pointer.
  [[nodiscard]] uint8_t* span(uint64_t address, uint64_t length) const {
    const uint64_t size = memory_size();
    if (length > size || address > size - length) {
      return nullptr;
    }
    return memory_->base + address;
  }

  /// Copies a value out of, or into, guest memory; false when the address is not in memory.
  template <class T>
  [[nodiscard]] bool read(uint64_t address, T& value) const {
    const uint8_t* const source = span(address, sizeof(T));
    if (source == nullptr) {
      return false;
    }
    std::memcpy(&value, source, sizeof(T));
    return true;
  }
  template <class T>
  [[nodiscard]] bool write(uint64_t address, const T& value) const {
    uint8_t* const target = span(address, sizeof(T));
    if (target == nullptr) {
      return false;
    }
    std::memcpy(target, &value, sizeof(T));
    return true;
  }

  /// Makes the guest end with `code` once the host function has returned `unwind()`. Use: `return call.exit(3);`
  bool exit(uint32_t code);
  /// Makes the guest trap; `message` is for people and names what the guest did. Use: `return call.trap("...");`
  bool trap(std::string message);

 private:
  abi::Thread& thread_;
  abi::Memory* memory_;
  abi::Cell* cells_;
};

/// True: returned normally, results are in call.cells(). False: a trap, exit or exception is pending in the thread, and
/// the guest is unwound. `environment` is what was registered with the function. Must not throw C++ exceptions.
using HostFunction = bool (*)(void* environment, HostCall& call);

/// A host function as registered under "module.name". Its text must outlive what it is registered with.
struct HostFunctionDefinition {
  std::string_view name;
  std::string_view signature;  ///< for parse_signature
  HostFunction function;
};

class Thread;
struct HostCode;

/// Runs a host function for guest code that called it, and does what the thread was asked to do meanwhile (see
/// interruption.h). `thread.frames` and `thread.native` are stored. False: something is pending.
[[nodiscard]] bool call_host(Thread& thread, const HostCode& code, HostCall& call);

/// "iI_i" -> (i32, i64) -> i32, in the letters of the opcode table.
[[nodiscard]] wasm::FunctionType parse_signature(std::string_view signature);

}  // namespace tenon::runtime
