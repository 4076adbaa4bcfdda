// Threads, made by the host: what the kernel does for musl's thread sources, and what they leave to it. docs/threads.md
// has the contract between this file and the host.
//
// musl's own files do all that needs nothing but futexes: mutexes, conditions, locks, barriers, keys, semaphores.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libc.h"
#include "lock.h"
#include "pthread_impl.h"
#include "stdio_impl.h"

_Thread_local struct pthread* __wasilibc_self;

// ---- What the host may give. Asked for by address only, so that a host without them has nothing to resolve ---------

// Runs what the calling thread registered with __cxa_thread_atexit_impl.
extern weak void __call_tls_dtors(void);
// Leaves all frames of the calling thread, and the thread; after that, makes `*alive` 0 and wakes who waits for that.
extern weak _Noreturn void __tenon_thread_exit(volatile int* alive);
// libsetjmp's, when that is loaded: calls `function`, and comes back from within it.
extern weak void __wasilibc_unwind_call(void* environment, void (*function)(void*), void* argument);
extern weak void __wasilibc_unwind_throw(void* environment);
// libc++abi's, when that is loaded: calls `function`, and ends the program when an exception of C++ leaves it.
extern weak void __wasilibc_call_noexcept(void (*function)(void*), void* argument);

// Of libc itself, if they are linked: free the buffers of the calling thread.
extern weak hidden void __wasilibc_free_path_buffers(void);
extern weak hidden void __wasilibc_free_chdir_buffers(void);

// Where the main thread's stack lies, as linker or host know it.
extern weak unsigned char __stack_low, __stack_high;

// A call through such a pointer stays one: the compiler would make a direct call of it, which is an import of its own.
#define IF_THERE(function) ((__typeof__(&function) volatile){&function})

extern int __wasi_thread_spawn(void* start) __attribute__((import_module("wasi"), import_name("thread-spawn")));

// ---- Futexes -------------------------------------------------------------------------------------------------------

long __wasilibc_futex(volatile void* address, int operation, int value, const struct timespec* timeout) {
  switch (operation & ~FUTEX_PRIVATE) {
    case FUTEX_WAIT: {
      const long long nanoseconds = timeout ? timeout->tv_sec * 1000000000LL + timeout->tv_nsec : -1;
      const int result = __builtin_wasm_memory_atomic_wait32((int*)address, value, nanoseconds);
      return result == 2 ? -ETIMEDOUT : result == 1 ? -EAGAIN : 0;
    }
    case FUTEX_REQUEUE:  // all are woken instead and look again, as waiters do anyway
      value = INT_MAX;
      // fall through
    case FUTEX_WAKE:
      return __builtin_wasm_memory_atomic_notify((int*)address, value);
  }
  return -ENOSYS;
}

static int time_until(clockid_t clock, const struct timespec* at, struct timespec* left) {
  const long second = 1000000000;
  struct timespec now;
  if (at->tv_nsec < 0 || at->tv_nsec >= second || clock_gettime(clock, &now) != 0) {
    return EINVAL;
  }
  left->tv_sec = at->tv_sec - now.tv_sec;
  left->tv_nsec = at->tv_nsec - now.tv_nsec;
  if (left->tv_nsec < 0) {
    left->tv_sec -= 1;
    left->tv_nsec += second;
  }
  return left->tv_sec < 0 ? ETIMEDOUT : 0;
}

static int is_cancelled(const struct pthread* self) {
  return self->cancel && self->canceldisable != PTHREAD_CANCEL_DISABLE;
}

// A point of cancellation. Whoever is cancelled and is given what it waits for at the same time takes it, or it would
// be lost.
int __timedwait_cp(volatile int* address, int value, clockid_t clock, const struct timespec* at, int private) {
  struct timespec left;
  if (at) {
    const int error = time_until(clock, at, &left);
    if (error) {
      return error;
    }
  }
  struct pthread* const self = __pthread_self();
  self->waits_at = address;
  a_barrier();  // pthread_cancel sets the one and looks at the other in the opposite order
  long result = 0;
  if (!is_cancelled(self)) {
    result = __wasilibc_futex(address, FUTEX_WAIT, value, at ? &left : NULL);
  }
  self->waits_at = NULL;
  if (is_cancelled(self) && *address == value) {
    if (self->canceldisable == PTHREAD_CANCEL_MASKED) {
      return ECANCELED;
    }
    __pthread_exit(PTHREAD_CANCELED);
  }
  return result == -ETIMEDOUT ? ETIMEDOUT : 0;
}

