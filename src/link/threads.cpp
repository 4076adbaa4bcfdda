#include "link/threads.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <shared_mutex>
#include <utility>

#include "interp/interp.h"
#include "link/binding.h"
#include "link/evaluate.h"
#include "link/guest_call.h"
#include "link/instantiate.h"
#include "link/namespace.h"
#include "link/unload.h"
#include "runtime/wait.h"

namespace tenon::link {

namespace {

// Errnos of WASI.
constexpr int32_t kAgain = 6;
constexpr int32_t kNotSupported = 58;

constexpr uint64_t kMinimumHostStack = 4096;

/// A signal may hit a thread that is just about to wait, or in the runtime on behalf of compiled code, which does not
/// look afterwards: so it is sent again after this.
constexpr auto kInterruptAgain = std::chrono::milliseconds(2);

/// Identifiers of wasi-threads: 1 to this. Those of threads of the host's are larger.
constexpr int32_t kMaximumId = 0x1fffffff;

const wasm::FunctionType& start_type() {
  static const wasm::FunctionType type{{wasm::ValueType::i32, wasm::ValueType::i32}, {}};
  return type;
}

Result<std::unique_ptr<GuestThread>> make_thread(Namespace& program, GuestThread::Kind kind) {
  auto thread =
      TENON_TRY(GuestThread::create(kind, program.options.interpreter_stack, program.options.maximum_libraries + 1));
  (void)TENON_TRY(thread->add_instance(*program.dso(HostModules::kDso), 0));
  return thread;
}

/// Room for the thread-local block of `dso` in a thread that does not run yet, so that it need not fail later.
Result<> reserve_tls_block(Namespace& program, GuestThread& thread, const Dso& dso) {
  if (const auto needs = TENON_TRY(tls_needs(dso))) {
    thread.keep_block(dso.index, TENON_TRY(program.placement.take_block(program, needs->size, needs->alignment,
                                                                        "the thread-local block of " + dso.name)));
  }
  return {};
}

void give_blocks(Namespace& program, GuestThread& thread) {
  for (const MemoryRange& block : thread.take_blocks()) {
    program.placement.give_block(program, block);
  }
}

/// What --preload-all, and a library opened with RTLD_NOW, ask of a new thread: its instances, before it needs them.
Result<> make_early(Namespace& program, GuestThread& thread) {
  std::vector<uint32_t> early;
  {
    const std::shared_lock lock(program.link_map_lock);
    for (const Dso* const dso : program.link_map) {
      const bool is_wanted = program.options.lazy_loading == LazyLoading::none || dso->bound_now;
      if (is_wanted && dso->state == State::ready && thread.instance(*dso) == nullptr) {
        early.push_back(dso->index);
      }
    }
  }
  const auto is_there = [&](uint32_t dso) {
    const std::shared_lock lock(program.link_map_lock);
    return program.dsos[dso] != nullptr && program.dsos[dso]->state != State::gone;
  };
  for (const uint32_t dso : early) {
    if (thread.instance(dso) == nullptr && instance_for_thread(program, thread.state(), dso) == nullptr) {
      Error error = thread.state().take_trap();
      if (is_there(dso) && !program.ending) {  // others may have closed it meanwhile
        return std::unexpected(std::move(error));
      }
    }
  }
  // What was made first could not yet be bound to what came after it.
  for (const uint32_t dso : early) {
    bind_decided(program, thread, dso);
  }
  return {};
}

/// What libc has at the argument of thread-spawn: docs/threads.md.
struct StartArgument {
  uint32_t stack_pointer;
  uint32_t tls_block;
  uint32_t alive;
  uint32_t stack_low;
};
static_assert(sizeof(StartArgument) == 16);

/// Words of the guest's memory as T; nothing when they are misaligned or do not lie in it.
template <class T>
std::optional<T> read_words(const Namespace& program, uint32_t address) {
  const uint64_t size = program.memory->size.load(std::memory_order_acquire);
  if (address % sizeof(uint32_t) != 0 || size < sizeof(T) || address > size - sizeof(T)) {
    return std::nullopt;
  }
  T words;
  std::memcpy(&words, program.memory->base + address, sizeof(T));
  return words;
}

/// The lowest address of the stack that libc made for a new thread; 0 when it says nothing that can be believed.
uint64_t stack_low(const Namespace& program, uint32_t start_argument) {
  const auto argument = read_words<StartArgument>(program, start_argument);
  return argument && argument->stack_low < argument->stack_pointer ? argument->stack_low : 0;
}

/// libc's own part of the end of a thread that it did not make.
void call_thread_leave(Namespace& program, GuestThread& thread) {
  const auto leave = find_provided(program, "__wasilibc_thread_leave", {});
  // A thread that has no instance of libc has nothing of its to give back.
  if (leave && thread.instance(*leave->dso) != nullptr) {
    if (auto left = call_guest(program, thread, leave->function, {}, {}, "ending a thread with", leave->dso->name);
        !left) {
      program.report.line(kDebugFiles, "{}", left.error().message);
    }
  }
}

/// Stores 0 and wakes who waits: the last trace of a thread that ended inside of calls.
void clear_alive_word(const Namespace& program, uint64_t address) {
  const runtime::Memory* const memory = program.memory;
  if (address == 0 || memory == nullptr || address % sizeof(uint32_t) != 0 ||
      memory->size.load(std::memory_order_acquire) < address + sizeof(uint32_t)) {
    return;
  }
  auto* const word = reinterpret_cast<uint32_t*>(memory->base + address);
  std::atomic_ref(*word).store(0);
  (void)runtime::notify(word, UINT32_MAX);
}

}  // namespace

void end_program(Namespace& program, GuestThread* by, uint32_t exit_code) {
  if (program.ending.decide(exit_code)) {
    program.threads.spread_end(by);
  }
}

void end_program(Namespace& program, GuestThread* by, runtime::Trap trap) {
  if (program.ending.decide(std::move(trap))) {
    program.threads.spread_end(by);
  }
}

/// What a thread that the guest spawned is to do.
struct SpawnedThread {
  Namespace& program;
  GuestThread& thread;
  const LinkedFunction& start;
  uint32_t argument;

