// Sockets that the host hands in.
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "unit/sanitizer.h"
#include "unit/wasi/harness.h"

namespace tenon::wasi {
namespace {

using test::error_of;
using test::Guest;
using test::kNowhere;
using test::Sandbox;

constexpr Fd kSocket = 3;

// A guest with one end of a pair of connected sockets.
class WasiSockets : public ::testing::Test {
 protected:
  void connect(int type) {
    ASSERT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair_.data()), 0);
    guest_ =
        std::make_unique<Guest>(Options{.sockets = {{pair_[1]}}, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1});
  }
  ~WasiSockets() override {
    close(pair_[0]);
    close(pair_[1]);
  }
  struct Received {
    std::string data;
    uint16_t flags;
  };
  std::expected<Received, Errno> receive(uint32_t flags, uint32_t length = 100) {
    const Address buffer = guest_->room(length);
    const Address data_length = guest_->room(4);
    const Address out_flags = guest_->room(2);
    const Errno error =
        guest_->call("sock_recv", kSocket, guest_->value(IoVec{buffer, length}), 1U, flags, data_length, out_flags);
    if (error != Errno::success) {
      return std::unexpected(error);
    }
    return Received{guest_->text_at(buffer, guest_->at<uint32_t>(data_length)), guest_->at<uint16_t>(out_flags)};
  }
  Errno send(std::string_view data, uint32_t flags = 0) {
    const Address sent = guest_->room(4);
    return guest_->call("sock_send", kSocket,
                        guest_->value(IoVec{guest_->text(data), static_cast<uint32_t>(data.size())}), 1U, flags, sent);
  }
  std::string received_by_host() {
    std::array<char, 100> buffer{};
    const ssize_t length = recv(pair_[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<size_t>(length < 0 ? 0 : length)};
  }

  std::array<int, 2> pair_{-1, -1};
  std::unique_ptr<Guest> guest_;
};

TEST_F(WasiSockets, SendAndReceive) {
  connect(SOCK_STREAM);
  EXPECT_EQ(guest_->fdstat(kSocket).fs_filetype, static_cast<uint8_t>(FileType::socket_stream));
  EXPECT_EQ(send("hello"), Errno::success);
  EXPECT_EQ(received_by_host(), "hello");
  ASSERT_EQ(::send(pair_[0], "answer", 6, 0), 6);
  EXPECT_EQ(receive(riflags::recv_peek, 3).value().data, "ans");
  EXPECT_EQ(receive(0, 3).value().data, "ans");
  EXPECT_EQ(receive(riflags::recv_waitall, 3).value().data, "wer");
  // As a descriptor, too.
  EXPECT_EQ(guest_->write(kSocket, "written"), 7U);
  EXPECT_EQ(received_by_host(), "written");
  ASSERT_EQ(::send(pair_[0], "read", 4, 0), 4);
  EXPECT_EQ(guest_->read(kSocket), "read");
  EXPECT_EQ(guest_->call("fd_tell", kSocket, guest_->room(8)), Errno::spipe);
}

TEST_F(WasiSockets, DatagramsAreCut) {
  connect(SOCK_DGRAM);
  EXPECT_EQ(guest_->fdstat(kSocket).fs_filetype, static_cast<uint8_t>(FileType::socket_dgram));
  EXPECT_EQ(guest_->filestat(kSocket).filetype, static_cast<uint8_t>(FileType::socket_dgram));
  ASSERT_EQ(::send(pair_[0], "0123456789", 10, 0), 10);
  const auto received = receive(0, 4);
  EXPECT_EQ(received.value().data, "0123");
  EXPECT_EQ(received.value().flags, roflags::recv_data_truncated);
  ASSERT_EQ(::send(pair_[0], "0123", 4, 0), 4);
  EXPECT_EQ(receive(0, 4).value().flags, 0);
}

TEST_F(WasiSockets, NonBlockingModeIsReal) {
  connect(SOCK_STREAM);
  EXPECT_EQ(guest_->call("fd_fdstat_set_flags", kSocket, uint32_t{fdflags::nonblock}), Errno::success);
  EXPECT_EQ(error_of(receive(0)), Errno::again);
  EXPECT_EQ(error_of(guest_->read(kSocket)), Errno::again);
}

TEST_F(WasiSockets, AFullPeerIsAnError) {
  connect(SOCK_STREAM);
  ASSERT_EQ(guest_->call("fd_fdstat_set_flags", kSocket, uint32_t{fdflags::nonblock}), Errno::success);
  Errno last = Errno::success;
  for (int i = 0; i < 10'000 && last == Errno::success; ++i) {
    last = send(std::string(10'000, 'x'));
  }
  EXPECT_EQ(last, Errno::again);
  EXPECT_EQ(error_of(guest_->write(kSocket, "x")), Errno::again);
}

// A socket as a standard stream: its mode is the host's, and the guest's own mode counts with these functions, too.
TEST_F(WasiSockets, NonBlockingModeOfAStreamIsNotTheHosts) {
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_.data()), 0);
  Guest guest({.stdin_fd = pair_[1], .stdout_fd = -1, .stderr_fd = -1});
  ASSERT_EQ(guest.call("fd_fdstat_set_flags", Fd{0}, uint32_t{fdflags::nonblock}), Errno::success);
  EXPECT_EQ(fcntl(pair_[1], F_GETFL) & O_NONBLOCK, 0);
  // Ends what waits after all.
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ASSERT_EQ(setsockopt(pair_[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  ASSERT_EQ(setsockopt(pair_[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
  const auto start = std::chrono::steady_clock::now();
  const Address result = guest.room(4);
  const Address buffer = guest.room(10'000);
  const Address vectors = guest.value(IoVec{buffer, 10'000});
  EXPECT_EQ(guest.call("sock_recv", Fd{0}, vectors, 1U, 0U, result, guest.room(2)), Errno::again);
  EXPECT_EQ(error_of(guest.read(0)), Errno::again);
  Errno last = Errno::success;
  for (int i = 0; i < 10'000 && last == Errno::success; ++i) {
    last = guest.call("sock_send", Fd{0}, vectors, 1U, 0U, result);
  }
  EXPECT_EQ(last, Errno::again);
  EXPECT_EQ(error_of(guest.write(0, "x")), Errno::again);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  // What a standard stream may not be used for.
  EXPECT_EQ(guest.call("sock_shutdown", Fd{0}, 1U), Errno::notcapable);
  EXPECT_EQ(guest.call("sock_accept", Fd{0}, 0U, result), Errno::notcapable);
}

TEST_F(WasiSockets, EmptyMessagesAreMessages) {
  connect(SOCK_DGRAM);
  EXPECT_EQ(send(""), Errno::success);
  EXPECT_EQ(send("x"), Errno::success);
  std::array<char, 10> buffer{};
  EXPECT_EQ(recv(pair_[0], buffer.data(), buffer.size(), MSG_DONTWAIT), 0);
  EXPECT_EQ(recv(pair_[0], buffer.data(), buffer.size(), MSG_DONTWAIT), 1);
  ASSERT_EQ(::send(pair_[0], "", 0, 0), 0);
  ASSERT_EQ(::send(pair_[0], "abc", 3, 0), 3);
  EXPECT_EQ(receive(0).value().data, "");
  // One that is taken into no room at all is gone, cut.
  const auto cut = receive(0, 0);
  EXPECT_EQ(cut.value().data, "");
  EXPECT_EQ(cut.value().flags, roflags::recv_data_truncated);
}

TEST_F(WasiSockets, TellWhatTheHostSays) {
  connect(SOCK_DGRAM);
  const int size = 4096;
  ASSERT_EQ(setsockopt(pair_[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  EXPECT_EQ(send(std::string(100'000, 'x')), Errno::msgsize);
  EXPECT_EQ(guest_->call("sock_accept", kSocket, 0U, guest_->room(4)), Errno::notsup);

  const int unconnected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int undirected = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (unconnected < 0 || undirected < 0) {
    GTEST_SKIP() << "there is no network";
  }
  Guest guest({.sockets = {{unconnected}, {undirected}}});
  const Address vectors = guest.value(IoVec{guest.text("x"), 1});
  const Address result = guest.room(4);
  EXPECT_EQ(guest.call("sock_recv", Fd{3}, vectors, 1U, 0U, result, guest.room(2)), Errno::notconn);
  EXPECT_EQ(guest.call("sock_shutdown", Fd{3}, 1U), Errno::notconn);
  EXPECT_EQ(guest.call("sock_send", Fd{3}, vectors, 1U, 0U, result), Errno::pipe);
  EXPECT_EQ(guest.call("sock_send", Fd{4}, vectors, 1U, 0U, result), Errno::destaddrreq);
  close(unconnected);
  close(undirected);
}

TEST_F(WasiSockets, APeerThatDoesNotListenResets) {
  connect(SOCK_STREAM);
  EXPECT_EQ(send("never read"), Errno::success);
  close(pair_[0]);
  pair_[0] = -1;
  EXPECT_EQ(error_of(receive(0)), Errno::connreset);
}

TEST_F(WasiSockets, WaitThroughSignalsUntilTheGuestIsToStop) {
  TENON_NEEDS_SIGNALS();
  connect(SOCK_STREAM);
  const test::Signals signals;
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ(::send(pair_[0], "late", 4, 0), 4);
  });
  EXPECT_EQ(receive(0).value().data, "late");
  sender.join();
  guest_->thread().interrupt = 1;
  EXPECT_EQ(error_of(receive(0)), Errno::intr);
  EXPECT_EQ(error_of(guest_->read(kSocket)), Errno::intr);
}

// What is for files and directories, on a socket.
TEST_F(WasiSockets, AreNoFiles) {
  connect(SOCK_STREAM);
  const Address result = guest_->room(8);
  const Address vectors = guest_->value(IoVec{guest_->text("x"), 1});
  EXPECT_EQ(guest_->call("fd_seek", kSocket, uint64_t{0}, whence::set, result), Errno::spipe);
  EXPECT_EQ(guest_->call("fd_pread", kSocket, vectors, 1U, uint64_t{0}, result), Errno::spipe);
  EXPECT_EQ(guest_->call("fd_pwrite", kSocket, vectors, 1U, uint64_t{0}, result), Errno::spipe);
  EXPECT_EQ(guest_->call("fd_readdir", kSocket, guest_->room(64), 64U, uint64_t{0}, result), Errno::notdir);
  EXPECT_EQ(guest_->call("fd_prestat_get", kSocket, result), Errno::badf);
  EXPECT_EQ(guest_->call("fd_prestat_dir_name", kSocket, result, 8U), Errno::badf);
  EXPECT_EQ(error_of(guest_->open(kSocket, "x")), Errno::notdir);
  EXPECT_EQ(guest_->call("fd_allocate", kSocket, uint64_t{0}, uint64_t{1}), Errno::notcapable);
  EXPECT_EQ(guest_->call("fd_filestat_set_size", kSocket, uint64_t{0}), Errno::notcapable);
  EXPECT_EQ(guest_->call("fd_filestat_set_times", kSocket, uint64_t{0}, uint64_t{0}, 0U), Errno::notcapable);
  EXPECT_EQ(guest_->call("fd_advise", kSocket, uint64_t{0}, uint64_t{0}, advice::normal), Errno::notcapable);
  EXPECT_EQ(guest_->call("fd_sync", kSocket), Errno::notcapable);
  EXPECT_EQ(guest_->call("fd_datasync", kSocket), Errno::notcapable);
  EXPECT_EQ(received_by_host(), "");
}

TEST_F(WasiSockets, AClosedPeerIsAnErrorAndNotASignal) {
  struct sigaction before{};
  struct sigaction deadly{};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &before), 0);
  connect(SOCK_STREAM);
  close(pair_[0]);
  pair_[0] = -1;
  EXPECT_EQ(send("x"), Errno::pipe);
  EXPECT_EQ(error_of(guest_->write(kSocket, "x")), Errno::pipe);
  EXPECT_EQ(receive(0).value().data, "");
  ASSERT_EQ(sigaction(SIGPIPE, &before, nullptr), 0);
}

TEST_F(WasiSockets, ShutDown) {
  connect(SOCK_STREAM);
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, 0U), Errno::inval);
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, 4U), Errno::inval);
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, 257U), Errno::inval);
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, uint32_t{sdflags::wr}), Errno::success);
  EXPECT_EQ(send("x"), Errno::pipe);
  ASSERT_EQ(::send(pair_[0], "x", 1, 0), 1);
  EXPECT_EQ(receive(0).value().data, "x");
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, uint32_t{sdflags::rd}), Errno::success);
  EXPECT_EQ(receive(0).value().data, "");
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, uint32_t{sdflags::all}), Errno::success);
}