int __timedwait(volatile int* address, int value, clockid_t clock, const struct timespec* at, int private) {
  int before;
  __pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  const int error = __timedwait_cp(address, value, clock, at, private);
  __pthread_setcancelstate(before, NULL);
  return error;
}

// ---- The list of threads, a ring, and its lock: its owner's identifier, or 0. The owner may take it again ----------

volatile int __thread_list_lock;
static int list_lock_depth;
static int list_lock_waiters;

void __tl_lock(void) {
  const int me = __pthread_self()->tid;
  if (__thread_list_lock == me) {
    ++list_lock_depth;
    return;
  }
  for (int owner = a_cas(&__thread_list_lock, 0, me); owner; owner = a_cas(&__thread_list_lock, 0, me)) {
    __wait(&__thread_list_lock, &list_lock_waiters, owner, 0);
  }
}

void __tl_unlock(void) {
  if (list_lock_depth > 0) {
    --list_lock_depth;
    return;
  }
  a_store(&__thread_list_lock, 0);
  if (list_lock_waiters > 0) {
    __wake(&__thread_list_lock, 1, 0);
  }
}

static void link_after(struct pthread* thread, struct pthread* after) {
  thread->next = after->next;
  thread->prev = after;
  thread->next->prev = thread;
  after->next = thread;
}

static void unlink_thread(struct pthread* thread) {
  thread->next->prev = thread->prev;
  thread->prev->next = thread->next;
  thread->prev = thread->next = thread;
}

// ---- What a thread has ---------------------------------------------------------------------------------------------

// The first four are known to the host, or to start.s.
struct start {
  void* stack;  // where it begins: above its highest byte
  void* tls;
  volatile int alive;
  void* stack_low;  // its lowest byte
  int is_c11;
  void* (*function)(void*);
  void* argument;
  struct pthread* self;
  struct start* next_ended;
  int unwinds;  // whether `environment` is what __wasilibc_unwind_throw can come back to
  unsigned long environment[32];
};
_Static_assert(offsetof(struct start, stack) == 0 && offsetof(struct start, tls) == 4 &&
                   offsetof(struct start, alive) == 8 && offsetof(struct start, stack_low) == 12,
               "the contract with the host");

// What pthread_create allocates begins with one; libc's thread-local block and the stack follow.
struct block {
  struct start start;
  struct pthread thread;
  void* keys[PTHREAD_KEYS_MAX];
};

// Identifiers of the host are from 1 to 0x1fffffff; musl's locks have room for 30 bits.
enum { main_tid = 0x3ffffffe, first_foreign_tid = 0x30000000 };

static struct pthread main_thread;
static volatile int main_thread_is_made;
static volatile int next_foreign_tid = first_foreign_tid;

static void allow_locking(FILE* file) {
  if (file && file->lock < 0) {
    file->lock = 0;
  }
}

// From the second thread on, locks are taken.
static void become_threaded(void) {
  if (libc.threaded) {
    return;
  }
  for (FILE* file = *__ofl_lock(); file; file = file->next) {
    allow_locking(file);
  }
  __ofl_unlock();
  allow_locking(__stdin_used);
  allow_locking(__stdout_used);
  allow_locking(__stderr_used);
  libc.can_do_threads = libc.threaded = 1;
  libc.need_locks = 1;
}

// For the first thread that comes, which is the main thread, and for every other one that pthread_create did not make:
// the host may enter the guest in threads of its own.
struct pthread* __wasilibc_make_self(void) {
  struct pthread* self = &main_thread;
  if (!a_swap(&main_thread_is_made, 1)) {
    self->tid = main_tid;
    self->tsd = __pthread_tsd_main;
    self->detach_state = DT_JOINABLE;
    if (&__stack_low && &__stack_high) {
      self->stack = &__stack_high;
      self->stack_size = (size_t)(&__stack_high - &__stack_low);
    }
  } else {
    struct block* const block = __libc_calloc(1, sizeof *block);
    if (!block) {
      a_crash();
    }
    self = &block->thread;
    self->tid = a_fetch_add(&next_foreign_tid, 1);
    self->tsd = block->keys;
    self->detach_state = DT_DETACHED;
  }
  self->self = self->next = self->prev = self;
  self->locale = &libc.global_locale;
  self->robust_list.head = &self->robust_list.head;
  __wasilibc_self = self;
  if (self != &main_thread) {
    become_threaded();
    __tl_lock();
    link_after(self, &main_thread);
    __tl_unlock();
  }
  return self;
}

