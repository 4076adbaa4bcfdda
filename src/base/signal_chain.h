// Handlers of signals that leave what is not theirs to whoever had the signal before.
#pragma once

#include <signal.h>
#include <ucontext.h>

namespace tenon::base {

/// Calls the handler that `previous` holds, as the kernel would have. False when there is none: the signal was ignored,
/// or had its default action. Async-signal-safe, if that handler is.
inline bool call_previous_handler(const struct sigaction& previous, int signal_number, siginfo_t* info, void* context) {
  // Flags do not count for these two.
  if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    return false;
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal_number, info, context);
  } else {
    previous.sa_handler(signal_number);
  }
  return true;
}

/// For handlers that are left by a jump: what was blocked where the signal came is again what is blocked, whatever the
/// handler was entered with. (The thread sanitizer runs handlers with all signals blocked.) Async-signal-safe.
inline void restore_signal_mask(const void* context) {
  pthread_sigmask(SIG_SETMASK, &static_cast<const ucontext_t*>(context)->uc_sigmask, nullptr);
}

}  // namespace tenon::base