  void run() {
    const Presence presence(program, thread);
    run_guest();
    if (program.ending) {
      program.threads.end_unspawned();
    }
    // What they kept goes with the next library that is closed: the thread has no stack any more to unload on.
    (void)program.destructors.forget(thread);
  }

  void run_guest() {
    runtime::Thread& state = thread.state();
    if (program.ending) {
      return;
    }
    if (auto made = make_early(program, thread); !made) {
      end_program(program, &thread,
                  runtime::Trap{.kind = abi::TrapKind::host, .message = made.error().message, .backtrace = {}});
      return;
    }
    const std::array<abi::Cell, 2> arguments{abi::Cell{.u64 = static_cast<uint32_t>(thread.id)},
                                             abi::Cell{.u64 = argument}};
    abi::Instance* instance = thread.instance(start.dso);
    if (instance == nullptr) {
      instance = instance_for_thread(program, state, start.dso);
    }
    if (instance != nullptr && interp::invoke(state, instance, *start.code, arguments, {})) {
      return;
    }
    switch (state.pending) {
      case abi::Pending::exit:
        if (thread.has_ended) {
          give_blocks(program, thread);  // before the guest is told that it may join
          clear_alive_word(program, thread.alive_word);
        } else {
          end_program(program, &thread, state.exit_code);
        }
        break;
      case abi::Pending::exception:
        end_program(program, &thread,
                    runtime::Trap{.kind = abi::TrapKind::uncaught_exception,
                                  .message = fmt::format("thread {} threw it", thread.id),
                                  .backtrace = std::move(state.trap.backtrace),
                                  .omitted = state.trap.omitted});
        break;
      default:
        if (state.trap.kind != abi::TrapKind::interrupted) {
          end_program(program, &thread, std::move(state.trap));
        } else if (!program.ending) {  // the thread alone: who joins it is told; what it has locked stays locked
          clear_alive_word(program, uint64_t{argument} + offsetof(StartArgument, alive));
        }
        break;
    }
    state.pending = abi::Pending::none;
  }
};

/// An OS thread that runs spawned threads, one after the other: making an OS thread, its stacks and what guest code
/// needs takes longer than many a thread of a guest's runs. The OS thread ends when it has had nothing to do for a
/// while; this stays, for the next one.
struct Worker {
  std::unique_ptr<GuestThread> thread;  ///< that it will be, while it is idle
  std::optional<SpawnedThread> job;
  std::condition_variable wake;

