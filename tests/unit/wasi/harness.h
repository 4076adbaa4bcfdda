// What the tests of WASI share: a guest without WebAssembly (a memory, a thread, and calls by name, as the interpreter
// would make them) and a directory to let it loose in.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/thread.h"
#include "wasi/types.h"
#include "wasi/wasi.h"

namespace tenon::wasi {

/// So that a failed comparison prints a number.
inline void PrintTo(Errno error, std::ostream* stream) {
  *stream << "errno " << static_cast<int>(error);
}

namespace test {

/// A directory that is removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = ::testing::TempDir() + "tenon-wasi-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}
inline std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
inline bool exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

/// Has signals that do nothing come to the thread that made it, for as long as it lives: whatever it waits in is cut
/// short. By a timer, which comes in the midst of system calls also where another thread would not get to run.
class Signals {
 public:
  explicit Signals(std::chrono::nanoseconds interval = std::chrono::milliseconds(2)) {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR2, &action, &before_);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR2;
    event._sigev_un._tid = gettid();
    EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer_), 0);
    const timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(interval.count())};
    const itimerspec times{.it_interval = time, .it_value = time};
    EXPECT_EQ(timer_settime(timer_, 0, &times, nullptr), 0);
  }
  ~Signals() {
    timer_delete(timer_);
    sigaction(SIGUSR2, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct sigaction before_{};
  timer_t timer_{};
};

/// What an operation failed with, or success.
template <class T>
Errno error_of(const std::expected<T, Errno>& outcome) {
  return outcome ? Errno::success : outcome.error();
}

constexpr Address kNowhere = 0xffff'fff0;

/// A guest: its functions are called by name, with arguments that are uint32_t (or smaller, or an enumeration) for an
/// i32 and uint64_t for an i64.
class Guest {
 public:
  static constexpr uint64_t kMemoryBytes = uint64_t{1} << 20;

  explicit Guest(Options options = {}, uint64_t memory_bytes = kMemoryBytes) : bytes_(memory_bytes) {
    // Pages that nothing may touch follow, so that a function that writes too far ends the test.
    void* const address = mmap(nullptr, bytes_ + kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT_NE(address, MAP_FAILED);
    EXPECT_EQ(mprotect(address, bytes_, PROT_READ | PROT_WRITE), 0);
    memory_.base = static_cast<uint8_t*>(address);
    memory_.size = bytes_;
    thread_ = std::move(*runtime::Thread::create(65536));
    auto wasi = Wasi::create(std::move(options));
    if (wasi) {
      wasi_ = std::move(*wasi);
    } else {
      ADD_FAILURE() << wasi.error().message;
    }
  }
  ~Guest() { munmap(memory_.base, bytes_ + kGuard); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  [[nodiscard]] Wasi& wasi() { return *wasi_; }
  [[nodiscard]] runtime::Thread& thread() { return *thread_; }
  [[nodiscard]] abi::Memory& memory() { return memory_; }

  /// Calls a function of wasi_snapshot_preview1 that returns.
  template <class... Arguments>
  Errno call(std::string_view name, Arguments... arguments) {
    return call_on(*thread_, Wasi::functions(), name, arguments...);
  }
  /// The same in wasi_unstable.
  template <class... Arguments>
  Errno call_unstable(std::string_view name, Arguments... arguments) {
    return call_on(*thread_, Wasi::unstable_functions(), name, arguments...);
  }
  /// The same on another thread of the guest.
  template <class... Arguments>
  Errno call_on(abi::Thread& thread, std::string_view name, Arguments... arguments) {
    return call_on(thread, Wasi::functions(), name, arguments...);
  }
  /// Calls a function that ends the guest; whether it said so.
  template <class... Arguments>
  bool ends(std::string_view name, Arguments... arguments) {
    std::array<abi::Cell, 16> cells = to_cells(arguments...);
    runtime::HostCall host_call(*thread_, &memory_, cells.data());
    return !find(Wasi::functions(), name).function(wasi_->environment(), host_call);
  }

  /// Room in guest memory, at an address that is not aligned.
  Address room(uint64_t size) {
    if (next_ + size + 16 > bytes_) {
      next_ = first_;
    }
    const uint64_t address = next_;
    next_ += size + 15;
    EXPECT_LE(address + size, bytes_);
    return static_cast<Address>(address);
  }
  /// What was made so far stays; room() begins again behind it.
  void keep() { first_ = next_; }
  Address text(std::string_view content) {
    const Address address = room(content.size());
    std::memcpy(memory_.base + address, content.data(), content.size());
    return address;
  }
  template <class T>
  Address value(const T& content) {
    const Address address = room(sizeof(T));
    std::memcpy(memory_.base + address, &content, sizeof(T));
    return address;
  }
  template <class T>
  Address list(const std::vector<T>& content) {
    const Address address = room(content.size() * sizeof(T));
    std::memcpy(memory_.base + address, content.data(), content.size() * sizeof(T));
    return address;
  }
  template <class T>
  [[nodiscard]] T at(Address address) const {
    EXPECT_LE(address + sizeof(T), bytes_);
    T content;
    std::memcpy(&content, memory_.base + address, sizeof(T));
    return content;
  }
  [[nodiscard]] std::string text_at(Address address, size_t length) const {
    EXPECT_LE(address + length, bytes_);
    return {reinterpret_cast<const char*>(memory_.base) + address, length};
  }
  [[nodiscard]] uint8_t* bytes() { return memory_.base; }
  [[nodiscard]] uint64_t size() const { return bytes_; }

  /// Calls a path function with the path spelled out where the description has `path: string`.
  template <class... Arguments>
  Errno with_path(std::string_view name, Fd fd, std::string_view path, Arguments... arguments) {
    return call(name, fd, text(path), static_cast<uint32_t>(path.size()), arguments...);
  }
  /// The same for those with lookup flags before the path.
  template <class... Arguments>
  Errno with_flags_and_path(std::string_view name, Fd fd, uint32_t flags, std::string_view path,
                            Arguments... arguments) {
    return call(name, fd, flags, text(path), static_cast<uint32_t>(path.size()), arguments...);
  }

  static constexpr Rights kReads = rights::fd_read | rights::fd_seek | rights::fd_tell | rights::fd_filestat_get |
                                   rights::fd_fdstat_set_flags | rights::poll_fd_readwrite;
  static constexpr Rights kWrites = rights::fd_write | rights::fd_allocate | rights::fd_filestat_set_size |
                                    rights::fd_filestat_set_times | rights::fd_datasync | rights::fd_sync |
                                    rights::fd_advise;

  struct OpenArguments {
    uint16_t oflags = 0;
    Rights base = kReads;
    Rights inheriting = 0;
    uint16_t fdflags = 0;
    bool follow = true;
  };
  std::expected<Fd, Errno> open(Fd directory, std::string_view path, const OpenArguments& arguments) {
    const Address result = room(4);
    const Errno error =
        with_flags_and_path("path_open", directory, arguments.follow ? 1 : 0, path, uint32_t{arguments.oflags},
                            arguments.base, arguments.inheriting, uint32_t{arguments.fdflags}, result);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return at<Fd>(result);
  }
  std::expected<Fd, Errno> open(Fd directory, std::string_view path) { return open(directory, path, OpenArguments()); }
  Fd create(Fd directory, std::string_view path) {
    const auto fd = open(directory, path, {.oflags = oflags::creat, .base = kReads | kWrites});
    EXPECT_TRUE(fd) << path;
    return fd.value_or(~Fd{0});
  }
  Fd open_directory(Fd directory, std::string_view path) {
    const auto stat = fdstat(directory);
    const auto fd =
        open(directory, path,
             {.oflags = oflags::directory, .base = stat.fs_rights_base, .inheriting = stat.fs_rights_inheriting});
    EXPECT_TRUE(fd) << path;
    return fd.value_or(~Fd{0});
  }

  FdStat fdstat(Fd fd) {
    const Address result = room(sizeof(FdStat));
    EXPECT_EQ(call("fd_fdstat_get", fd, result), Errno::success);
    return at<FdStat>(result);
  }
  FileStat filestat(Fd fd) {
    const Address result = room(sizeof(FileStat));
    EXPECT_EQ(call("fd_filestat_get", fd, result), Errno::success);
    return at<FileStat>(result);
  }

  /// fd_write of one buffer; the bytes written.
  std::expected<uint32_t, Errno> write(Fd fd, std::string_view content) {
    const Address result = room(4);
    const Address vectors = value(IoVec{text(content), static_cast<uint32_t>(content.size())});
    const Errno error = call("fd_write", fd, vectors, uint32_t{1}, result);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return at<uint32_t>(result);
  }
  /// fd_read into one buffer; what was read.
  std::expected<std::string, Errno> read(Fd fd, uint32_t length = 4096) {
    const Address result = room(4);
    const Address buffer = room(length);
    const Errno error = call("fd_read", fd, value(IoVec{buffer, length}), uint32_t{1}, result);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return text_at(buffer, at<uint32_t>(result));
  }

 private:
  static constexpr uint64_t kGuard = 1 << 20;

  static const runtime::HostFunctionDefinition& find(std::span<const runtime::HostFunctionDefinition> functions,
                                                     std::string_view name) {
    for (const auto& function : functions) {
      if (function.name == name) {
        return function;
      }
    }
    ADD_FAILURE() << "there is no function " << name;
    abort();
  }

  template <class... Arguments>
  static std::array<abi::Cell, 16> to_cells(Arguments... arguments) {
    std::array<abi::Cell, 16> cells{};
    size_t index = 0;
    const auto put = [&]<class T>(T argument) {
      if constexpr (sizeof(T) == 8) {
        cells[index++].u64 = static_cast<uint64_t>(argument);
      } else {
        // What is in the upper half of an i32's cell means nothing.
        cells[index++].u64 = 0xa5a5'a5a5'0000'0000 | static_cast<uint32_t>(argument);
      }
    };
    (put(arguments), ...);
    return cells;
  }

  template <class... Arguments>
  Errno call_on(abi::Thread& thread, std::span<const runtime::HostFunctionDefinition> functions, std::string_view name,
                Arguments... arguments) {
    const auto& function = find(functions, name);
    const wasm::FunctionType signature = runtime::parse_signature(function.signature);
    EXPECT_EQ(signature.parameters.size(), sizeof...(arguments)) << name;
    size_t index = 0;
    const auto check = [&]<class T>(T) {
      const auto type = sizeof(T) == 8 ? wasm::ValueType::i64 : wasm::ValueType::i32;
      EXPECT_EQ(signature.parameters[index], type) << name << ", parameter " << index;
      ++index;
    };
    (check(arguments), ...);
    std::array<abi::Cell, 16> cells = to_cells(arguments...);
    runtime::HostCall host_call(thread, &memory_, cells.data());
    EXPECT_TRUE(function.function(wasi_->environment(), host_call)) << name;
    return static_cast<Errno>(cells[0].u32);
  }

  uint64_t bytes_;
  abi::Memory memory_;
  uint64_t first_ = 1025;
  uint64_t next_ = first_;
  std::unique_ptr<runtime::Thread> thread_;
  std::unique_ptr<Wasi> wasi_;
};

/// A guest with one preopen, descriptor 3, `root` in a directory that holds more than that: `secret`, a file, and
/// `outside`, a directory with a file `secret`.
class Sandbox {
 public:
  explicit Sandbox(bool use_openat2 = true, Options options = {}) {
    std::filesystem::create_directory(root());
    std::filesystem::create_directory(host / "outside");
    write_file(host / "secret", "secret");
    write_file(host / "outside/secret", "secret");
    options.preopens.insert(options.preopens.begin(), {.host = root(), .guest = "/"});
    options.use_openat2 = use_openat2;
    guest = std::make_unique<Guest>(std::move(options));
  }

  [[nodiscard]] std::string root() const { return host / "root"; }
  [[nodiscard]] std::string in_root(std::string_view path) const { return root() + "/" + std::string(path); }
  void symlink(const std::string& target, std::string_view path) const {
    EXPECT_EQ(::symlink(target.c_str(), in_root(path).c_str()), 0) << path;
  }
  void mkdir(std::string_view path) const { EXPECT_EQ(::mkdir(in_root(path).c_str(), 0777), 0) << path; }

  static constexpr Fd kRoot = 3;

  TemporaryDirectory host;
  std::unique_ptr<Guest> guest;
};

}  // namespace test
}  // namespace tenon::wasi
