// poll_oneoff: waiting for clocks and descriptors, any number of them at once.
//
// Everything waits in one ppoll(2). Its timeout is the nearest clock; when it comes back, all clocks and descriptors
// are looked at again, and what is due becomes events, in the order of the subscriptions. A subscription that cannot be
// waited for (no such descriptor, no right, no such clock) is an event at once, with its error.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "wasi/clocks.h"
#include "wasi/filestat.h"
#include "wasi/functions.h"
#include "wasi/system_call.h"

namespace tenon::wasi {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
// The longest that one ppoll waits. An absolute time of the realtime clock may come nearer while it does, when somebody
// sets that clock; so with one of those it looks again every second.
constexpr uint64_t kLongestWait = 3600 * kSecond;
constexpr uint64_t kLongestRealtimeWait = kSecond;

// A subscription, after both layouts.
struct Request {
  uint64_t userdata;
  uint8_t tag;
  uint32_t clock;
  uint64_t timeout;
  uint16_t clock_flags;
  Fd fd;
};

template <class Layout>
Request decode(const uint8_t* bytes) {
  Layout layout;
  std::memcpy(&layout, bytes, sizeof(layout));
  if (layout.tag == eventtype::clock) {
    return {layout.userdata, layout.tag, layout.clock.id, layout.clock.timeout, layout.clock.flags, 0};
  }
  return {layout.userdata, layout.tag, 0, 0, 0, layout.file_descriptor};
}

// A subscription that is being waited for.
struct Waiting {
  uint64_t userdata = 0;
  uint8_t tag = eventtype::clock;
  Errno error = Errno::success;    ///< why it cannot be waited for: due at once
  DescriptorReference descriptor;  ///< kept open while it is polled
  size_t polled = 0;               ///< index of its pollfd
  bool is_always_ready = false;    ///< a regular file or a directory
  clockid_t clock = CLOCK_MONOTONIC;
  uint64_t deadline = 0;
};

uint64_t saturating_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

class Poll {
 public:
  explicit Poll(Process& process) : process_(process) {}

  // inval for what is no subscription at all.
  Outcome<> add(const Request& request) {
    Waiting waiting;
    waiting.userdata = request.userdata;
    waiting.tag = request.tag;
    switch (request.tag) {
      case eventtype::clock:
        add_clock(request, waiting);
        break;
      case eventtype::fd_read:
      case eventtype::fd_write:
        add_descriptor(request, waiting);
        break;
      default:
        return refuse(Errno::inval);
    }
    waiting_.push_back(std::move(waiting));
    return {};
  }

  // Waits until something is due; returns those events, at least one.
  Outcome<std::vector<Event>> run(HostCall& call) {
    while (true) {
      const timespec timeout = from_timestamp(time_to_wait());
      if (ppoll(polled_.data(), polled_.size(), &timeout, nullptr) < 0) {
        if (errno != EINTR || is_interrupted(call)) {
          return host_failure();
        }
        for (pollfd& entry : polled_) {
          entry.revents = 0;
        }
      }
      auto events = collect();
      if (!events.empty()) {
        return events;
      }
    }
  }

 private:
  void add_clock(const Request& request, Waiting& waiting) const {
    const auto clock = host_clock(request.clock);
    if (!clock || (request.clock_flags & ~subclockflags::subscription_clock_abstime) != 0) {
      waiting.error = Errno::inval;
    } else if (*clock != CLOCK_REALTIME && *clock != CLOCK_MONOTONIC) {
      waiting.error = Errno::notsup;  // nobody waits for CPU time
    } else if ((request.clock_flags & subclockflags::subscription_clock_abstime) != 0) {
      waiting.clock = *clock;
      waiting.deadline = request.timeout;
    } else {
      waiting.deadline = saturating_add(started_, request.timeout);  // by the clock that nobody sets
    }
  }

  void add_descriptor(const Request& request, Waiting& waiting) {
    const bool reads = request.tag == eventtype::fd_read;
    auto descriptor = process_.descriptors.get(request.fd, rights::poll_fd_readwrite);
    if (!descriptor) {
      waiting.error = descriptor.error();
      return;
    }
    waiting.descriptor = std::move(*descriptor);
    if (waiting.descriptor->type == FileType::regular_file || waiting.descriptor->is_directory()) {
      waiting.is_always_ready = true;
      return;
    }
    if (const auto allowed = waiting.descriptor->require(reads ? rights::fd_read : rights::fd_write); !allowed) {
      waiting.error = allowed.error();
      return;
    }
    // One entry a descriptor, however often it is subscribed to: the host takes no more entries than it has
    // descriptors.
    const auto [found, is_new] = index_.try_emplace(waiting.descriptor->host(), polled_.size());
    if (is_new) {
      polled_.push_back({.fd = waiting.descriptor->host(), .events = 0, .revents = 0});
    }
    waiting.polled = found->second;
    polled_[waiting.polled].events |= reads ? POLLIN : POLLOUT;
  }