TEST_F(WasiSockets, Refuse) {
  connect(SOCK_STREAM);
  const Address data = guest_->value(IoVec{guest_->text("x"), 1});
  const Address length = guest_->room(4);
  const Address flags = guest_->room(2);
  const auto receive_error = [&](Fd fd, Address vectors, uint32_t count, uint32_t in_flags, Address out_length,
                                 Address out_flags) {
    return guest_->call("sock_recv", fd, vectors, count, in_flags, out_length, out_flags);
  };
  const auto send_error = [&](Fd fd, Address vectors, uint32_t count, uint32_t in_flags, Address out_length) {
    return guest_->call("sock_send", fd, vectors, count, in_flags, out_length);
  };
  EXPECT_EQ(receive_error(77, data, 1, 0, length, flags), Errno::badf);
  EXPECT_EQ(receive_error(kSocket, data, 1, 4, length, flags), Errno::inval);
  EXPECT_EQ(receive_error(kSocket, kNowhere, 1, 0, length, flags), Errno::fault);
  EXPECT_EQ(receive_error(kSocket, data, 70000, 0, length, flags), Errno::inval);
  EXPECT_EQ(receive_error(kSocket, guest_->value(IoVec{kNowhere, 1}), 1, 0, length, flags), Errno::fault);
  EXPECT_EQ(receive_error(kSocket, data, 1, 0, kNowhere, flags), Errno::fault);
  EXPECT_EQ(receive_error(kSocket, data, 1, 0, length, kNowhere), Errno::fault);
  EXPECT_EQ(send_error(77, data, 1, 0, length), Errno::badf);
  EXPECT_EQ(send_error(kSocket, data, 1, 1, length), Errno::inval);
  EXPECT_EQ(send_error(kSocket, kNowhere, 1, 0, length), Errno::fault);
  EXPECT_EQ(send_error(kSocket, guest_->value(IoVec{kNowhere, 1}), 1, 0, length), Errno::fault);
  EXPECT_EQ(send_error(kSocket, data, 1, 0, kNowhere), Errno::fault);
  EXPECT_EQ(send_error(kSocket, data, 70000, 0, length), Errno::inval);
  EXPECT_EQ(send_error(kSocket, data, 1, 1U << 16, length), Errno::inval);
  EXPECT_EQ(receive_error(kSocket, data, 1, 1U << 16, length, flags), Errno::inval);
  EXPECT_EQ(received_by_host(), "");
  EXPECT_EQ(guest_->call("sock_shutdown", Fd{77}, 1U), Errno::badf);
  EXPECT_EQ(guest_->call("sock_accept", Fd{77}, 0U, length), Errno::badf);
  EXPECT_EQ(guest_->call("sock_accept", kSocket, 0U, length), Errno::inval);  // does not listen

  EXPECT_EQ(guest_->call("fd_fdstat_set_rights", kSocket, uint64_t{0}, uint64_t{0}), Errno::success);
  EXPECT_EQ(receive_error(kSocket, data, 1, 0, length, flags), Errno::notcapable);
  EXPECT_EQ(send_error(kSocket, data, 1, 0, length), Errno::notcapable);
  EXPECT_EQ(guest_->call("sock_shutdown", kSocket, 1U), Errno::notcapable);
  EXPECT_EQ(guest_->call("sock_accept", kSocket, 0U, length), Errno::notcapable);
}

