// poll_oneoff: clocks, descriptors, both at once, many at once, and what cannot be waited for. With the layouts of both
// modules.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "unit/sanitizer.h"
#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::Guest;
using test::kNowhere;
using test::Sandbox;

constexpr Fd kRoot = Sandbox::kRoot;
constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kHour = uint64_t{3'600'000} * kMillisecond;

template <class Layout>
Layout on_clock(uint64_t userdata, uint32_t clock, uint64_t timeout, uint16_t flags = 0) {
  Layout subscription{};
  subscription.userdata = userdata;
  subscription.tag = eventtype::clock;
  subscription.clock.id = clock;
  subscription.clock.timeout = timeout;
  subscription.clock.flags = flags;
  return subscription;
}
Subscription on_time(uint64_t userdata, uint64_t timeout) {
  return on_clock<Subscription>(userdata, clockid::monotonic, timeout);
}
Subscription on_descriptor(uint64_t userdata, uint8_t type, Fd fd) {
  Subscription subscription{};
  subscription.userdata = userdata;
  subscription.tag = type;
  subscription.file_descriptor = fd;
  return subscription;
}
Subscription on_read(uint64_t userdata, Fd fd) {
  return on_descriptor(userdata, eventtype::fd_read, fd);
}
Subscription on_write(uint64_t userdata, Fd fd) {
  return on_descriptor(userdata, eventtype::fd_write, fd);
}

class WasiPoll : public ::testing::Test {
 protected:
  WasiPoll() {
    EXPECT_EQ(pipe2(in_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out_.data(), O_CLOEXEC), 0);
    guest_ = std::make_unique<Guest>(Options{.stdin_fd = in_[0], .stdout_fd = out_[1], .stderr_fd = -1});
  }
  ~WasiPoll() override {
    for (const int descriptor : {in_[0], in_[1], out_[0], out_[1]}) {
      close(descriptor);
    }
  }

  std::vector<Event> poll(Guest& guest, const std::vector<Subscription>& subscriptions) {
    const Address in = guest.list(subscriptions);
    const Address out = guest.room(subscriptions.size() * sizeof(Event));
    const Address count = guest.room(4);
    EXPECT_EQ(guest.call("poll_oneoff", in, out, static_cast<uint32_t>(subscriptions.size()), count), Errno::success);
    std::vector<Event> events;
    for (uint32_t i = 0; i < guest.at<uint32_t>(count); ++i) {
      events.push_back(guest.at<Event>(out + i * static_cast<uint32_t>(sizeof(Event))));
    }
    return events;
  }
  std::vector<Event> poll(const std::vector<Subscription>& subscriptions) { return poll(*guest_, subscriptions); }

  static uint64_t since(std::chrono::steady_clock::time_point start) {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  }

  std::array<int, 2> in_{};
  std::array<int, 2> out_{};
  std::unique_ptr<Guest> guest_;
};

TEST_F(WasiPoll, WaitsForARelativeTime) {
  for (const uint32_t clock : {clockid::realtime, clockid::monotonic}) {
    const auto start = std::chrono::steady_clock::now();
    const auto events = poll({on_clock<Subscription>(0x1234'5678'9abc'def0, clock, 20 * kMillisecond)});
    EXPECT_GE(since(start), 20 * kMillisecond);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].userdata, 0x1234'5678'9abc'def0U);
    EXPECT_EQ(events[0].type, eventtype::clock);
    EXPECT_EQ(events[0].error, 0);
  }
}

TEST_F(WasiPoll, WaitsForAnAbsoluteTime) {
  const Address time = guest_->room(8);
  for (const uint32_t clock : {clockid::realtime, clockid::monotonic}) {
    ASSERT_EQ(guest_->call("clock_time_get", clock, uint64_t{0}, time), Errno::success);
    const uint64_t target = guest_->at<uint64_t>(time) + 20 * kMillisecond;
    ASSERT_EQ(poll({on_clock<Subscription>(1, clock, target, subclockflags::subscription_clock_abstime)}).size(), 1U);
    ASSERT_EQ(guest_->call("clock_time_get", clock, uint64_t{0}, time), Errno::success);
    EXPECT_GE(guest_->at<uint64_t>(time), target);
    // One that is over.
    EXPECT_EQ(poll({on_clock<Subscription>(1, clock, 5, subclockflags::subscription_clock_abstime)}).size(), 1U);
  }
  EXPECT_EQ(poll({on_time(1, 0)}).size(), 1U);
}

TEST_F(WasiPoll, TheNearestTimeEndsTheWait) {
  const auto events =
      poll({on_time(1, kHour), on_time(2, 10 * kMillisecond), on_time(3, ~uint64_t{0}),
            on_clock<Subscription>(4, clockid::realtime, ~uint64_t{0}, subclockflags::subscription_clock_abstime)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 2U);
}

TEST_F(WasiPoll, ReportsClocksThatCannotBeWaitedFor) {
  const auto events = poll({
      on_time(0, kHour),
      on_clock<Subscription>(1, clockid::process_cputime_id, 0),
      on_clock<Subscription>(2, clockid::thread_cputime_id, 0),
      on_clock<Subscription>(3, 4, 0),
      on_clock<Subscription>(4, ~0U, 0),
      on_clock<Subscription>(5, clockid::monotonic, 0, 2),
  });
  ASSERT_EQ(events.size(), 5U);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].userdata, i + 1);
    EXPECT_EQ(static_cast<Errno>(events[i].error), i < 2 ? Errno::notsup : Errno::inval);
  }
}

