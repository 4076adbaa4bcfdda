// Sockets that the host handed in, and those accepted from them. There is no way for the guest to make one.
#include <fcntl.h>
#include <sys/socket.h>

#include <utility>

#include "base/result.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"
#include "wasi/system_call.h"

namespace tenon::wasi {

namespace {

Outcome<DescriptorReference> get_socket(Process& process, Fd fd, Rights needed) {
  auto descriptor = TENON_TRY(process.descriptors.get(fd));
  if (!descriptor->is_socket()) {
    return refuse(Errno::notsock);
  }
  TENON_CHECK(descriptor->require(needed));
  return descriptor;
}

// A message over the buffers, which recvmsg fills and sendmsg only reads.
msghdr message_of(const Buffers& buffers) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = static_cast<size_t>(buffers.count());
  return message;
}

// What a call on a socket that is somebody else's, whose mode is kept here alone, needs so that it does not wait.
int mode_flags(const Descriptor& socket) {
  return socket.emulates_nonblocking() ? MSG_DONTWAIT : 0;
}

}  // namespace

Outcome<> sock_accept(Process& process, HostCall& call, Fd fd, uint32_t flags, Address result) {
  const auto listener = TENON_TRY(get_socket(process, fd, rights::sock_accept));
  if ((flags & ~uint32_t{fdflags::nonblock}) != 0) {
    return refuse(Errno::inval);
  }
  const auto accepted_fd = TENON_TRY(GuestResult<Fd>::at(call, result));
  if (!process.descriptors.has_room()) {  // before a connection is taken from the queue only to be dropped
    return refuse(Errno::mfile);
  }
  const int host_flags = SOCK_CLOEXEC | (flags != 0 ? SOCK_NONBLOCK : 0);
  Handle accepted(waiting(call, [&] { return accept4(listener->host(), nullptr, nullptr, host_flags); }));
  if (!accepted) {
    return host_failure();
  }
  const Rights inherited = listener->inheriting;
  auto descriptor = TENON_TRY(describe(std::move(accepted), inherited, inherited, static_cast<uint16_t>(flags)));
  accepted_fd.set(TENON_TRY(process.descriptors.insert(std::move(descriptor))));
  return {};
}

Outcome<> sock_recv(Process& process, HostCall& call, Fd fd, Address ri_data, uint32_t ri_data_len, uint32_t ri_flags,
                    Address ro_data_len, Address ro_flags) {
  const auto socket = TENON_TRY(get_socket(process, fd, rights::fd_read));
  if ((ri_flags & ~uint32_t{riflags::all}) != 0) {
    return refuse(Errno::inval);
  }
  const auto buffers = TENON_TRY(Buffers::gather(call, ri_data, ri_data_len, process.limits.iovecs));
  const auto length = TENON_TRY(GuestResult<uint32_t>::at(call, ro_data_len));
  const auto flags = TENON_TRY(GuestResult<uint16_t>::at(call, ro_flags));
  const int host_flags = mode_flags(*socket) | ((ri_flags & riflags::recv_peek) != 0 ? MSG_PEEK : 0) |
                         ((ri_flags & riflags::recv_waitall) != 0 ? MSG_WAITALL : 0);
  msghdr message = message_of(buffers);
  const ssize_t count = waiting(call, [&] { return recvmsg(socket->host(), &message, host_flags); });
  if (count < 0) {
    return host_failure();
  }
  length.set(static_cast<uint32_t>(count));
  flags.set((message.msg_flags & MSG_TRUNC) != 0 ? roflags::recv_data_truncated : 0);
  return {};
}

Outcome<> sock_send(Process& process, HostCall& call, Fd fd, Address si_data, uint32_t si_data_len, uint32_t si_flags,
                    Address so_data_len) {
  const auto socket = TENON_TRY(get_socket(process, fd, rights::fd_write));
  if (si_flags != 0) {
    return refuse(Errno::inval);
  }
  const auto buffers = TENON_TRY(Buffers::gather(call, si_data, si_data_len, process.limits.iovecs));
  const auto length = TENON_TRY(GuestResult<uint32_t>::at(call, so_data_len));
  const msghdr message = message_of(buffers);
  const ssize_t count =
      waiting(call, [&] { return sendmsg(socket->host(), &message, MSG_NOSIGNAL | mode_flags(*socket)); });
  if (count < 0) {
    return host_failure();
  }
  length.set(static_cast<uint32_t>(count));
  return {};
}

Outcome<> sock_shutdown(Process& process, HostCall& /*call*/, Fd fd, uint32_t how) {
  const auto socket = TENON_TRY(get_socket(process, fd, rights::sock_shutdown));
  int host_how = 0;
  switch (how) {
    case sdflags::rd:
      host_how = SHUT_RD;
      break;
    case sdflags::wr:
      host_how = SHUT_WR;
      break;
    case sdflags::all:
      host_how = SHUT_RDWR;
      break;
    default:
      return refuse(Errno::inval);
  }
  if (shutdown(socket->host(), host_how) != 0) {
    return host_failure();
  }
  return {};
}

}  // namespace tenon::wasi