// Before anything of the program runs, so that no thread of the host's comes first.
__attribute__((constructor(50))) static void make_main_thread(void) {
  __pthread_self();
}

// ---- Thread-local blocks for hosts that want libc to allocate them -------------------------------------------------

static _Thread_local void* tls_blocks;  // a list, by the first word of each

// A block for some module's thread-local data, all zero. Freed when the calling thread ends.
void* __wasilibc_tls_alloc(size_t size, size_t align) {
  if (align < 16) {
    align = 16;
  }
  const size_t total = (size + align + align - 1) & -align;
  void** const block = aligned_alloc(align, total);
  if (!block) {
    return NULL;
  }
  memset(block, 0, total);
  *block = tls_blocks;
  tls_blocks = block;
  return (char*)block + align;
}

static void free_buffers(void) {
  if (&__wasilibc_free_path_buffers) {
    __wasilibc_free_path_buffers();
  }
  if (&__wasilibc_free_chdir_buffers) {
    __wasilibc_free_chdir_buffers();
  }
}

static void free_tls_blocks(void) {
  while (tls_blocks) {
    void** const block = tls_blocks;
    tls_blocks = *block;
    free(block);
  }
}

// ---- The end of a thread -------------------------------------------------------------------------------------------

// Detached threads that have ended, or are about to. Who uses a block's stack cannot free it: a later pthread_create
// does.
static struct start* ended;
static volatile int ended_lock[1];

static void free_ended(void) {
  struct start** link = &ended;
  struct start* to_free = NULL;
  LOCK(ended_lock);
  while (*link) {
    struct start* const start = *link;
    if (start->alive) {
      link = &start->next_ended;
    } else {
      *link = start->next_ended;
      start->next_ended = to_free;
      to_free = start;
    }
  }
  UNLOCK(ended_lock);
  while (to_free) {
    struct start* const start = to_free;
    to_free = start->next_ended;
    free(start);
  }
}

// What pthread_join does with a thread's memory, which is a `struct block`: libc maps none.
int __munmap(void* memory, size_t size) {
  struct start* const start = memory;
  while (start->alive) {
    __wasilibc_futex(&start->alive, FUTEX_WAIT, 1, NULL);
  }
  free(start);
  return 0;
}

// Whoever waits for a robust mutex of a thread that ends gets it, marked as left by a dead owner.
static void abandon_robust_mutexes(struct pthread* self) {
  enum { owner_died = 0x40000000 };
  volatile void* volatile* const end = &self->robust_list.head;
  for (volatile void* volatile* link = self->robust_list.head; link && link != end; link = self->robust_list.head) {
    pthread_mutex_t* const mutex = (pthread_mutex_t*)((char*)link - offsetof(pthread_mutex_t, _m_next));
    const int had_waiters = mutex->_m_waiters;
    self->robust_list.head = *link;
    const int before = a_swap(&mutex->_m_lock, owner_died);
    if (had_waiters || before < 0) {
      __wake(&mutex->_m_lock, 1, 1);
    }
  }
}

// They lie in the frames of the functions that pushed them.
static void run_cancellation_handlers(struct pthread* self) {
  self->canceldisable = PTHREAD_CANCEL_DISABLE;
  self->cancelasync = 0;
  for (struct __ptcb* handler; (handler = self->cancelbuf);) {
    self->cancelbuf = handler->__next;
    handler->__f(handler->__x);
  }
}

// What runs code of the program's.
static void run_handlers(struct pthread* self) {
  run_cancellation_handlers(self);
  if (&__call_tls_dtors) {
    IF_THERE(__call_tls_dtors)();
  }
  __pthread_tsd_run_dtors();
}

static void finish(void* result) {
  struct pthread* const self = __pthread_self();
  self->result = result;
  run_handlers(self);
  const int state = a_cas(&self->detach_state, DT_JOINABLE, DT_EXITING);  // from now on, pthread_detach waits
  abandon_robust_mutexes(self);
  __do_orphaned_stdio_locks();
  free_buffers();
  free_tls_blocks();
  struct start* const start = (struct start*)self->map_base;  // null in threads of the host's
  __tl_lock();
  unlink_thread(self);
  if (start) {
    a_dec(&libc.threads_minus_1);
    __wake(&libc.threads_minus_1, -1, 1);
  }
  __tl_unlock();
  if (state == DT_DETACHED && start) {
    LOCK(ended_lock);
    start->next_ended = ended;
    ended = start;
    UNLOCK(ended_lock);
  } else {
    a_store(&self->detach_state, DT_EXITED);
    __wake(&self->detach_state, -1, 1);
  }
}