TEST_F(WasiPoll, WaitsForDescriptors) {
  auto events = poll({on_read(1, 0), on_write(2, 1), on_time(3, kHour)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 2U);
  EXPECT_EQ(events[0].type, eventtype::fd_write);
  EXPECT_EQ(events[0].error, 0);
  EXPECT_GT(events[0].nbytes, 0U);

  ASSERT_EQ(write(in_[1], "hello", 5), 5);
  events = poll({on_read(1, 0), on_write(2, 1), on_time(3, kHour)});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].userdata, 1U);
  EXPECT_EQ(events[0].type, eventtype::fd_read);
  EXPECT_EQ(events[0].nbytes, 5U);
  EXPECT_EQ(events[0].flags, 0);
}

TEST_F(WasiPoll, TimesOutOnDescriptors) {
  const auto start = std::chrono::steady_clock::now();
  const auto events = poll({on_read(1, 0), on_time(2, 20 * kMillisecond)});
  EXPECT_GE(since(start), 20 * kMillisecond);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 2U);
}

TEST_F(WasiPoll, ReportsHangUps) {
  close(in_[1]);
  in_[1] = -1;
  auto events = poll({on_read(1, 0)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].flags, eventrwflags::fd_readwrite_hangup);
  EXPECT_EQ(events[0].error, 0);
  EXPECT_EQ(events[0].nbytes, 0U);
  close(out_[0]);
  out_[0] = -1;
  events = poll({on_write(1, 1)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].flags, eventrwflags::fd_readwrite_hangup);
}

TEST_F(WasiPoll, ReportsDescriptorsThatCannotBeWaitedFor) {
  const auto events = poll({on_read(1, 77), on_write(2, ~0U), on_write(3, 0), on_read(4, 1), on_time(5, kHour)});
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(static_cast<Errno>(events[0].error), Errno::badf);
  EXPECT_EQ(events[0].type, eventtype::fd_read);
  EXPECT_EQ(static_cast<Errno>(events[1].error), Errno::badf);
  EXPECT_EQ(events[1].type, eventtype::fd_write);
  EXPECT_EQ(static_cast<Errno>(events[2].error), Errno::notcapable);
  EXPECT_EQ(static_cast<Errno>(events[3].error), Errno::notcapable);
  const FdStat stat = guest_->fdstat(0);
  EXPECT_EQ(guest_->call("fd_fdstat_set_rights", Fd{0}, stat.fs_rights_base & ~rights::poll_fd_readwrite, uint64_t{0}),
            Errno::success);
  EXPECT_EQ(static_cast<Errno>(poll({on_read(1, 0)}).at(0).error), Errno::notcapable);
}

