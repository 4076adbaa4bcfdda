// The two things that a system call made for a guest must not do: wait when the guest is to be interrupted, and end the
// host by a signal. Every call that may wait for longer than a disk goes through waiting(); no lock is held there.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include "runtime/host.h"
#include "runtime/interruption.h"

namespace tenon::wasi {

[[nodiscard]] inline bool is_interrupted(runtime::HostCall& call) {
  return (call.thread().interrupt.load(std::memory_order_relaxed) & runtime::kLeave) != 0;
}

/// Makes a system call (something that returns a negative value and sets errno when it fails) again for as long as
/// signals cut it short, but not when the guest is to be interrupted: then it fails with EINTR.
template <class SystemCall>
[[nodiscard]] auto waiting(runtime::HostCall& call, SystemCall&& system_call) {
  while (true) {
    const auto result = system_call();
    if (result >= 0 || errno != EINTR || is_interrupted(call)) {
      return result;
    }
  }
}

/// A write to a pipe that nobody reads raises SIGPIPE, one beyond the process's file size limit raises SIGXFSZ, and
/// both end the process unless it has made provision. These signals are raised in the writing thread, so it keeps them
/// off for the time of the call and takes them back. No other signal is touched: what interrupts a thread still does.
// sandbox: without it a guest whose output nobody reads ends the host.
template <class SystemCall>
[[nodiscard]] auto without_write_signals(SystemCall&& system_call) {
  sigset_t raised;
  sigset_t before;
  sigemptyset(&raised);
  sigaddset(&raised, SIGPIPE);
  sigaddset(&raised, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &raised, &before);
  const auto result = system_call();
  const int error = errno;
  if (result < 0 && (error == EPIPE || error == EFBIG)) {
    const int signal_number = error == EPIPE ? SIGPIPE : SIGXFSZ;
    if (sigismember(&before, signal_number) == 0) {
      sigset_t one;
      sigemptyset(&one);
      sigaddset(&one, signal_number);
      const timespec no_wait{};
      while (sigtimedwait(&one, nullptr, &no_wait) < 0 && errno == EINTR) {
      }
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return result;
}

}  // namespace tenon::wasi
