#include "runtime/thread.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tenon::runtime {

namespace {

// What a host function may use of the native stack without asking; also what the guest is refused when less is left.
constexpr uintptr_t kNativeStackReserve = uintptr_t{256} * 1024;

// The kernel keeps other mappings at least 128 MiB away from where the first thread's stack begins.
constexpr rlim_t kMostWithoutNeighbours = 64 << 20;

struct StackBounds {
  uintptr_t lowest = 0;
  uintptr_t end = 0;
};

// Where the stack of the process's first thread is at most, when that is the one that runs; 0 when it is not, or when
// the stack may end earlier. pthread_getattr_np says so too, but reads all mappings of the process to find out, which
// is a good part of what a short program takes.
StackBounds main_stack() {
  // The kernel puts the file's name at the very top, above the arguments and the environment.
  const auto* const name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  rlimit limit{};
  if (name == nullptr || gettid() != getpid() || getrlimit(RLIMIT_STACK, &limit) != 0 ||
      limit.rlim_cur > kMostWithoutNeighbours) {
    return {};
  }
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t top = (reinterpret_cast<uintptr_t>(name) + strlen(name) + page) / page * page;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return here < top && top - here < limit.rlim_cur
             ? StackBounds{top - limit.rlim_cur, reinterpret_cast<uintptr_t>(name)}
             : StackBounds{};
}

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
  thread->overflow_cells_ = std::make_unique_for_overwrite<abi::Cell[]>(abi::kOverflowCells);
  thread->overflow = thread->overflow_cells_.get();
  thread->adopt_native_stack();
  return thread;
}

void Thread::recycle() {
  free_exceptions();
  stack_pointer = {};
  interrupt.store(0, std::memory_order_relaxed);
  pending = abi::Pending::none;
  trap = {};
  exit_code = 0;
  native = nullptr;
  values = stack_begin();
  frames = stack_end();
  position = nullptr;
  exception = nullptr;
  stack_low = 0;
  tail_frame = nullptr;
  tail_call = {};
}

void Thread::free_exceptions() {
  for (abi::Exception* const thrown : exceptions) {
    std::free(thrown);
  }
  exceptions.clear();
  exceptions_kept = 0;
}

Thread::~Thread() {
  free_exceptions();
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
  if (const StackBounds bounds = main_stack(); bounds.lowest != 0) {
    native_stack_limit = bounds.lowest + kNativeStackReserve;
    native_stack_end = bounds.end;
    live_end = native_stack_end;
    return;
  }
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return;
  }
  void* lowest = nullptr;
  size_t bytes = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &bytes) == 0) {
    native_stack_limit = reinterpret_cast<uintptr_t>(lowest) + kNativeStackReserve;
    native_stack_end = reinterpret_cast<uintptr_t>(lowest) + bytes;
    live_end = native_stack_end;
  }
  pthread_attr_destroy(&attributes);
}

}  // namespace tenon::runtime