TEST_F(WasiPoll, EachOfManyOnTheSameIsAnswered) {
  ASSERT_EQ(write(in_[1], "xyz", 3), 3);
  const auto events = poll({on_read(1, 0), on_read(2, 77), on_read(1, 0), on_read(2, 77), on_time(3, 0), on_time(3, 0),
                            on_write(4, 77), on_read(5, 0x8000'0000), on_read(6, 0x7fff'ffff)});
  ASSERT_EQ(events.size(), 9U);
  constexpr uint64_t kUserdata[] = {1, 2, 1, 2, 3, 3, 4, 5, 6};
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].userdata, kUserdata[i]) << i;
    const bool is_bad = kUserdata[i] == 2 || kUserdata[i] > 3;
    EXPECT_EQ(static_cast<Errno>(events[i].error), is_bad ? Errno::badf : Errno::success) << i;
    EXPECT_EQ(events[i].nbytes, kUserdata[i] == 1 ? 3U : 0U) << i;
  }
}

TEST_F(WasiPoll, WaitsForSockets) {
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(listener, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)), 0);  // any name
  ASSERT_EQ(listen(listener, 1), 0);
  Guest guest({.sockets = {{pair[1]}, {listener}}, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1});
  EXPECT_EQ(poll(guest, {on_read(1, 3), on_read(2, 4), on_time(3, kMillisecond)}).at(0).userdata, 3U);
  EXPECT_EQ(poll(guest, {on_write(1, 3), on_read(2, 4), on_time(3, kHour)}).at(0).userdata, 1U);

  ASSERT_EQ(send(pair[0], "hello", 5, 0), 5);
  auto events = poll(guest, {on_read(1, 3), on_read(2, 4), on_time(3, kHour)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 1U);
  EXPECT_EQ(events[0].nbytes, 5U);

  socklen_t size = sizeof(address);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), size), 0);
  events = poll(guest, {on_read(2, 4), on_time(3, kHour)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 2U);
  EXPECT_EQ(events[0].error, 0);

  close(pair[0]);
  events = poll(guest, {on_read(1, 3), on_time(3, kHour)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].flags, eventrwflags::fd_readwrite_hangup);
  for (const int descriptor : {pair[1], listener, client}) {
    close(descriptor);
  }
}

TEST_F(WasiPoll, AStreamThatTheHostClosesIsAnError) {
  close(in_[0]);
  const auto events = poll({on_read(1, 0), on_time(2, kHour)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(static_cast<Errno>(events[0].error), Errno::badf);
  in_[0] = -1;
}

TEST_F(WasiPoll, FilesAndDirectoriesAreAlwaysReady) {
  const Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  const Fd file = guest.create(kRoot, "file");
  ASSERT_TRUE(guest.write(file, "0123456789"));
  ASSERT_EQ(guest.call("fd_seek", file, uint64_t{4}, whence::set, guest.room(8)), Errno::success);
  const auto events =
      poll(guest, {on_read(1, file), on_write(2, file), on_read(3, kRoot), on_time(4, kHour), on_read(5, 77)});
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].nbytes, 6U);
  EXPECT_GT(events[1].nbytes, 0U);
  EXPECT_EQ(events[2].error, 0);
  EXPECT_EQ(events[3].userdata, 5U);
}

TEST_F(WasiPoll, WakesUpWhenSomethingComes) {
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ(write(in_[1], "x", 1), 1);
  });
  const auto start = std::chrono::steady_clock::now();
  const auto events = poll({on_time(1, kHour), on_read(2, 0)});
  EXPECT_GE(since(start), 25 * kMillisecond);
  writer.join();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].userdata, 2U);
}

TEST_F(WasiPoll, ManyAtOnce) {
  // More than the host would take as entries of their own.
  std::vector<Subscription> subscriptions;
  for (uint64_t i = 0; i < 4096; ++i) {
    subscriptions.push_back(i % 3 == 0 ? on_read(i, 0) : i % 3 == 1 ? on_write(i, 1) : on_time(i, kHour + i));
  }
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  Guest guest({.stdin_fd = in_[0], .stdout_fd = out_[1], .stderr_fd = -1});
  const auto events = poll(guest, subscriptions);
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(events.size(), 1365U);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].userdata, 3 * i + 1);
  }
}