  [[nodiscard]] static uint64_t remaining(const Waiting& waiting) {
    const uint64_t time = now(waiting.clock);
    return waiting.deadline > time ? waiting.deadline - time : 0;
  }

  [[nodiscard]] uint64_t time_to_wait() const {
    uint64_t wait = kLongestWait;
    for (const Waiting& waiting : waiting_) {
      if (waiting.error != Errno::success || waiting.is_always_ready) {
        return 0;
      }
      if (waiting.tag == eventtype::clock) {
        wait = std::min(wait, remaining(waiting));
        if (waiting.clock == CLOCK_REALTIME) {
          wait = std::min(wait, kLongestRealtimeWait);
        }
      }
    }
    return wait;
  }

  [[nodiscard]] std::vector<Event> collect() const {
    std::vector<Event> events;
    for (const Waiting& waiting : waiting_) {
      Event event{};
      event.userdata = waiting.userdata;
      event.type = waiting.tag;
      event.error = static_cast<uint16_t>(waiting.error);
      bool is_due = waiting.error != Errno::success;
      if (!is_due && waiting.tag == eventtype::clock) {
        is_due = remaining(waiting) == 0;
      } else if (!is_due) {
        is_due = look(waiting, event);
      }
      if (is_due) {
        events.push_back(event);
      }
    }
    return events;
  }

  // Whether a descriptor is ready; what of it then.
  [[nodiscard]] bool look(const Waiting& waiting, Event& event) const {
    const bool reads = waiting.tag == eventtype::fd_read;
    if (waiting.is_always_ready) {
      event.nbytes = reads ? bytes_left(waiting.descriptor->host()) : 1;
      return true;
    }
    const short ready = polled_[waiting.polled].revents;
    // A hang-up or an error makes both ready: the read or write that follows says which.
    if ((ready & ((reads ? POLLIN : POLLOUT) | POLLHUP | POLLERR | POLLNVAL)) == 0) {
      return false;
    }
    if ((ready & POLLNVAL) != 0) {  // a standard stream that the host has closed
      event.error = static_cast<uint16_t>(Errno::badf);
    }
    if ((ready & (POLLHUP | POLLERR)) != 0) {
      event.flags = eventrwflags::fd_readwrite_hangup;
    }
    int bytes = 0;
    if (reads && ioctl(waiting.descriptor->host(), FIONREAD, &bytes) == 0 && bytes > 0) {
      event.nbytes = static_cast<uint64_t>(bytes);
    } else if (!reads && (ready & POLLOUT) != 0) {
      event.nbytes = 1;  // at least
    }
    return true;
  }

  [[nodiscard]] static uint64_t bytes_left(int descriptor) {
    struct stat status{};
    const off_t position = lseek(descriptor, 0, SEEK_CUR);
    if (position < 0 || fstat(descriptor, &status) != 0 || status.st_size < position) {
      return 0;
    }
    return static_cast<uint64_t>(status.st_size - position);
  }

  Process& process_;
  const uint64_t started_ = now(CLOCK_MONOTONIC);
  std::vector<Waiting> waiting_;
  std::vector<pollfd> polled_;
  std::unordered_map<int, size_t> index_;  ///< in polled_, by host descriptor
};

template <class Layout>
Outcome<> poll_with(Process& process, HostCall& call, Address in, Address out, uint32_t count, Address result) {
  if (count == 0 || count > process.limits.subscriptions) {
    return refuse(Errno::inval);
  }
  const uint8_t* const subscriptions = call.span(in, uint64_t{count} * sizeof(Layout));
  uint8_t* const events_out = call.span(out, uint64_t{count} * sizeof(Event));
  if (subscriptions == nullptr || events_out == nullptr) {
    return refuse(Errno::fault);
  }
  const auto stored = TENON_TRY(GuestResult<uint32_t>::at(call, result));
  Poll poll(process);
  for (uint32_t i = 0; i < count; ++i) {
    TENON_CHECK(poll.add(decode<Layout>(subscriptions + size_t{i} * sizeof(Layout))));
  }
  const auto events = TENON_TRY(poll.run(call));
  std::memcpy(events_out, events.data(), events.size() * sizeof(Event));  // no more than subscriptions
  stored.set(static_cast<uint32_t>(events.size()));
  return {};
}

}  // namespace

Outcome<> poll_oneoff(Process& process, HostCall& call, Address in, Address out, uint32_t count, Address result) {
  return poll_with<Subscription>(process, call, in, out, count, result);
}

Outcome<> unstable_poll_oneoff(Process& process, HostCall& call, Address in, Address out, uint32_t count,
                               Address result) {
  return poll_with<unstable::Subscription>(process, call, in, out, count, result);
}

}  // namespace tenon::wasi
