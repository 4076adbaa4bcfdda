#include "runtime/thread.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tenon::runtime {

namespace {

// What a host function may use of the native stack without asking; also what the guest is refused when less is left.
constexpr uintptr_t kNativeStackReserve = 256 * 1024;

}  // namespace

Result<std::unique_ptr<Thread>> Thread::create(uint64_t stack_bytes) {
  std::unique_ptr<Thread> thread(new Thread);
  thread->stack_cells_ = stack_bytes / sizeof(abi::Frame) * (sizeof(abi::Frame) / sizeof(abi::Cell));
  void* const stack = mmap(nullptr, thread->stack_cells_ * sizeof(abi::Cell), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) {
    return fail(ErrorKind::limit, "cannot reserve {} bytes for a thread's stack: {}", stack_bytes, strerror(errno));
  }
  thread->stack_ = static_cast<abi::Cell*>(stack);
  thread->values = thread->stack_begin();
  thread->frames = thread->stack_end();
  thread->adopt_native_stack();
  return thread;
}

Thread::~Thread() {
  for (abi::Exception* const thrown : exceptions) {
    std::free(thrown);
  }
  if (stack_ != nullptr) {
    munmap(stack_, stack_cells_ * sizeof(abi::Cell));
  }
}

bool Thread::raise(TrapKind kind, std::string message) {
  trap = Trap{kind, std::move(message), {}};
  pending = abi::Pending::trap;
  return false;
}

bool Thread::raise_exit(uint32_t code) {
  exit_code = code;
  pending = abi::Pending::exit;
  return false;
}

Error Thread::take_trap() {
  Error error{ErrorKind::trap, to_string(trap)};
  trap = Trap{};
  pending = abi::Pending::none;
  return error;
}

void Thread::adopt_native_stack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return;
  }
  void* lowest = nullptr;
  size_t bytes = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &bytes) == 0) {
    native_stack_limit = reinterpret_cast<uintptr_t>(lowest) + kNativeStackReserve;
  }
  pthread_attr_destroy(&attributes);
}

}  // namespace tenon::runtime