// Ends a thread of the host's own as far as libc has to do with it. After that the thread may call libc only when it
// has a new thread-local block of libc's.
void __wasilibc_thread_leave(void) {
  struct pthread* const self = __wasilibc_self;
  if (!self || self == &main_thread || self->map_base) {
    return;
  }
  finish(NULL);
  __wasilibc_self = NULL;
  free((char*)self - offsetof(struct block, thread));
}

// The program goes on until the other threads have ended.
static _Noreturn void exit_main_thread(struct pthread* self, void* result) {
  self->result = result;
  run_handlers(self);
  a_store(&self->detach_state, DT_EXITED);
  __wake(&self->detach_state, -1, 1);
  for (int others; (others = *(volatile int*)&libc.threads_minus_1);) {
    __wasilibc_futex(&libc.threads_minus_1, FUTEX_WAIT, others, NULL);
  }
  exit(0);
}

hidden _Noreturn void __wasilibc_park(struct start* start, const volatile int* never);

_Noreturn void __pthread_exit(void* result) {
  struct pthread* const self = __pthread_self();
  struct start* const start = (struct start*)self->map_base;
  if (self == &main_thread) {
    exit_main_thread(self, result);
  }
  if (!start) {
    a_crash();  // it is the host that called
  }
  if (start->unwinds) {
    self->result = result;
    run_cancellation_handlers(self);
    IF_THERE(__wasilibc_unwind_throw)(start->environment);
    a_crash();
  }
  finish(result);
  if (&__tenon_thread_exit) {
    IF_THERE(__tenon_thread_exit)(&start->alive);
    a_crash();
  }
  static const volatile int never;
  __wasilibc_park(start, &never);
}

// ---- The beginning of a thread -------------------------------------------------------------------------------------

static void call(void* start_of_thread) {
  struct start* const start = start_of_thread;
  start->self->result = start->is_c11 ? (void*)(intptr_t)((int (*)(void*))start->function)(start->argument)
                                      : start->function(start->argument);
}

static void run(void* start_of_thread) {
  if (&__wasilibc_call_noexcept) {
    IF_THERE(__wasilibc_call_noexcept)(call, start_of_thread);
  } else {
    call(start_of_thread);
  }
}

hidden void __wasilibc_run_thread(int tid, struct start* start) {
  struct pthread* const self = start->self;
  __wasilibc_self = self;
  self->tid = tid;
  if (&__wasilibc_unwind_call && &__wasilibc_unwind_throw) {
    start->unwinds = 1;
    IF_THERE(__wasilibc_unwind_call)(start->environment, run, start);
    start->unwinds = 0;
  } else {
    run(start);
  }
  finish(self->result);
}

static size_t round_up(size_t size, size_t alignment) {
  return (size + alignment - 1) & -alignment;
}

int __pthread_create(pthread_t* restrict result, const pthread_attr_t* restrict attributes, void* (*function)(void*),
                     void* restrict argument) {
  const int is_c11 = attributes == __ATTRP_C11_THREAD;
  const pthread_attr_t defaults = {0};
  const pthread_attr_t* const wanted = attributes && !is_c11 ? attributes : &defaults;
  become_threaded();
  free_ended();

  const size_t tls_alignment = __builtin_wasm_tls_align() < 16 ? 16 : __builtin_wasm_tls_align();
  const size_t tls_offset = round_up(sizeof(struct block), tls_alignment);
  const size_t stack_offset = round_up(tls_offset + __builtin_wasm_tls_size(), 16);
  const int brings_stack = wanted->_a_stackaddr != 0;
  const size_t stack_size = round_up(wanted->_a_stacksize ? wanted->_a_stacksize : __default_stacksize, 16);
  const size_t size = stack_offset + (brings_stack ? 0 : stack_size);
  if (stack_size > PTRDIFF_MAX) {
    return EAGAIN;
  }
  char* const memory = aligned_alloc(tls_alignment, round_up(size, tls_alignment));
  if (!memory) {
    return EAGAIN;
  }
  memset(memory, 0, stack_offset);
  struct block* const block = (struct block*)memory;
  struct pthread* const thread = &block->thread;

  char* const stack = brings_stack ? (char*)(wanted->_a_stackaddr & -16UL) : memory + stack_offset + stack_size;
  block->start = (struct start){
      .stack = stack,
      .tls = memory + tls_offset,
      .alive = 1,
      .stack_low = brings_stack ? (char*)(wanted->_a_stackaddr - wanted->_a_stacksize) : memory + stack_offset,
      .is_c11 = is_c11,
      .function = function,
      .argument = argument,
      .self = thread,
  };
  thread->self = thread;
  thread->map_base = (unsigned char*)memory;
  thread->map_size = size;
  thread->stack = stack;
  thread->stack_size = stack_size;
  thread->tsd = block->keys;
  thread->locale = &libc.global_locale;
  thread->detach_state = wanted->_a_detach ? DT_DETACHED : DT_JOINABLE;
  thread->robust_list.head = &thread->robust_list.head;

  // Until the lock is given back, the new thread cannot end, so `thread` is there.
  __tl_lock();
  link_after(thread, __pthread_self());
  a_inc(&libc.threads_minus_1);
  *result = thread;
  const int tid = __wasi_thread_spawn(&block->start);
  if (tid > 0) {
    thread->tid = tid;
  } else {
    unlink_thread(thread);
    a_dec(&libc.threads_minus_1);
  }
  __tl_unlock();
  if (tid > 0) {
    return 0;
  }
  free(memory);
  return EAGAIN;
}

