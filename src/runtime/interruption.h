// What one thread asks of another that runs guest code: to leave it, or to say what it is in the middle of.
//
// Compiled code does not look whether it was asked, so that it costs nothing: it is sent a signal, whose handler finds
// everything in place at any instruction. Interpreted code looks at abi::Thread::interrupt where it jumps back and
// where it calls, and so does whoever calls a host function, afterwards.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>

namespace tenon::runtime {

class Thread;

/// Bits of abi::Thread::interrupt.
enum Interruption : uint32_t {
  kLeave = 1,   ///< trap with `interrupted`
  kAnswer = 2,  ///< answer Thread::question
};

/// What kInterruptSignal is. It is ignored unless somebody asks for it, and programs that do get those that are theirs.
constexpr int kInterruptSignal = SIGURG;

/// Makes `thread`, which the host's thread `runner` is running, trap with `interrupted`: compiled code at the
/// instruction that it is at, interpreted code at its next jump back or call, `memory.atomic.wait` at once, other host
/// functions and waiting calls of WASI after they have come back. Thread-safe; the caller sees to it that neither
/// thread ends meanwhile, sends it again when what it has hit was just about to wait, and calls withdraw_interrupt()
/// when the thread is to run again.
void interrupt(Thread& thread, pthread_t runner);
void withdraw_interrupt(Thread& thread);
/// Makes the calling OS thread let the signal through, whatever it has blocked.
void accept_interrupts();

/// Words of a thread's registers and native stack that its guest code, and what runs on its behalf, may still use. None
/// where a thread is in a call of a host function, or between two instructions of interpreted code: then its calls in
/// progress, as a backtrace shows them, are all that there is.
struct LiveWords {
  uintptr_t position = 0;  ///< the program counter
  const uintptr_t* registers = nullptr;
  size_t register_count = 0;
  const uintptr_t* stack = nullptr;      ///< from here
  const uintptr_t* stack_end = nullptr;  ///< up to here
};

/// Asked of threads one at a time; each answers for itself.
class Question {
 public:
  Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  /// Called once by each thread that is asked, perhaps in a signal handler: async-signal-safe. `thread.frames` and
  /// `thread.native` are as they are for a backtrace.
  virtual void answer(Thread& thread, const LiveWords& words) = 0;

 protected:
  ~Question() = default;
};

/// Asks `thread`, which the host's thread `runner` is running. When it answers is its own matter: compiled code and who
/// waits in a host function does at once, interpreted code soon, and who is in the middle of something of the runtime's
/// has to be asked again. Nobody waits. A question that it has not answered yet is replaced. Thread-safe; the caller
/// sees to it that neither thread ends meanwhile.
void ask(Thread& thread, pthread_t runner, Question& question);
/// Sends again what ask() sent, for a question that is not answered yet.
void remind(Thread& thread, pthread_t runner);
/// The thread will not answer `question` any more. True: it has not.
bool withdraw(Thread& thread, Question& question);

/// What the thread itself does where its state is stored, in guest code or in what guest code has called: answers what
/// it was asked, by its calls in progress, and by its native stack when the linker is further out in it.
void answer_here(Thread& thread);

/// What the thread itself does that has come out of guest code and holds nothing of it: answers what it was asked.
void answer_outside(Thread& thread);

/// What a thread does that finds its `interrupt` not 0 where guest code may be left and the thread's state is stored.
/// False: a trap is pending.
[[nodiscard]] bool poll(Thread& thread);

}  // namespace tenon::runtime
