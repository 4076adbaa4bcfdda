// Threads of one guest on one set of descriptors. Run under the thread sanitizer as well.
#include <atomic>
#include <chrono>
#include <thread>

#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::Sandbox;

constexpr Fd kRoot = Sandbox::kRoot;

// A thread of the guest, with its own part of the memory.
class GuestThread {
 public:
  GuestThread(Guest& guest, uint32_t index)
      : guest_(guest), thread_(std::move(*runtime::Thread::create(65536))), memory_(100'000 * (index + 1)) {}

  Address put(uint32_t offset, const void* bytes, size_t size) {
    std::memcpy(guest_.bytes() + memory_ + offset, bytes, size);
    return memory_ + offset;
  }
  template <class... Arguments>
  Errno call(std::string_view name, Arguments... arguments) {
    return guest_.call_on(*thread_, name, arguments...);
  }
  [[nodiscard]] Address memory() const { return memory_; }

 private:
  Guest& guest_;
  std::unique_ptr<runtime::Thread> thread_;
  Address memory_;
};

TEST(WasiThreads, ClosingADescriptorThatAnotherReadsIsSafe) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  Sandbox sandbox;
  ASSERT_EQ(mkfifo(sandbox.in_root("fifo").c_str(), 0666), 0);
  Guest& guest = *sandbox.guest;
  const auto reader =
      guest.open(kRoot, "fifo", {.base = rights::fd_read | rights::fd_fdstat_set_flags, .fdflags = fdflags::nonblock});
  ASSERT_TRUE(reader);
  const int writer = open(sandbox.in_root("fifo").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(guest.call("fd_fdstat_set_flags", *reader, 0U), Errno::success);  // waits from now on

  std::atomic<bool> is_reading = false;
  std::thread other([&] {
    GuestThread thread(guest, 1);
    const IoVec vector{thread.memory() + 1000, 10};
    const Address vectors = thread.put(0, &vector, sizeof(vector));
    is_reading = true;
    EXPECT_EQ(thread.call("fd_read", *reader, vectors, 1U, thread.memory() + 500), Errno::success);
    EXPECT_EQ(guest.text_at(thread.memory() + 1000, 4), "late");
  });
  while (!is_reading) {
    std::this_thread::yield();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  // The table is not locked meanwhile, and the number is free at once.
  EXPECT_EQ(guest.call("fd_close", *reader), Errno::success);
  EXPECT_EQ(guest.create(kRoot, "file"), *reader);
  // The one that waits still has what it had.
  EXPECT_EQ(write(writer, "late", 4), 4);
  other.join();
  close(writer);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(WasiThreads, OpenCloseRenumberAndUse) {
  Sandbox sandbox(true, {.limits = {.descriptors = 40}});
  Guest& guest = *sandbox.guest;
  for (int i = 0; i < 20; ++i) {
    test::write_file(sandbox.in_root("file" + std::to_string(i)), "content");
  }
  std::vector<std::thread> threads;
  for (uint32_t index = 0; index < 4; ++index) {
    threads.emplace_back([&guest, index] {
      GuestThread thread(guest, index + 1);
      const std::string name = "file" + std::to_string(index);
      const Address path = thread.put(0, name.data(), name.size());
      const IoVec vector{thread.memory() + 1000, 100};
      const Address vectors = thread.put(100, &vector, sizeof(vector));
      const Address result = thread.memory() + 200;
      for (int round = 0; round < 400; ++round) {
        const Errno opened = thread.call("path_open", kRoot, 1U, path, static_cast<uint32_t>(name.size()), 0U,
                                         Guest::kReads | Guest::kWrites, uint64_t{0}, 0U, result);
        const Fd fd = opened == Errno::success ? guest.at<Fd>(result) : 4 + index;
        // Numbers are everybody's: any of these may meet one that another thread has just closed.
        thread.call("fd_read", fd, vectors, 1U, result);
        thread.call("fd_fdstat_get", fd, thread.memory() + 2000);
        thread.call("fd_renumber", fd, Fd{4 + (fd + 1) % 36});
        thread.call("fd_fdstat_set_rights", fd, Guest::kReads, uint64_t{0});
        thread.call("fd_fdstat_set_flags", fd, 0U);
        thread.call("fd_readdir", kRoot, thread.memory() + 3000, 500U, uint64_t{0}, result);
        thread.call("fd_close", fd);
        thread.call("fd_close", Fd{4 + (fd + 1) % 36});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  // Nothing is lost: all numbers but those of the streams and the preopen can be had again.
  for (Fd fd = 4; fd < 40; ++fd) {
    guest.call("fd_close", fd);
  }
  for (Fd fd = 4; fd < 40; ++fd) {
    EXPECT_EQ(guest.create(kRoot, "again"), fd);
  }
}

TEST(WasiThreads, OnlyOneOfAllClosesADescriptor) {
  Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  for (int round = 0; round < 50; ++round) {
    const Fd fd = guest.create(kRoot, "file");
    std::atomic<int> closed = 0;
    std::vector<std::thread> threads;
    for (uint32_t index = 0; index < 3; ++index) {
      threads.emplace_back([&, index] {
        GuestThread thread(guest, index + 1);
        closed += thread.call("fd_close", fd) == Errno::success ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ASSERT_EQ(closed, 1);
  }
}

}  // namespace
}  // namespace tenon::wasi