  static void* run(void* its_worker) {
    auto* const worker = static_cast<Worker*>(its_worker);
    pthread_setname_np(pthread_self(), "tenon-guest");
    bool goes_on = true;
    while (goes_on) {
      SpawnedThread job = *std::exchange(worker->job, std::nullopt);
      job.run();
      goes_on = job.program.threads.rest(job.program, job.thread, *worker);
    }  // neither the worker nor the program need be there any more
    return nullptr;
  }
};

Threads::Threads() = default;
Threads::~Threads() = default;

void Threads::add(GuestThread& thread) {
  const std::scoped_lock lock(mutex_);
  all_.push_back(&thread);
  main_owner_ = this_os_thread();
}

int32_t Threads::unused_id() {
  do {
    last_id_ = last_id_ == kMaximumId ? 1 : last_id_ + 1;
  } while (spawned_.contains(last_id_));
  return last_id_;
}

int32_t Threads::spawn(Namespace& program, uint32_t start_argument) {
  if (program.main == nullptr || program.memory == nullptr || !program.memory->type().shared) {
    return -kNotSupported;
  }
  const auto refuse = [&](std::string_view why) {
    program.report.line(kDebugFiles, "thread refused: {}", why);
    return -kAgain;
  };
  const auto start = find_provided(program, "wasi_thread_start", start_type());
  if (!start) {
    (void)refuse(start.error());
    return -kNotSupported;
  }
  if (program.ending) {
    return refuse("the program has ended");
  }
  Worker* worker = take_idle();
  std::unique_ptr<GuestThread> made;
  if (worker != nullptr) {
    made = std::move(worker->thread);
  } else if (auto fresh = make_thread(program, GuestThread::Kind::spawned)) {
    made = *std::move(fresh);
  } else {
    return refuse(fresh.error().message);
  }
  GuestThread& thread = *made;
  const auto give_back = [&] {
    give_blocks(program, thread);
    if (worker != nullptr) {
      const std::scoped_lock lock(mutex_);
      worker->thread = std::move(made);
      idle_.push_back(worker);
    }
  };
  for (const Dso* const dso : {start->dso, program.main}) {
    auto reserved = thread.has_block(dso->index) ? Result<>() : reserve_tls_block(program, thread, *dso);
    if (!reserved) {
      give_back();
      return refuse(reserved.error().message);
    }
  }
  if (program.options.code.check_stack) {
    thread.state().stack_low = stack_low(program, start_argument);
  }
  auto begun = begin(program, std::move(made), {program, thread, *start->function, start_argument}, worker);
  if (!begun) {
    made = std::move(begun.error().thread);
    give_back();
    return refuse(begun.error().why);
  }
  ++program.report.statistics.threads;
  return *begun;
}

std::expected<int32_t, Threads::NotBegun> Threads::begin(Namespace& program, std::unique_ptr<GuestThread> made,
                                                         const SpawnedThread& job, Worker* worker) {
  // One that has been joined may still be on its way out of the runtime.
  constexpr auto kGrace = std::chrono::milliseconds(20);
  std::unique_lock lock(mutex_);
  if (!ended_.wait_for(lock, kGrace,
                       [&] { return spawned_.size() + host_.size() < program.options.maximum_threads; })) {
    return std::unexpected(NotBegun{std::move(made), fmt::format("the program has {} threads, which is its limit",
                                                                 program.options.maximum_threads)});
  }
  GuestThread& thread = *made;
  const int32_t id = unused_id();
  thread.id = id;
  all_.push_back(&thread);
  // It finds itself entered: it cannot remove itself while the lock is held.
  spawned_.emplace(id, std::move(made));
  if (worker != nullptr) {
    worker->job.emplace(job);
    // Not under the lock, which it needs at once.
    lock.unlock();
    worker->wake.notify_one();
    return id;
  }
  if (without_os_thread_.empty()) {
    without_os_thread_.push_back(workers_.emplace_back(std::make_unique<Worker>()).get());
  }
  Worker& fresh = *without_os_thread_.back();
  fresh.job.emplace(job);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, program.options.thread_stack);
  pthread_t handle{};
  const int error = pthread_create(&handle, &attributes, &Worker::run, &fresh);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    fresh.job.reset();
    std::erase(all_, &thread);
    return std::unexpected(NotBegun{std::move(spawned_.extract(id).mapped()),
                                    fmt::format("the host has no more threads: {}", strerror(error))});
  }
  without_os_thread_.pop_back();
  return id;
}

