#include "link/time_limit.h"

namespace tenon::link {

TimeLimit::TimeLimit(Program& program, std::chrono::nanoseconds time)
    : program_(program), end_(std::chrono::steady_clock::now() + time), thread_([this] { wait(); }) {}

TimeLimit::~TimeLimit() {
  {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
  }
  done_.notify_one();
  thread_.join();
}

bool TimeLimit::is_over() const {
  const std::scoped_lock lock(mutex_);
  return is_over_;
}

void TimeLimit::wait() {
  // An interruption may come just before a thread waits: the next one ends that.
  constexpr auto kStep = std::chrono::milliseconds(5);
  std::unique_lock lock(mutex_);
  auto next = end_;
  while (!done_.wait_until(lock, next, [this] { return is_done_; })) {
    is_over_ = true;
    lock.unlock();
    program_.interrupt();
    lock.lock();
    next = std::chrono::steady_clock::now() + kStep;
  }
}

}  // namespace tenon::link