weak_alias(__pthread_exit, pthread_exit);
weak_alias(__pthread_create, pthread_create);

// ---- Cancellation: it is deferred, and happens at pthread_testcancel and where musl's sources wait -----------------

void __testcancel(void) {
  struct pthread* const self = __wasilibc_self;
  if (self && self->cancel && !self->canceldisable) {
    __pthread_exit(PTHREAD_CANCELED);
  }
}

int pthread_cancel(pthread_t thread) {
  a_store(&thread->cancel, 1);
  if (thread == __pthread_self()) {
    if (!thread->canceldisable && thread->cancelasync) {
      __pthread_exit(PTHREAD_CANCELED);
    }
    return 0;
  }
  // It may be about to wait, and will be there at the next try; with the lock held it cannot have gone by then.
  __tl_lock();
  for (volatile int* at; (at = thread->waits_at) && thread->canceldisable != PTHREAD_CANCEL_DISABLE;) {
    __wake(at, -1, 1);
    sched_yield();
  }
  __tl_unlock();
  return 0;
}

void __do_cleanup_push(struct __ptcb* handler) {
  struct pthread* const self = __pthread_self();
  handler->__next = self->cancelbuf;
  self->cancelbuf = handler;
}

void __do_cleanup_pop(struct __ptcb* handler) {
  __pthread_self()->cancelbuf = handler->__next;
}

// ---- Properties ----------------------------------------------------------------------------------------------------

// The attribute is the clock, 0 or 1 for the monotonic one, and in the highest bit whether processes share the
// condition.
int pthread_condattr_setclock(pthread_condattr_t* attributes, clockid_t clock) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
    return EINVAL;
  }
  attributes->__attr = (attributes->__attr & 1U << 31) + (clock == CLOCK_MONOTONIC);
  return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t* restrict attributes, clockid_t* restrict clock) {
  *clock = attributes->__attr << 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  return 0;
}

int pthread_getattr_np(pthread_t thread, pthread_attr_t* attributes) {
  *attributes = (pthread_attr_t){0};
  attributes->_a_detach = thread->detach_state >= DT_DETACHED;
  attributes->_a_stackaddr = (uintptr_t)thread->stack;
  attributes->_a_stacksize = thread->stack_size;
  return 0;
}

// ---- What WASI cannot do, for programs that can do without ---------------------------------------------------------

// There is no fork.
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  return 0;
}

int pthread_setname_np(pthread_t thread, const char* name) {
  return strnlen(name, 16) > 15 ? ERANGE : 0;
}

int pthread_kill(pthread_t thread, int signal) {
  return signal != 0 ? ENOSYS : thread->tid ? 0 : ESRCH;
}

int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param* parameters) {
  return ENOSYS;
}

int pthread_getschedparam(pthread_t thread, int* restrict policy, struct sched_param* restrict parameters) {
  *policy = SCHED_OTHER;
  parameters->sched_priority = 0;
  return 0;
}

int pthread_setschedprio(pthread_t thread, int priority) {
  return ENOSYS;
}

int pthread_getcpuclockid(pthread_t thread, clockid_t* clock) {
  return ENOSYS;
}