TEST_F(WasiPoll, Refuses) {
  const Address count = guest_->room(4);
  const Address in = guest_->list(std::vector{on_time(1, 0), on_time(2, 0)});
  const Address out = guest_->room(64);
  const auto end = static_cast<Address>(guest_->size());
  const auto run = [&](Address subscriptions, Address events, uint32_t number, Address stored) {
    return guest_->call("poll_oneoff", subscriptions, events, number, stored);
  };
  EXPECT_EQ(run(in, out, 2, count), Errno::success);
  EXPECT_EQ(run(in, out, 0, count), Errno::inval);
  EXPECT_EQ(run(in, out, 4097, count), Errno::inval);
  EXPECT_EQ(run(in, out, ~0U, count), Errno::inval);
  EXPECT_EQ(run(kNowhere, out, 1, count), Errno::fault);
  EXPECT_EQ(run(end - 47, out, 1, count), Errno::fault);
  EXPECT_EQ(run(in, kNowhere, 1, count), Errno::fault);
  EXPECT_EQ(run(in, end - 63, 2, count), Errno::fault);
  EXPECT_EQ(run(in, out, 1, kNowhere), Errno::fault);
  Subscription unknown = on_time(1, 0);
  unknown.tag = 3;
  EXPECT_EQ(run(guest_->value(unknown), out, 1, count), Errno::inval);
}

TEST_F(WasiPoll, EventsMayOverwriteSubscriptions) {
  const Address place = guest_->list(std::vector{on_time(1, 0), on_read(2, 77), on_time(3, 0)});
  const Address count = guest_->room(4);
  ASSERT_EQ(guest_->call("poll_oneoff", place, place, 3U, count), Errno::success);
  ASSERT_EQ(guest_->at<uint32_t>(count), 3U);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(guest_->at<Event>(place + i * static_cast<uint32_t>(sizeof(Event))).userdata, i + 1);
  }
}

TEST_F(WasiPoll, TheOlderModuleHasOtherLayouts) {
  auto clock = on_clock<unstable::Subscription>(7, clockid::monotonic, 10 * kMillisecond);
  clock.clock.identifier = 0xffff'ffff'ffff'ffff;
  unstable::Subscription read{};
  read.userdata = 8;
  read.tag = eventtype::fd_read;
  read.file_descriptor = 77;
  const Address count = guest_->room(4);
  const Address out = guest_->room(2 * sizeof(Event));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(guest_->call_unstable("poll_oneoff", guest_->value(clock), out, 1U, count), Errno::success);
  EXPECT_GE(since(start), 10 * kMillisecond);
  EXPECT_EQ(guest_->at<Event>(out).userdata, 7U);
  EXPECT_EQ(guest_->at<Event>(out).error, 0);
  ASSERT_EQ(guest_->call_unstable("poll_oneoff", guest_->list(std::vector{clock, read}), out, 2U, count),
            Errno::success);
  ASSERT_EQ(guest_->at<uint32_t>(count), 1U);
  EXPECT_EQ(guest_->at<Event>(out).userdata, 8U);
  EXPECT_EQ(static_cast<Errno>(guest_->at<Event>(out).error), Errno::badf);
  const auto end = static_cast<Address>(guest_->size());
  EXPECT_EQ(guest_->call_unstable("poll_oneoff", end - 48, out, 1U, count), Errno::fault);
}

// A signal that means nothing to the guest does not end the wait; one after its thread is told to stop does.
TEST_F(WasiPoll, IsInterruptedOnlyWhenTheGuestIs) {
  TENON_NEEDS_SIGNALS();
  struct sigaction action{};
  action.sa_handler = [](int) {};
  struct sigaction before{};
  ASSERT_EQ(sigaction(SIGUSR2, &action, &before), 0);
  for (const bool stop : {false, true}) {
    const pthread_t self = pthread_self();
    std::atomic<bool> done = false;
    guest_->thread().interrupt = 0;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      guest_->thread().interrupt = stop ? 1 : 0;
      while (!done) {
        pthread_kill(self, SIGUSR2);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    const Address result = guest_->room(4);
    const uint64_t time = stop ? kHour : 60 * kMillisecond;
    const auto start = std::chrono::steady_clock::now();
    const Errno error = guest_->call("poll_oneoff", guest_->value(on_time(1, time)), guest_->room(32), 1U, result);
    if (stop) {
      EXPECT_EQ(error, Errno::intr);
      const Address vectors = guest_->value(IoVec{guest_->room(8), 8});
      EXPECT_EQ(guest_->call("fd_read", Fd{0}, vectors, 1U, result), Errno::intr);
    } else {
      EXPECT_EQ(error, Errno::success);
      EXPECT_GE(since(start), time);
    }
    done = true;
    other.join();
  }
  ASSERT_EQ(sigaction(SIGUSR2, &before, nullptr), 0);
}

}  // namespace
}  // namespace tenon::wasi
