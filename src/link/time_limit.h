// A time limit for a program.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "link/program.h"

namespace tenon::link {

/// Interrupts a program once its time is over, again and again until this goes: so that nothing that it does later is
/// begun, either. Made before what it limits, by any thread.
class TimeLimit {
 public:
  /// `program` must outlive it.
  TimeLimit(Program& program, std::chrono::nanoseconds time);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  /// Whether the program has been interrupted by this. Thread-safe.
  [[nodiscard]] bool is_over() const;

 private:
  void wait();

  Program& program_;
  std::chrono::steady_clock::time_point end_;
  mutable std::mutex mutex_;  ///< guards the next two; no other lock is taken under it
  bool is_over_ = false;
  bool is_done_ = false;  ///< this goes
  std::condition_variable done_;
  std::thread thread_;  ///< last: it uses the others
};

}  // namespace tenon::link
