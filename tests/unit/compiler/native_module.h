// Compiled functions, called with nothing of the runtime around them: an instance, a memory, and traps that come back
// here. So that a test sees what the code does, and to which byte.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <vector>

#include "abi/abi.h"
#include "compiler/compile.h"
#include "unit/compiler/image_file.h"
#include "wasm/module.h"

namespace tenon::compiler::testing {

/// A linear memory with all the room around it that guarded ones have. Its size need not be a multiple of
/// WebAssembly's pages, only of the machine's.
class GuestMemory {
 public:
  static constexpr size_t kReserved = size_t{1} << 33;

  GuestMemory() {
    base_ =
        static_cast<uint8_t*>(mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    EXPECT_NE(base_, MAP_FAILED);
    memory_.base = base_;
  }
  ~GuestMemory() { munmap(base_, kReserved); }
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  /// Fills `size` bytes, and makes what is behind them inaccessible.
  void reset(size_t size, uint64_t seed) {
    mprotect(base_, size, PROT_READ | PROT_WRITE);
    mprotect(base_ + size, std::max(accessible_, size) - size, PROT_NONE);
    accessible_ = size;
    memory_.size = size;
    for (size_t n = 0; n < size; n += sizeof seed) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      std::memcpy(base_ + n, &seed, std::min(sizeof seed, size - n));
    }
  }

  [[nodiscard]] uint8_t* base() const { return base_; }
  [[nodiscard]] size_t size() const { return accessible_; }
  [[nodiscard]] abi::Memory& memory() { return memory_; }
  [[nodiscard]] std::vector<uint8_t> content() const { return {base_, base_ + accessible_}; }

 private:
  uint8_t* base_;
  size_t accessible_ = 0;
  abi::Memory memory_;
};

/// How a call ended.
struct Outcome {
  enum class Kind { returned, trapped, faulted, took_too_long };
  Kind kind = Kind::returned;
  uint64_t value = 0;  ///< the result; the offset of the instruction that trapped; from the memory's base, the fault
  bool operator==(const Outcome&) const = default;
};

class NativeModule {
 public:
  static constexpr size_t kParameters = 5;
  using Arguments = std::array<uint32_t, kParameters>;

  NativeModule(const wasm::Module& module, const CompileOptions& options) {
    auto image = compile(module, {}, options);
    if (!image) {
      ADD_FAILURE() << image.error().message;
      return;
    }
    functions_ = ImageFile(*image).functions();
    const int file = memfd_create("image", 0);
    EXPECT_EQ(write(file, image->data(), image->size()), static_cast<ssize_t>(image->size()));
    size_ = image->size();
    code_ = static_cast<uint8_t*>(mmap(nullptr, size_, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
    EXPECT_NE(code_, MAP_FAILED);
    close(file);
  }
  ~NativeModule() { munmap(code_, size_); }
  NativeModule(const NativeModule&) = delete;
  NativeModule& operator=(const NativeModule&) = delete;

  /// Calls the defined function `function`, which takes five i32 and gives one, for `milliseconds` of the processor's
  /// time at most.
  [[nodiscard]] Outcome call(uint32_t function, GuestMemory& memory, const Arguments& arguments,
                             int milliseconds = 1000) const {
    abi::Helpers helpers{};
    helpers.trap = [](abi::Instance*, uint32_t, uint32_t offset) { leave({Outcome::Kind::trapped, offset}); };
    abi::Thread thread;
    thread.helpers = &helpers;
    struct {
      abi::Instance instance;
      std::array<abi::Cell, 16> rest{};
    } instance;
    instance.instance.memory_base = memory.base();
    instance.instance.memory = &memory.memory();
    instance.instance.thread = &thread;

    using Code = uint32_t (*)(abi::Instance*, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
    const auto code = reinterpret_cast<Code>(code_ + functions_[function]);
    const Signals signals;
    base_ = memory.base();
    if (sigsetjmp(jump_, 1) != 0) {
      return outcome_;
    }
    signals.limit_to(milliseconds);
    const auto& [a, b, c, d, e] = arguments;
    return {Outcome::Kind::returned, code(&instance.instance, a, b, c, d, e)};
  }

 private:
  /// While compiled code runs.
  class Signals {
   public:
    Signals() {
      struct sigaction action{};
      action.sa_sigaction = [](int signal, siginfo_t* info, void*) {
        leave(signal == SIGVTALRM ? Outcome{Outcome::Kind::took_too_long, 0}
                                  : Outcome{Outcome::Kind::faulted,
                                            static_cast<uint64_t>(static_cast<uint8_t*>(info->si_addr) - base_)});
      };
      action.sa_flags = SA_SIGINFO;
      sigaction(SIGSEGV, &action, &segv_);
      sigaction(SIGVTALRM, &action, &alarm_);
    }
    ~Signals() {
      limit_to(0);
      sigaction(SIGSEGV, &segv_, nullptr);
      sigaction(SIGVTALRM, &alarm_, nullptr);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    static void limit_to(int milliseconds) {
      constexpr int kThousand = 1000;
      const itimerval timer{{0, 0}, {milliseconds / kThousand, milliseconds % kThousand * kThousand}};
      setitimer(ITIMER_VIRTUAL, &timer, nullptr);
    }

   private:
    struct sigaction segv_{};
    struct sigaction alarm_{};
  };

  [[noreturn]] static void leave(Outcome outcome) {
    outcome_ = outcome;
    siglongjmp(jump_, 1);
  }

  static inline sigjmp_buf jump_;
  static inline Outcome outcome_;
  static inline uint8_t* base_;

  std::vector<uint32_t> functions_;
  uint8_t* code_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tenon::compiler::testing