Worker* Threads::take_idle() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) {
    return nullptr;
  }
  Worker* const worker = idle_.back();
  idle_.pop_back();
  return worker;
}

bool Threads::rest(Namespace& program, GuestThread& thread, Worker& worker) {
  constexpr auto kPatience = std::chrono::milliseconds(500);
  constexpr size_t kMostIdle = 16;
  give_blocks(program, thread);
  {
    const std::scoped_lock lock(mutex_);
    std::erase(all_, &thread);
    worker.thread = std::move(spawned_.extract(thread.id).mapped());
    ended_.notify_all();
  }
  thread.recycle();
  std::unique_lock lock(mutex_);
  if (!is_closing_ && idle_.size() < kMostIdle) {
    idle_.push_back(&worker);
    do {
      worker.wake.wait_for(lock, kPatience, [&] { return worker.job || is_closing_; });
      if (worker.job) {
        return true;
      }
      // Whoever has taken it off the list is about to give it something to do, or will put it back.
    } while (std::erase(idle_, &worker) == 0);
  }
  worker.thread.reset();
  without_os_thread_.push_back(&worker);
  // Under the lock: whoever waits for this may take the program away afterwards.
  ended_.notify_all();
  return false;
}

void Threads::close(Namespace& program) {
  end_spawned(program);
  std::unique_lock lock(mutex_);
  is_closing_ = true;
  for (Worker* const worker : idle_) {
    worker->wake.notify_one();
  }
  ended_.wait(lock, [&] { return without_os_thread_.size() == workers_.size(); });
}

Result<GuestThread*> Threads::enter(Namespace& program) {
  if (GuestThread* const inside = Presence::find(program)) {
    return inside;
  }
  const OsThread self = this_os_thread();
  {
    const std::scoped_lock lock(mutex_);
    if (main_owner_ == self) {
      return program.main_thread.get();
    }
    if (const auto known = host_.find(self); known != host_.end()) {
      return known->second.get();
    }
    // A program that is not made for several threads goes from one to the next.
    if (program.memory == nullptr || !program.memory->type().shared) {
      if (program.main_thread->while_present([](pthread_t /*runner*/) {})) {
        return fail(ErrorKind::usage,
                    "another thread is in the program, whose memory is not shared: build it for threads "
                    "(tenon-cc -pthread), or let one thread in at a time");
      }
      main_owner_ = self;
      return program.main_thread.get();
    }
  }
  auto thread = TENON_TRY(make_thread(program, GuestThread::Kind::host));
  GuestThread& made = *thread;
  {
    const std::scoped_lock lock(mutex_);
    if (host_.size() + spawned_.size() >= program.options.maximum_threads) {
      return fail(ErrorKind::limit, "the program has {} threads, which is its limit", program.options.maximum_threads);
    }
    made.id = kMaximumId + ++last_host_id_;
    all_.push_back(&made);
    host_.emplace(self, std::move(thread));
  }
  if (auto ready = make_host_stack(program, made); !ready) {
    leave(program);
    return std::unexpected(std::move(ready).error());
  }
  return &made;
}

Result<> Threads::make_host_stack(Namespace& program, GuestThread& thread) {
  constexpr uint32_t kAlignment = 4;  // exponent
  const uint64_t size = std::max<uint64_t>(program.options.host_thread_stack, kMinimumHostStack) / 16 * 16;
  const MemoryRange stack =
      TENON_TRY(program.placement.take_block(program, size, kAlignment, "the stack of a thread of the host's"));
  thread.keep_block(GuestThread::kStackBlock, stack);
  const Presence presence(program, thread);
  const Dso& main = *program.main;
  if (!program.symbols.defined && !main.shared().stack_pointer) {
    return fail(ErrorKind::unlinkable,
                "{} does not export its stack pointer, so that no further thread of the host's can enter it: link it "
                "with -Wl,--export=__stack_pointer",
                main.name);
  }
  thread.state().stack_pointer.u64 = stack.base + size;
  if (thread.instance(main) == nullptr && instance_for_thread(program, thread.state(), main.index) == nullptr) {
    return fail(ErrorKind::trap, "{}", thread.state().take_trap().message);
  }
  stack_pointer_cell(program, thread)->u64 = stack.base + size;
  thread.state().stack_low = stack.base;
  return {};
}