TEST(WasiNoSockets, AreRefused) {
  const Sandbox sandbox;
  Guest& guest = *sandbox.guest;
  const Address place = guest.room(16);
  ASSERT_EQ(mkfifo(sandbox.in_root("fifo").c_str(), 0666), 0);
  const auto pipe = guest.open(Sandbox::kRoot, "fifo", {.fdflags = fdflags::nonblock});
  ASSERT_TRUE(pipe);
  for (const Fd fd : {Sandbox::kRoot, guest.create(Sandbox::kRoot, "file"), *pipe}) {
    EXPECT_EQ(guest.call("sock_accept", fd, 0U, place), Errno::notsock);
    EXPECT_EQ(guest.call("sock_recv", fd, place, 0U, 0U, place, place), Errno::notsock);
    EXPECT_EQ(guest.call("sock_send", fd, place, 0U, 0U, place), Errno::notsock);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 1U), Errno::notsock);
  }
}

TEST(WasiListeningSocket, Accepts) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(listener, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);

  Sandbox sandbox(true, {.sockets = {{listener}}, .limits = {.descriptors = 6}});
  Guest& guest = *sandbox.guest;
  constexpr Fd kListener = 4;  // after the preopens
  EXPECT_EQ(guest.call("fd_prestat_get", kListener, guest.room(8)), Errno::badf);

  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const Address accepted = guest.room(4);
  EXPECT_EQ(guest.call("sock_accept", kListener, 1U, accepted), Errno::inval);
  EXPECT_EQ(guest.call("sock_accept", kListener, 0U, kNowhere), Errno::fault);
  ASSERT_EQ(guest.call("sock_accept", kListener, uint32_t{fdflags::nonblock}, accepted), Errno::success);
  const Fd fd = guest.at<Fd>(accepted);
  EXPECT_EQ(fd, 5U);
  EXPECT_EQ(guest.fdstat(fd).fs_flags, fdflags::nonblock);
  EXPECT_EQ(error_of(guest.read(fd)), Errno::again);
  ASSERT_EQ(send(client, "hello", 5, 0), 5);
  EXPECT_EQ(guest.read(fd), "hello");
  EXPECT_EQ(guest.write(fd, "answer"), 6U);

  // Full: the connection waits in the queue.
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(guest.call("sock_accept", kListener, 0U, accepted), Errno::mfile);
  EXPECT_EQ(guest.call("fd_close", fd), Errno::success);
  EXPECT_EQ(guest.call("sock_accept", kListener, 0U, accepted), Errno::success);

  EXPECT_EQ(guest.call("fd_fdstat_set_flags", kListener, uint32_t{fdflags::nonblock}), Errno::success);
  EXPECT_EQ(guest.call("fd_close", Fd{5}), Errno::success);
  EXPECT_EQ(guest.call("sock_accept", kListener, 0U, accepted), Errno::again);

  // One without the rights to pass on hands them to no connection.
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", kListener, 0U), Errno::success);
  {
    const test::Signals signals;
    guest.thread().interrupt = 1;
    EXPECT_EQ(guest.call("sock_accept", kListener, 0U, accepted), Errno::intr);
    guest.thread().interrupt = 0;
  }
  const FdStat stat = guest.fdstat(kListener);
  ASSERT_EQ(guest.call("fd_fdstat_set_rights", kListener, stat.fs_rights_base, uint64_t{rights::fd_read}),
            Errno::success);
  const int last = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(last, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(guest.call("sock_accept", kListener, 0U, accepted), Errno::success);
  EXPECT_EQ(guest.fdstat(guest.at<Fd>(accepted)).fs_rights_base, rights::fd_read);
  EXPECT_EQ(error_of(guest.write(guest.at<Fd>(accepted), "x")), Errno::notcapable);
  close(last);
  close(client);
  close(other);
  close(listener);
}

}  // namespace
}  // namespace tenon::wasi
