#include "link/guest_thread.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "interp/native.h"
#include "link/namespace.h"

namespace tenon::link {

namespace {

/// So many instances of a DSO that turned out useless a thread may have: others may have been bound to them.
constexpr size_t kMaximumFailures = 8;

}  // namespace

OsThread this_os_thread() {
  static std::atomic<uint64_t> last{0};
  thread_local const OsThread number{last.fetch_add(1, std::memory_order_relaxed) + 1};
  return number;
}

void GuestThread::Free::operator()(void* memory) const {
  std::free(memory);
}

Result<std::unique_ptr<GuestThread>> GuestThread::create(Kind kind, uint64_t stack_bytes, uint32_t maximum_dsos) {
  std::unique_ptr<GuestThread> thread(new GuestThread(kind));
  thread->state_ = TENON_TRY(runtime::Thread::create(stack_bytes));
  thread->state_->environment = thread.get();
  if (kind != Kind::spawned) {
    thread->native_thread_ = this_os_thread();
    runtime::accept_interrupts();
  }
  const size_t bytes = size_t{maximum_dsos} * sizeof(abi::Instance*);
  void* const array = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (array == MAP_FAILED) {
    return fail(ErrorKind::limit, "cannot reserve room for the instances of {} libraries: {}", maximum_dsos,
                strerror(errno));
  }
  thread->reserved_bytes_ = bytes;
  thread->state_->instances = static_cast<abi::Instance**>(array);
  thread->state_->instance_count = maximum_dsos;
  thread->state_->helpers = &interp::helpers();
  return thread;
}

GuestThread::~GuestThread() {
  if (state_ != nullptr && state_->instances != nullptr) {
    munmap(static_cast<void*>(state_->instances), reserved_bytes_);
  }
}

Result<abi::Instance*> GuestThread::add_instance(Dso& dso, uint64_t maximum_table) {
  {
    const std::scoped_lock lock(owning_);
    if (const auto known = instances_.find(dso.index);
        known != instances_.end() && known->second.size() >= kMaximumFailures) {
      return fail(ErrorKind::limit, "{} could not be instantiated {} times in this thread", dso.name, kMaximumFailures);
    }
  }
  const runtime::InstanceLayout& layout = dso.executable().layout();
  void* const memory = std::calloc(1, layout.size);
  if (memory == nullptr) {
    return fail(ErrorKind::limit, "{}: no memory for an instance of {} bytes", dso.name, layout.size);
  }
  OwnedInstance owned;
  owned.instance.reset(new (memory) abi::Instance);
  abi::Instance* const instance = owned.instance.get();
  if (!dso.memories.empty()) {
    instance->memory = dso.memories.front();
    instance->memory_base = instance->memory->base;
  }
  instance->thread = state_.get();
  instance->program_dso = static_cast<runtime::LinkedModule*>(&dso);
  instance->types = dso.executable().types();
  instance->dso = dso.index;

  const wasm::Module& module = dso.module();
  for (uint32_t i = 0; i < dso.tables.size(); ++i) {
    if (dso.tables[i].kind == TableBinding::Kind::own) {
      auto table = runtime::Table::create(module.tables[i].type, maximum_table);
      if (!table) {
        return fail(table.error().kind, "cannot instantiate {}: {}", dso.name, table.error().message);
      }
      owned.tables.push_back(*std::move(table));
      runtime::at<abi::Table*>(*instance, layout.table(i)) = owned.tables.back().get();
    }
  }
  for (uint32_t i = 0; i < module.imported_functions; ++i) {
    auto& slot = runtime::at<abi::ImportSlot>(*instance, layout.import(i));
    slot.native = runtime::native_call_out();
    slot.instance = instance;
    slot.code = &dso.executable().code(i);
  }
  for (uint32_t i = 0; i < dso.tags.size(); ++i) {
    runtime::at<const void*>(*instance, layout.tag(i)) = dso.tags[i];
  }
  {
    const std::scoped_lock lock(owning_);
    instances_[dso.index].push_back(std::move(owned));
  }
  std::atomic_ref(state_->instances[dso.index]).store(instance, std::memory_order_release);
  return instance;
}

MemoryRange GuestThread::remove_instance(const Dso& dso) {
  if (instance(dso) == nullptr && !has_hidden_.load(std::memory_order_relaxed)) {
    return {};  // as with most threads and libraries
  }
  std::atomic_ref(state_->instances[dso.index]).store(nullptr, std::memory_order_release);
  const std::scoped_lock lock(owning_);
  instances_.erase(dso.index);
  const auto block = blocks_.extract(dso.index);
  return block.empty() ? MemoryRange{} : block.mapped();
}

void GuestThread::hide_instance(const Dso& dso) {
  has_hidden_.store(true, std::memory_order_relaxed);  // ordered by the link map lock, as who asks holds it
  std::atomic_ref(state_->instances[dso.index]).store(nullptr, std::memory_order_release);
}

void GuestThread::keep_block(uint32_t dso, const MemoryRange& block) {
  const std::scoped_lock lock(owning_);
  blocks_[dso] = block;
}

MemoryRange GuestThread::take_block(uint32_t dso) {
  const std::scoped_lock lock(owning_);
  const auto found = blocks_.extract(dso);
  return found.empty() ? MemoryRange{} : found.mapped();
}

std::vector<MemoryRange> GuestThread::take_blocks() {
  const std::scoped_lock lock(owning_);
  std::vector<MemoryRange> all;
  all.reserve(blocks_.size());
  for (const auto& [dso, block] : blocks_) {
    all.push_back(block);
  }
  blocks_.clear();
  return all;
}

void GuestThread::recycle() {
  {
    const std::scoped_lock lock(owning_);
    for (auto entry = instances_.begin(); entry != instances_.end();) {
      if (entry->first == HostModules::kDso) {
        ++entry;
        continue;
      }
      std::atomic_ref(state_->instances[entry->first]).store(nullptr, std::memory_order_release);
      entry = instances_.erase(entry);
    }
  }
  has_hidden_.store(false, std::memory_order_relaxed);
  state_->recycle();
  id = 0;
  linker_error.clear();
  waits_for = nullptr;
  asking_heap = false;
  has_ended = false;
  alive_word = 0;
  calls_in_progress = 0;
}

void GuestThread::adopt_native_stack() {
  if (native_thread_ != this_os_thread()) {
    native_thread_ = this_os_thread();
    state_->adopt_native_stack();
    runtime::accept_interrupts();
  }
}

namespace {

thread_local constinit Presence* innermost = nullptr;

}  // namespace

Presence::Presence(Namespace& program, GuestThread& thread)
    : program_(program),
      thread_(thread),
      outer_(innermost),
      is_outermost_(find(program) == nullptr),
      in_linker_(thread.state(), true) {
  innermost = this;
  if (is_outermost_) {
    thread.adopt_native_stack();
    constexpr uintptr_t kFrame = 4096;  // what the frame that this lies in may have at most
    thread.state().live_end = std::min(reinterpret_cast<uintptr_t>(this) + kFrame, thread.state().native_stack_end);
    const std::scoped_lock lock(thread.presence_);
    runtime::withdraw_interrupt(thread.state());  // that was for what it did in the program before
    thread.is_present_ = true;
    thread.runner_ = pthread_self();
  }
}

Presence::~Presence() {
  innermost = outer_;
  if (is_outermost_) {
    {
      const std::scoped_lock lock(thread_.presence_);
      thread_.is_present_ = false;
    }
    runtime::answer_outside(thread_.state());
  }
}

GuestThread* Presence::find(const Namespace& program) {
  for (const Presence* presence = innermost; presence != nullptr; presence = presence->outer_) {
    if (&presence->program_ == &program) {
      return &presence->thread_;
    }
  }
  return nullptr;
}

}  // namespace tenon::link