void Threads::leave(Namespace& program) {
  if (Presence::find(program) != nullptr) {
    return;  // it would take away what its callers go on with
  }
  std::unique_ptr<GuestThread> left;
  {
    const std::scoped_lock lock(mutex_);
    auto found = host_.extract(this_os_thread());
    if (found.empty()) {
      return;
    }
    left = std::move(found.mapped());
  }
  if (!program.ending) {
    const Presence presence(program, *left);
    const auto tell = [&](const Result<>& result) {
      if (!result) {
        program.report.line(kDebugFiles, "{}", result.error().message);
      }
    };
    tell(program.destructors.run_of_thread(program, *left));
    call_thread_leave(program, *left);
    if (program.destructors.forget(*left)) {
      tell(unload_unreachable(program, *left));
    }
  }
  give_blocks(program, *left);
  const std::scoped_lock lock(mutex_);
  std::erase(all_, left.get());
}

bool Threads::interrupt(int32_t id) {
  bool is_there = false;
  for_each([&](GuestThread& thread) {
    if (thread.id == id) {
      is_there |= thread.while_present([&](pthread_t runner) { runtime::interrupt(thread.state(), runner); });
    }
  });
  return is_there;
}

void Threads::interrupt(const GuestThread* except) {
  for_each([&](GuestThread& thread) {
    if (&thread != except) {
      thread.while_present([&](pthread_t runner) { runtime::interrupt(thread.state(), runner); });
    }
  });
}

bool Threads::interrupt_unspawned(const GuestThread* except) {
  bool any = false;
  for (GuestThread* const thread : all_) {
    if (thread != except && thread->kind != GuestThread::Kind::spawned) {
      any |= thread->while_present([&](pthread_t runner) { runtime::interrupt(thread->state(), runner); });
    }
  }
  return any;
}

void Threads::spread_end(const GuestThread* by) {
  interrupt(by);
  if (by == nullptr || by->kind == GuestThread::Kind::spawned) {
    return;  // others see to the rest: close(), and end_unspawned()
  }
  constexpr int kTimes = 25;
  std::unique_lock lock(mutex_);
  for (int i = 0; i < kTimes && interrupt_unspawned(by); ++i) {
    ended_.wait_for(lock, kInterruptAgain);
  }
}

void Threads::end_spawned(Namespace& program) {
  GuestThread* const self = Presence::find(program);
  std::unique_lock lock(mutex_);
  end_is_awaited_ = true;
  while (!spawned_.empty()) {
    for (const auto& [id, thread] : spawned_) {
      if (thread.get() == self) {
        return;
      }
      runtime::Thread& state = thread->state();
      thread->while_present([&](pthread_t runner) { runtime::interrupt(state, runner); });
    }
    ended_.wait_for(lock, kInterruptAgain);
  }
  end_is_spread_ = false;
  end_is_awaited_ = false;
}

void Threads::end_unspawned() {
  std::unique_lock lock(mutex_);
  if (std::exchange(end_is_spread_, true)) {
    return;
  }
  while (!end_is_awaited_ && interrupt_unspawned(nullptr)) {
    ended_.wait_for(lock, kInterruptAgain);
  }
}

namespace {

bool thread_spawn(void* environment, runtime::HostCall& call) {
  Namespace& program = *static_cast<Namespace*>(environment);
  const runtime::InLinker in_linker(runtime::Thread::of(call.thread()));
  call.set_u32(static_cast<uint32_t>(program.threads.spawn(program, call.u32(0))));
  return true;
}

constexpr std::array kWasiThreads = {
    runtime::HostFunctionDefinition{"thread-spawn", "i_i", &thread_spawn},
};

}  // namespace

std::span<const runtime::HostFunctionDefinition> wasi_thread_functions() {
  return kWasiThreads;
}

}  // namespace tenon::link
